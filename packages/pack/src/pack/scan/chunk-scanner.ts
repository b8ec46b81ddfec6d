import type { FileHandle } from '../../fs/index.ts'
import {
  BatchFrame,
  type BatchHeader,
  batchBytesMax,
  batchHeaderSize,
  batchTrailerSize,
  type PackHeader,
  packHeaderSize,
  parseRecordHeader,
  type RecordHeader,
  recordAlignment,
  recordHeaderSize,
  recordSize,
  recordSumMatches,
} from '../frame/index.ts'
import type { ScanMemory } from './scan-memory.ts'
import { ScanWindow } from './scan-window.ts'
import { type DamagedRange, ScannedBatch } from './scanned-batch.ts'

/** What a scan meets, in ascending order without gaps: batches, and ranges where no batch could be proved. */
export type ScanStep =
  | { readonly kind: 'batch'; readonly batch: ScannedBatch }
  | { readonly kind: 'damage'; readonly range: DamagedRange }

export interface ScanOptions {
  readonly handle: FileHandle
  /** The file's own, proved. */
  readonly header: PackHeader
  /** The border of a batch where the scan starts; default the first batch. Virtual. */
  readonly from?: number | undefined
  /** The batch that ends at `from`, where that is known. */
  readonly last?: { readonly sequence: number; readonly time: number } | undefined
  /** Nothing at or after it is looked at: the sealed end, or where the file ends. Virtual. */
  readonly end: number
  /** Of scans that are over. Default: its own. */
  readonly memory?: ScanMemory | undefined
}

/** How far the search for the next batch looks between two reads. */
const searchBytes = 64 * 1024

/**
 * Goes through a chunk file forwards, batch by batch, and proves every byte of it but the padding: each
 * header by its own sum, each record by its checksum, each batch by its trailer. After bytes that prove
 * nothing it looks in steps of 8 for the next header of a batch; content cannot look like one (see
 * `BatchFrame`).
 *
 * It judges nothing: whether damage is corruption or a torn end depends on what was synced, which recovery
 * knows.
 */
export class ChunkScanner {
  readonly #window: ScanWindow
  readonly #frame: BatchFrame
  readonly #base: number
  readonly #first: number
  readonly #end: number
  readonly #record: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
  #next: number
  /** Of the last batch seen; the first one of a chunk has 1. */
  #sequence = 0
  /** Of the last batch seen. */
  #time = 0
  /** Whether the batch before `#next` has been seen, so that the next one's sequence is known. */
  #isContiguous: boolean

  constructor(o: ScanOptions) {
    this.#base = o.header.base
    this.#first = o.header.base + packHeaderSize
    this.#end = o.end
    this.#next = o.from ?? this.#first
    this.#window = new ScanWindow(o.handle, o.end - o.header.base, o.memory)
    this.#frame = new BatchFrame(o.header.nonce)
    this.#isContiguous = this.#next === this.#first || o.last !== undefined
    this.#sequence = o.last?.sequence ?? 0
    this.#time = o.last?.time ?? 0
  }

