import type { BodyView } from '@varve/pack/objects'
import type { RecordView } from '@varve/pack/pack'

/** The body of a record, as the codecs take it; it stays right when the view is filled again. */
export function bodyOf({ buf, bodyStart, bodyEnd, referenceCount }: RecordView): BodyView {
  return { buf, start: bodyStart, end: bodyEnd, referenceCount }
}
