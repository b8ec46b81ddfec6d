import { VarveError } from '@varve/pack/errors'
import { readFully } from '@varve/pack/fs'
import {
  batchBytesMax,
  ChunkScanner,
  type DamagedRange,
  packHeaderSize,
  type ScannedBatch,
  type ScanStep,
} from '@varve/pack/pack'
import type { ScannedChunk } from './copied-batches.ts'
import { mendedPrefix } from './mended-prefix.ts'
import { type BodySource, mendedRecord } from './mended-record.ts'
import type { ChunkMend, Patch } from './patch.ts'
import { closedGap, headerOf, type NamedRecord, type Reframed, trailerOf } from './reframed.ts'

interface Range {
  readonly start: number
  readonly end: number
}

export interface OwnBatchesOptions {
  /** What is mended already. */
  readonly known: readonly Patch[]
  /**
   * What references say of damaged records, by their virtual offsets; `undefined`: gaps are left as they are.
   */
  readonly named: ReadonlyMap<number, NamedRecord> | undefined
  readonly bodyOf: BodySource | undefined
}

/** Damaged batches of a chunk that can be framed anew out of what is left of them. */
export class OwnBatches {
  readonly #mine: ScannedChunk
  readonly #o: OwnBatchesOptions
  readonly #patches: Patch[] = []
  readonly #left = new Set<number>()
  #isAll = true
  #from: string | undefined
  /** Of the batch before the one that is looked at; `undefined`: it is not known. */
  #sequence: number | undefined = 0

  constructor(mine: ScannedChunk, o: OwnBatchesOptions) {
    this.#mine = mine
    this.#o = o
  }

  /** @throws what the file system throws */
  async run(): Promise<ChunkMend> {
    const scanner = new ChunkScanner(this.#mine)
    try {
      for (let step = await scanner.next(); step !== undefined; step = await scanner.next())
        await this.#step(step)
    } catch (error) {
      // The disk does not give the bytes.
      if (!VarveError.is(error, 'CORRUPT')) throw error
      this.#isAll = false
    }
    return { patches: this.#patches, isAll: this.#isAll, left: this.#left, from: this.#from }
  }

  async #step(step: ScanStep): Promise<void> {
    if (step.kind === 'damage') return this.#headless(step.range, 0)
    const { batch } = step
    // The sequence of a batch is 0 where its header does not verify.
    if (batch.header.sequence === 0) return this.#headless(batch, batch.header.time)
    this.#sequence = batch.header.sequence
    if (!batch.isWhole && !this.#isKnown(batch)) this.#damaged(batch)
  }

  #damaged(batch: ScannedBatch): void {
    const { nonce } = this.#mine.header
    const [first] = batch.damage
    if (first?.what === 'trailer') {
      this.#take([trailerOf(batch, nonce)])
      return
    }
    if (first?.what === 'record') {
      for (const range of batch.damage) this.#record(batch, range)
      return
    }
    const prefix = mendedPrefix(batch, nonce)
    this.#take(prefix && [prefix])
    if (prefix?.isWhole) return
    this.#isAll = false
    if (prefix === undefined && this.#o.named !== undefined)
      this.#take(closedGap(batch, nonce, this.#o.named))
  }

  #record(batch: ScannedBatch, range: DamagedRange): void {
    const record = mendedRecord(batch, range, this.#o.bodyOf)
    if (record === undefined) this.#isAll = false
    else this.#take([record])
    this.#from ??= record?.from
  }

  /** @param time that of a batch beside it; nothing has it where there are no records */
  async #headless({ start, end }: Range, time: number): Promise<void> {
    const sequence = this.#sequence === undefined ? undefined : this.#sequence + 1
    // A copy may have mended several batches here.
    this.#sequence = undefined
    if (this.#isKnown({ start, end })) return
    const { header, handle } = this.#mine
    const isOne = sequence !== undefined && end - start <= batchBytesMax
    const bytes = Buffer.allocUnsafeSlow(isOne ? end - start : 0)
    const read = await readFully(handle, bytes, 0, bytes.length, start - header.base)
    const isThere = isOne && read === bytes.length
    const first = header.base + packHeaderSize
    const { nonce } = header
    const framed = isThere ? headerOf(bytes, { start, sequence, time, nonce, first }) : undefined
    if (framed === undefined) {
      this.#isAll = false
      if (this.#isKnown({ start, end: start })) this.#left.add(start - header.base)
    } else this.#sequence = sequence
    this.#take(framed)
  }

  #isKnown({ start, end }: Range): boolean {
    const { base } = this.#mine.header
    return this.#o.known.some((patch) => patch.start <= start - base && patch.end >= end - base)
  }

  #take(framed: readonly Reframed[] | undefined): void {
    for (const { offset, bytes, isLost } of framed ?? []) {
      const start = offset - this.#mine.header.base
      this.#patches.push({ start, end: start + bytes.length, source: bytes, isLost })
    }
  }
}
