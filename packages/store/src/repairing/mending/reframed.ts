/** What a damaged batch still says of itself, so that it can be framed anew without a copy. */

import { magic } from '@varve/pack/layout'
import type { IndexKind, RawHash } from '@varve/pack/objects'
import {
  BatchFrame,
  batchHeaderSize,
  batchTrailerSize,
  type RecordHeader,
  recordHashAt,
  recordHeaderSize,
  type ScannedBatch,
  verifyRecord,
} from '@varve/pack/pack'

/** Bytes to be put at a virtual offset. */
export interface Reframed {
  readonly offset: number
  readonly bytes: Buffer
  /** They mark a record as damaged. */
  readonly isLost?: boolean
}

/** What a damaged record was, as a reference to it says. */
export interface NamedRecord {
  readonly kind: IndexKind
  readonly hash: RawHash
}

/** Summed at most while records are looked for behind a gap. */
const searchedBytesMax = 64 << 20

/** The trailer of a batch whose header and records are whole: it sums them up. */
export function trailerOf(batch: ScannedBatch, nonce: Buffer): Reframed {
  const frame = new BatchFrame(nonce)
  frame.beginWith(batch.bytes, batch.at)
  for (const record = batch.records(); record.next(); ) frame.addRecord(record.bytes, record.at)
  return { offset: batch.end - batchTrailerSize, bytes: frame.encodeTrailer() }
}

/**
 * Header and trailer of a batch of which only the header is damaged: the records, one after another from
 * where the first must be, end where the trailer is. Its mark says as little as a mark can.
 * @param bytes from the end of the batch before it to the start of the next one
 */
export function headerOf(
  bytes: Buffer,
  o: {
    readonly start: number
    readonly sequence: number
    /** As with what is lent to records of a batch that has no header. */
    readonly time: number
    readonly nonce: Buffer
    /** Where the first batch of the chunk starts. */
    readonly first: number
  },
): Reframed[] | undefined {
  const { start, sequence, time, first } = o
  const trailerAt = bytes.length - batchTrailerSize
  if (trailerAt < batchHeaderSize) return undefined
  const frame = new BatchFrame(o.nonce)
  frame.begin()
  const record: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
  for (let at = batchHeaderSize; at < trailerAt; ) {
    const size = verifyRecord(bytes, at, trailerAt - at, start + at, record)
    if (size === 0) return undefined
    frame.addRecord(bytes, at)
    at += size
  }
  // Of a trailer that is damaged too at least a record says where it is.
  const isTrailer = bytes.toString('latin1', trailerAt, trailerAt + 4) === magic.batchTrailer
  if (frame.recordCount === 0 && !isTrailer) return undefined
  const header = frame.encodeHeader({ sequence, time, start, length: bytes.length, syncedTo: first })
  return [
    { offset: start, bytes: Buffer.from(header) },
    { offset: start + trailerAt, bytes: frame.encodeTrailer() },
  ]
}

/**
 * Makes a break in the chain of records the damage of one record, where it is certain that it is one: the
 * header of the batch is whole and counts one record more than there are around the gap. A reference must say
 * what it was: then no metadata is lost, and its hash goes on leading to the damage, not to nothing. None may
 * say of another that it was in the gap: then what looks like a record behind it may be in that one's
 * content.
 */
export function closedGap(
  batch: ScannedBatch,
  nonce: Buffer,
  named: ReadonlyMap<number, NamedRecord>,
): Reframed[] | undefined {
  const frame = new BatchFrame(nonce)
  frame.beginWith(batch.bytes, batch.at)
  for (const record = batch.records(); record.next(); ) frame.addRecord(record.bytes, record.at)
  const gap = batch.recordsEnd
  const end = batch.end - batchTrailerSize
  const behind = recordsBehind(batch, gap, end)
  const gapEnd = behind?.[0] ?? end
  const lost = named.get(gap)
  if (lost === undefined || behind === undefined || gapEnd - gap < recordHeaderSize) return undefined
  if (frame.recordCount + 1 + behind.length !== batch.header.recordCount) return undefined
  for (const offset of named.keys()) if (offset > gap && offset < end) return undefined
  const marked = markedDamaged(gapEnd - gap, lost)
  frame.addRecord(marked, 0)
  for (const offset of behind) frame.addRecord(batch.bytes, batch.at + offset - batch.start)
  return [
    { offset: gap, bytes: marked, isLost: true },
    { offset: end, bytes: frame.encodeTrailer() },
  ]
}

/**
 * The whole records from the first one at or after `gap` to `end`, if they follow each other without a gap.
 */
function recordsBehind(batch: ScannedBatch, gap: number, end: number): number[] | undefined {
  const record: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
  const found: number[] = []
  let left = searchedBytesMax
  for (let offset = gap + recordHeaderSize; offset < end; ) {
    const at = batch.at + offset - batch.start
    const size = verifyRecord(batch.bytes, at, end - offset, offset, record)
    // What does not fit has not been summed.
    if (record.bodyLength < end - offset) left -= record.bodyLength
    if (left < 0 || (size === 0 && found.length > 0)) return undefined
    if (size > 0) found.push(offset)
    offset += size === 0 ? 8 : size
  }
  return found
}

/** The header of a record of that size that does not match its checksum. */
function markedDamaged(size: number, { kind, hash }: NamedRecord): Buffer {
  const bytes = Buffer.alloc(recordHeaderSize)
  // The kinds of the index are those of the records that are looked up.
  bytes[8] = kind
  bytes.writeUInt32LE(size - recordHeaderSize, 12)
  bytes.write(hash, recordHashAt, 'latin1')
  return bytes
}
