import { VarveError } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import { ChunkScanner, parseRecordHeader, type RecordHeader, type ScannedBatch } from '@varve/pack/pack'
import type { ChunkPlace } from '../job/index.ts'
import { openChunk, type SourceOptions } from './source-space.ts'

/** A record as a scan shows it; bytes and fields are valid until the scan goes on. */
export interface ScannedRecord extends RecordHeader {
  readonly offset: number
  readonly bytes: Buffer
  /** Where the record starts in `bytes`. */
  readonly at: number
  readonly hashStart: number
  readonly bodyStart: number
  readonly bodyEnd: number
}

/** Bytes of a chunk in which no record can be found. Virtual offsets. */
export interface LostRange {
  readonly chunk: ChunkPlace
  readonly start: number
  readonly end: number
  /** The batch of which they are the rest, where its header is whole. */
  readonly batch: { readonly start: number; readonly recordCount: number } | undefined
}

export interface LogVisitor {
  /** A whole record, in a batch closed at `timeMs`. */
  readonly record: (record: ScannedRecord, timeMs: number) => void
  /** A record whose header fields and place are proved but whose hash or body is damaged. */
  readonly damaged: (record: ScannedRecord, timeMs: number) => Promise<void>
  readonly lost: (range: LostRange) => Promise<void> | void
  /** After each batch. */
  readonly batchEnd?: (end: number) => Promise<void> | void
}

/** What a scan has seen. */
export interface ScanCounts {
  bytes: number
  records: number
}

/**
 * Goes through [from, to) of the log, forwards. `from` is the border of a batch, or the start of a chunk.
 * Batches that end at or below `skipTo` are passed over by their headers.
 * @throws CORRUPT when a chunk is missing or not the one that is meant, and whatever the visitor throws
 */
export async function scanLog(
  o: SourceOptions,
  range: {
    readonly chunks: readonly ChunkPlace[]
    readonly from: number
    readonly to: number
    readonly skipTo?: number
  },
  visitor: LogVisitor,
): Promise<ScanCounts> {
  const counts = { bytes: 0, records: 0 }
  for (const place of range.chunks) {
    const end = Math.min(place.base + place.length, range.to)
    if (place.base >= range.to || end <= range.from) continue
    const { from, skipTo = 0 } = range
    await scanChunkFile(o, place, { from, end, skipTo }, visitor, counts)
  }
  return counts
}

async function scanChunkFile(
  o: SourceOptions,
  place: ChunkPlace,
  range: { readonly from: number; readonly end: number; readonly skipTo: number },
  visitor: LogVisitor,
  counts: ScanCounts,
): Promise<void> {
  const { handle, header } = await openChunk(o, place)
  try {
    // The file header is no batch: a range that starts at or inside it starts at the first one.
    const from = range.from > place.base + headerSpan ? range.from : undefined
    const scanner = new ChunkScanner({ handle, header, from, end: range.end, memory: o.memory })
    await passOver(scanner, range.skipTo)
    for (let step = await scanner.next(); step !== undefined; step = await scanner.next()) {
      if (step.kind === 'damage') {
        const { start, end } = step.range
        await visitor.lost({ chunk: place, start, end, batch: undefined })
        continue
      }
      counts.bytes += step.batch.header.length
      counts.records += step.batch.header.recordCount
      await visitBatch(step.batch, place, visitor)
    }
  } finally {
    await handle.close()
  }
}

/** Damage on the way is passed over like the rest: what lies behind it is found by the search for headers. */
async function passOver(scanner: ChunkScanner, skipTo: number): Promise<void> {
  if (skipTo === 0) return
  for (let header = await scanner.nextHeader(); header !== undefined; header = await scanner.nextHeader()) {
    if (header.start + header.length > skipTo) return
    scanner.skip(header)
  }
}

/** Bytes before the first batch of a chunk. */
const headerSpan = 64

async function visitBatch(batch: ScannedBatch, place: ChunkPlace, visitor: LogVisitor): Promise<void> {
  const time = batch.header.time
  const cursor = batch.records()
  while (cursor.next()) visitor.record(cursor, time)
  for (const range of batch.damage) {
    if (range.what === 'record') await visitor.damaged(damagedRecord(batch, range.start), time)
    else if (range.what === 'batch') {
      const { start, recordCount } = batch.header
      await visitor.lost({ chunk: place, start: range.start, end: range.end, batch: { start, recordCount } })
    }
  }
  const ended = visitor.batchEnd?.(batch.end)
  if (ended !== undefined) await ended
}

function damagedRecord(batch: ScannedBatch, offset: number): ScannedRecord {
  const at = batch.at + offset - batch.start
  const header: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
  parseRecordHeader(batch.bytes, at, header)
  const bodyStart = at + 48
  return {
    ...header,
    offset,
    bytes: batch.bytes,
    at,
    hashStart: at + 16,
    bodyStart,
    bodyEnd: bodyStart + header.bodyLength,
  }
}

/**
 * The answer to lost bytes of which nothing else is known: then nothing may be collected.
 * @throws CORRUPT
 */
export function refuseLost(range: LostRange): never {
  const offset = range.start - range.chunk.base
  throw new VarveError('CORRUPT', { file: fileName.chunk(range.chunk.number), offset })
}
