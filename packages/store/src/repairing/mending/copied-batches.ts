import { VarveError } from '@varve/pack/errors'
import { type FileHandle, readFully } from '@varve/pack/fs'
import {
  batchTrailerSize,
  ChunkScanner,
  type PackHeader,
  type ScannedBatch,
  type ScanStep,
} from '@varve/pack/pack'
import type { Patch } from './patch.ts'

export interface OpenedCopy extends ScannedChunk {
  readonly path: string
}

export interface ScannedChunk {
  readonly handle: FileHandle
  readonly header: PackHeader
  /** Virtual. */
  readonly end: number
}

/**
 * Damaged batches of a chunk that are whole in the same chunk of a copy. A copy may have been written to
 * since, so that other batches lie at the same places. A batch of it is the one that was here only if the
 * damaged one's trailer, which sums up the whole batch, is the copy's too; or if a later batch with records
 * is whole in both and the same, as two ways that a log has gone never come together again.
 * Where nothing is left here the whole of it is taken, as that of a chunk that is gone, if it is as long.
 */
export class CopiedBatches {
  readonly #mine: ScannedChunk
  readonly #copy: OpenedCopy
  readonly #patches: Patch[] = []
  /** Of which it is not known yet whether they are of the same log. */
  #unproved: Patch[] = []
  #isDiverged = false
  #isProved = false
  /** Whether anything here can be compared. */
  #hasOwn = false

  constructor(mine: ScannedChunk, copy: OpenedCopy) {
    this.#mine = mine
    this.#copy = copy
  }

  /**
   * In ascending order; not more than the disk gives. `isProved`: something that both have is the same.
   * @throws what the file system throws
   */
  async run(): Promise<{ readonly patches: readonly Patch[]; readonly isProved: boolean }> {
    const scanner = new ChunkScanner(this.#mine)
    for (let step = await stepOf(scanner); step !== undefined; step = await stepOf(scanner)) {
      this.#hasOwn ||= step.kind === 'batch'
      if (step.kind === 'damage') await this.#damaged(step.range)
      else if (step.batch.isWhole) await this.#whole(step.batch)
      else await this.#damaged(step.batch)
      if (this.#isDiverged) break
    }
    if (!this.#hasOwn && this.#mine.end === this.#copy.end) this.#prove()
    return { patches: this.#patches, isProved: this.#isProved }
  }

  async #whole(batch: ScannedBatch): Promise<void> {
    const copy = this.#copy
    const { at, start, bytes, header } = batch
    const there = Buffer.allocUnsafe(header.length)
    const read = await readFully(copy.handle, there, 0, there.length, start - this.#base)
    if (read === there.length && there.equals(bytes.subarray(at, at + read))) {
      if (header.recordCount > 0) this.#prove()
    } else if ((await this.#batchesThere(batch)) !== undefined) this.#isDiverged = true
  }

  async #damaged(range: { readonly start: number; readonly end: number }): Promise<void> {
    const same = await this.#batchesThere(range)
    if (same === undefined) return
    const start = range.start - this.#base
    const end = range.end - this.#base
    this.#unproved.push({ start, end, source: this.#copy.path })
    if (same.isProved) this.#prove()
  }

  #prove(): void {
    this.#isProved = true
    this.#patches.push(...this.#unproved)
    this.#unproved = []
  }

  /** Whether the range is whole batches in the copy, and whether the trailer of one of them is here too. */
  async #batchesThere(range: {
    readonly start: number
    readonly end: number
  }): Promise<{ readonly isProved: boolean } | undefined> {
    const copy = this.#copy
    if (range.end > copy.end) return undefined
    const scanner = new ChunkScanner({ ...copy, from: range.start })
    let isProved = false
    for (let at = range.start; at < range.end; ) {
      const step = await stepOf(scanner)
      if (step?.kind !== 'batch' || !step.batch.isWhole || step.batch.start !== at) return undefined
      if (step.batch.end > range.end) return undefined
      at = step.batch.end
      isProved ||= await this.#hasTrailer(step.batch)
    }
    return { isProved }
  }

  async #hasTrailer({ at, end, bytes, header }: ScannedBatch): Promise<boolean> {
    const here = Buffer.alloc(batchTrailerSize)
    const trailerAt = at + header.length - batchTrailerSize
    const there = Buffer.from(bytes.subarray(trailerAt, trailerAt + batchTrailerSize))
    await readFully(this.#mine.handle, here, 0, batchTrailerSize, end - this.#base - batchTrailerSize)
    return here.equals(there)
  }

  get #base(): number {
    return this.#mine.header.base
  }
}

/** `undefined`: there is no more, or the disk does not give it. */
async function stepOf(scanner: ChunkScanner): Promise<ScanStep | undefined> {
  try {
    return await scanner.next()
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT')) return undefined
    throw error
  }
}
