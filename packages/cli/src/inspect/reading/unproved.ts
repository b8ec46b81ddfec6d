import type { FileBytes } from '../file-bytes.ts'
import { type Finding, type Step, stretch } from '../finding.ts'
import { sliceBytes } from '../lines/line-builder.ts'

/** What bytes that prove nothing were to be. */
export type Damaged =
  | 'control'
  | 'manifest'
  | 'header'
  | 'batch'
  | 'record'
  | 'trailer'
  | 'page'
  | 'list'
  | 'block'
  | 'rest'

/** Bytes [from, to) of the file, which are not what was written, or which nothing proves, in slices. */
export async function* damage(
  file: FileBytes,
  { from, to }: { readonly from: number; readonly to: number },
  what: Damaged,
  offset?: number,
): AsyncGenerator<Step> {
  yield* slices(file, from, to, (at) => ({
    type: 'damage',
    what,
    ...(offset !== undefined && { offset: offset + at - from }),
    ...(at > from && { continued: true }),
  }))
}

/** Bytes that are zeros as they are written, at which nobody looks. */
export async function* gap(file: FileBytes, from: number, to: number): AsyncGenerator<Step> {
  yield* slices(file, from, to, () => ({ type: 'gap' }))
}

async function* slices(
  file: FileBytes,
  from: number,
  to: number,
  line: (at: number) => Finding,
): AsyncGenerator<Step> {
  for (let at = from; at < to; ) {
    const bytes = await file.read(at, Math.min(sliceBytes, to - at))
    if (bytes.length === 0) return
    yield stretch(line(at), bytes)
    at += bytes.length
  }
}
