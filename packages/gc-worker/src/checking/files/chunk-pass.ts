import { VarveError } from '@varve/pack/errors'
import { indexKindOf, rawToHex, readHash, recordKind } from '@varve/pack/objects'
import {
  batchTrailerSize,
  ChunkScanner,
  type DamagedRange,
  type IndexEntries,
  mendHash,
  packHeaderSize,
  type ScanMemory,
  type ScannedBatch,
} from '@varve/pack/pack'
import { ScannedIndex, type ScannedRecord } from '../../source/index.ts'
import type { CheckFinding } from '../check-job.ts'
import type { CheckPace } from '../check-pace.ts'
import type { Findings } from '../findings.ts'
import type { MetadataPass } from '../metadata-pass.ts'
import type { Layer, LayerChunk } from './layer.ts'
import { RecordAt } from './record-at.ts'
import type { RecordPass } from './record-pass.ts'
import type { SequentialWindow } from './sequential-window.ts'

/** Read between two looks at the clock while records are searched. */
const searchBytes = 256 * 1024

export interface PassTools {
  readonly layer: Layer
  readonly findings: Findings
  readonly pace: CheckPace
  readonly metadata: MetadataPass
  readonly records: RecordPass
  readonly window: SequentialWindow
  readonly memory: ScanMemory
  readonly entries: IndexEntries
}

/** What a pack file holds, as far as it is whole: for the comparison with its index. */
export interface ReadPack {
  readonly index: ScannedIndex
  /** Virtual ranges in which something is damaged. */
  readonly damage: readonly { readonly start: number; readonly end: number }[]
}

/**
 * Proves a chunk file: every batch by header and trailer, every record by its checksum. Where the chain of
 * records breaks, whole ones behind it are looked for: a checksum covers the offset, so none is mistaken.
 */
export class ChunkPass {
  readonly #o: PassTools
  readonly #chunk: LayerChunk
  readonly #name: string
  readonly #index: ScannedIndex
  readonly #damage: { start: number; end: number }[] = []
  readonly #found = new RecordAt()

  constructor(o: PassTools, chunk: LayerChunk) {
    this.#o = o
    this.#chunk = chunk
    this.#name = chunk.file.name
    this.#index = new ScannedIndex(chunk.place, o.entries)
  }

  /** @throws what `CheckPace.step` throws */
  async run(): Promise<ReadPack> {
    const { place, file, header } = this.#chunk
    const end = Math.min(place.base + place.length, place.base + file.handle.sizeSync())
    if (header === undefined) await this.#search(place.base + packHeaderSize, end)
    else await this.#scan(end)
    return { index: this.#index, damage: this.#damage }
  }

  async #scan(end: number): Promise<void> {
    const { place, file, header } = this.#chunk
    const { memory } = this.#o
    if (header === undefined) return
    const scanner = new ChunkScanner({ handle: file.handle, header, end, memory })
    let done = place.base
    try {
      for (let step = await scanner.next(); step !== undefined; step = await scanner.next()) {
        if (step.kind === 'batch') await this.#batch(step.batch)
        else await this.#broken(step.range, 'no batch can be told here')
        const to = step.kind === 'batch' ? step.batch.end : step.range.end
        await this.#o.pace.step(to - done, to - done)
        done = to
      }
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
      // The disk does not give the bytes: what lies behind them is looked for without the batches.
      const finding = this.#o.findings.corrupt(this.#o.layer.files.prefix, error, error.message, false)
      this.#cover({ start: done, end }, finding)
      await this.#search(done, end)
    }
  }

  async #batch(batch: ScannedBatch): Promise<void> {
    for (const record = batch.records(); record.next(); ) this.#take(record, batch.header.time)
    const [first] = batch.damage
    const isHeader = first?.what === 'batch' && first.start === batch.start
    for (const range of batch.damage) {
      if (range.what === 'record') this.#record(batch, range)
      else if (range.what === 'trailer') this.#report(range, "a batch's trailer is damaged", true)
      else if (range === first || !isHeader) {
        const what = isHeader ? "a batch's header is damaged" : 'the chain of records breaks here'
        const rest = batch.end - batch.recordsEnd
        await this.#broken(range, what, isHeader && rest === batchTrailerSize)
      } else if (range.end - range.start > batchTrailerSize) await this.#search(range.start, range.end)
    }
  }

  /** Whole by itself. */
  #take(record: ScannedRecord, time: number): void {
    this.#index.record(record, time)
    this.#o.records.take(record, this.#name, record.offset - this.#chunk.place.base)
  }

  /** Its kind and length are proved by the trailer; its hash, or its body, is not what was written. */
  #record(batch: ScannedBatch, range: DamagedRange): void {
    const cursor = batch.records()
    cursor.toDamaged(range)
    if (cursor.kind === recordKind.meta) {
      this.#o.metadata.noteDamage()
      this.#report(range, 'a record of metadata is damaged: what it said is lost', false)
      return
    }
    const isMended = mendHash(cursor.bytes, cursor.at, cursor, cursor.offset)
    const finding = this.#report(range, 'a record is damaged', false)
    if (!isMended && indexKindOf(cursor.kind) === undefined) return
    finding.hash = rawToHex(readHash(cursor.bytes, cursor.hashStart))
  }

  /** Repairable: all records are whole. */
  async #broken(range: DamagedRange, what: string, isRepairable = false): Promise<void> {
    this.#o.metadata.noteDamage()
    const finding = this.#report(range, what, isRepairable)
    // The index of a chunk, unless it was made later, says what was there.
    if (!this.#o.layer.indexCovers(this.#chunk.place)) finding.isDoubt = true
    await this.#search(range.start, range.end)
  }

  #report(range: DamagedRange, what: string, isRepairable: boolean): CheckFinding {
    const { layer, findings } = this.#o
    const position = range.start - this.#chunk.place.base
    const finding = findings.error(layer.named(this.#name), position, what, isRepairable)
    this.#cover(range, finding)
    return finding
  }

  #cover({ start, end }: { readonly start: number; readonly end: number }, finding: CheckFinding): void {
    this.#damage.push({ start, end })
    this.#o.findings.cover({ prefix: this.#o.layer.files.prefix, low: start, high: end, finding })
  }

  /** Takes every whole record of [from, to), wherever one starts. */
  async #search(from: number, to: number): Promise<void> {
    const { base } = this.#chunk.place
    const { window, pace } = this.#o
    this.#damage.push({ start: from, end: to })
    window.begin(this.#chunk.file.handle)
    let told = from
    for (let offset = from; offset < to; ) {
      const place = { position: offset - base, end: to - base, offset }
      if (offset > 0 && this.#takesAt(place)) {
        this.#take(this.#found, 0)
        offset += this.#found.size
      } else offset += 8
      if (offset - told < searchBytes) continue
      await pace.step(0, offset - told)
      told = offset
    }
  }

  #takesAt(place: { position: number; end: number; offset: number }): boolean {
    try {
      return this.#found.take(this.#o.window, place)
    } catch (error) {
      // Told already; what lies behind it may be readable.
      if (VarveError.is(error, 'CORRUPT')) return false
      throw error
    }
  }
}