  /**
   * The next step, `undefined` at the end. The bytes of the step before it are gone then.
   * @throws what the file system throws
   */
  async next(): Promise<ScanStep | undefined> {
    if (this.#next >= this.#end) return undefined
    const header = await this.nextHeader()
    if (header === undefined) return this.#unproved(this.#end, this.#time)
    if (header.start > this.#next) return this.#unproved(header.start, header.time)
    this.#next = Math.min(this.#end, header.start + header.length)
    this.#accept(header)
    return { kind: 'batch', batch: await this.#batch(header) }
  }

  /** The header of the next batch, however much damage lies before it; the scan stays where it is. */
  async nextHeader(): Promise<BatchHeader | undefined> {
    for (let from = this.#next; from + batchHeaderSize <= this.#end; from += searchBytes) {
      const held = await this.#window.load(from - this.#base, searchBytes + batchHeaderSize)
      const to = Math.min(from + searchBytes, from + held - batchHeaderSize + 1)
      for (let start = from; start < to; start += recordAlignment) {
        const header = this.#headerAt(start)
        if (header !== undefined) return header
      }
    }
    return undefined
  }

  /** Goes on after this batch without looking at its records. */
  skip(header: BatchHeader): void {
    this.#next = header.start + header.length
    this.#accept(header)
  }

  #accept(header: BatchHeader): void {
    this.#sequence = header.sequence
    this.#time = header.time
    this.#isContiguous = true
  }

  /**
   * No header of a batch from here to `end`. If a batch starts here, its records still can be proved one
   * after another, as the place of the first is known; a time is lent to them from the batch beside them.
   */
  async #unproved(end: number, time: number): Promise<ScanStep> {
    const start = this.#next
    const isBatch = this.#isContiguous
    this.#next = end
    this.#isContiguous = false
    const damage: ScanStep = { kind: 'damage', range: { start, end, what: 'batch' } }
    if (!isBatch) return damage
    const held = await this.#window.load(start - this.#base, Math.min(end - start, batchBytesMax))
    const at = this.#window.at(start - this.#base)
    const header = { recordCount: 0, sequence: 0, time, start, length: end - start, syncedTo: this.#first }
    this.#frame.begin()
    const chain = this.#chain(header, this.#window.bytes, at, Math.min(held, end - start))
    const recordsEnd = chain.damage[0]?.start ?? chain.end
    const recordsStart = start + batchHeaderSize
    if (recordsEnd === recordsStart) return damage
    const ranges: DamagedRange[] = [
      { start, end: recordsStart, what: 'batch' },
      { start: recordsEnd, end, what: 'batch' },
    ]
    const bytes = this.#window.bytes
    return { kind: 'batch', batch: new ScannedBatch({ header, bytes, at, damage: ranges, recordsEnd }) }
  }

  #headerAt(start: number): BatchHeader | undefined {
    const at = this.#window.at(start - this.#base)
    const header = this.#frame.decodeHeader(this.#window.bytes, at, { start, first: this.#first })
    if (header === undefined) return undefined
    const expected = this.#sequence + 1
    const isNext = this.#isContiguous && start === this.#next
    return (isNext ? header.sequence === expected : header.sequence >= expected) ? header : undefined
  }

  async #batch(header: BatchHeader): Promise<ScannedBatch> {
    const held = await this.#window.load(header.start - this.#base, header.length)
    const at = this.#window.at(header.start - this.#base)
    const bytes = this.#window.bytes
    this.#frame.beginWith(bytes, at)
    const available = Math.min(held, header.length)
    const chain = this.#chain(header, bytes, at, available)
    const end = Math.min(this.#end, header.start + header.length)
    const trailerAt = at + header.length - batchTrailerSize
    const isClosed = chain.isComplete && this.#frame.trailerMatches(bytes, trailerAt)
    if (isClosed) return new ScannedBatch({ header, bytes, at, damage: chain.damage, recordsEnd: chain.end })
    const first = chain.damage[0]
    if (chain.isComplete && first === undefined) {
      // Every record is proved by itself.
      const range = { start: end - batchTrailerSize, end, what: 'trailer' } as const
      return new ScannedBatch({ header, bytes, at, damage: [range], recordsEnd: chain.end })
    }
    // The lengths after the first bad record are not proved: where the records after it start is not known.
    const start = first === undefined ? chain.end : first.start
    return new ScannedBatch({
      header,
      bytes,
      at,
      damage: [{ start, end, what: 'batch' }],
      recordsEnd: start,
    })
  }

  /** Follows the records by their lengths, and notes those that are not what was written. */
  #chain(
    header: BatchHeader,
    bytes: Buffer,
    at: number,
    available: number,
  ): { readonly end: number; readonly isComplete: boolean; readonly damage: DamagedRange[] } {
    const damage: DamagedRange[] = []
    const record = this.#record
    const limit = Math.min(available, header.length - batchTrailerSize)
    let position = batchHeaderSize
    while (position + recordHeaderSize <= limit) {
      if (!parseRecordHeader(bytes, at + position, record)) break
      const size = recordSize(record.bodyLength)
      if (position + size > limit) break
      this.#frame.addRecord(bytes, at + position)
      const offset = header.start + position
      if (!recordSumMatches(bytes, at + position, record.bodyLength, offset)) {
        damage.push({ start: offset, end: offset + size, what: 'record' })
      }
      position += size
    }
    const isComplete =
      available === header.length &&
      position === header.length - batchTrailerSize &&
      this.#frame.recordCount === header.recordCount
    return { end: header.start + position, isComplete, damage }
  }
}

/**
 * All steps of a scan. A batch's bytes are valid until the next step is asked for.
 * @throws what the file system throws
 */
export async function* scanChunk(o: ScanOptions): AsyncGenerator<ScanStep, void, undefined> {
  const scanner = new ChunkScanner(o)
  for (let step = await scanner.next(); step !== undefined; step = await scanner.next()) yield step
}
