import { VarveError } from '@varve/pack/errors'
import {
  type ChunkEntry,
  ContentHasher,
  chunksInRange,
  listContentLength,
  MalformedBody,
  rawToHex,
} from '@varve/pack/objects'
import { RecordView } from '@varve/pack/pack'
import type { CheckPace } from './check-pace.ts'
import type { Layer } from './files/layer.ts'
import type { Findings } from './findings.ts'

export interface ContentPassOptions {
  readonly layer: Layer
  readonly findings: Findings
  readonly pace: CheckPace
}

/**
 * Whether the chunks of large blobs, one behind the other, have the blob's hash. What is missing or damaged
 * in them has been found before.
 */
export async function checkContents(offsets: Iterable<number>, o: ContentPassOptions): Promise<void> {
  for (const offset of offsets) {
    try {
      await checkContent(offset, o)
    } catch (error) {
      const isTold = VarveError.is(error, 'CORRUPT') || VarveError.is(error, 'COLLECTED')
      if (!isTold && !(error instanceof MalformedBody)) throw error
    }
    await o.pace.step(1, 0)
  }
}

async function checkContent(offset: number, { layer, findings, pace }: ContentPassOptions): Promise<void> {
  const { reader } = layer
  const blob = reader.record(offset)
  const body = bodyOf(blob)
  const hasher = new ContentHasher()
  const chunk = new RecordView()
  const range = { from: 0, to: listContentLength(body) }
  for (const piece of chunksInRange(body, range, (entry: ChunkEntry) =>
    bodyOf(reader.record(entry.offset)),
  )) {
    if (!reader.readPast(piece.offset, piece.length, chunk)) reader.read(piece.offset, chunk)
    hasher.update(chunk.buf.subarray(chunk.bodyStart, chunk.bodyEnd))
    await pace.step(0, piece.length)
  }
  if (hasher.digest() === blob.hash) return
  const place = layer.placeOf(offset)
  const finding = findings.error(place.file, place.offset, 'its content does not have its hash', false)
  finding.hash = rawToHex(blob.hash)
}

function bodyOf({ buf, bodyStart: start, bodyEnd: end, referenceCount }: RecordView) {
  return { buf, start, end, referenceCount }
}
