import { VarveError } from '@varve/pack/errors'
import { type FileHandle, readFully } from '@varve/pack/fs'
import {
  batchHeaderSize,
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

interface Range {
  readonly start: number
  readonly end: number
}

/** A whole batch of the copy where something is damaged here. */
interface CopiedBatch extends Range {
  readonly recordCount: number
  /** The trailer, which sums up the whole batch, is here too. */
  readonly isSame: boolean
}

/**
 * Damaged batches of a chunk that are whole in the same chunk of a copy. A copy may have been written to
 * since, so that other batches lie at the same places. A batch of it is the one that was here only if the
 * damaged one's trailer, which sums up the whole batch, is the copy's too; or if nothing that is left of it,
 * or whole before it, is other than the copy's, and a later batch with records is the same in both: two ways
 * that a log has gone do not come together again.
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
      else await this.#damagedBatch(step.batch)
    }
    if (!this.#hasOwn && this.#mine.end === this.#copy.end) this.#prove()
    return { patches: joined(this.#patches), isProved: this.#isProved }
  }

  async #whole(batch: ScannedBatch): Promise<void> {
    const { at, bytes, header } = batch
    const there = await this.#bytesThere(batch)
    if (there?.equals(bytes.subarray(at, at + header.length))) {
      if (header.recordCount > 0) this.#prove()
    } else if ((await this.#batchesThere(batch)).length > 0) this.#diverge()
  }

  async #damagedBatch(batch: ScannedBatch): Promise<void> {
    const copied = await this.#batchesThere(batch)
    if (copied.length > 0 && !(await this.#agrees(batch))) this.#diverge()
    for (const one of copied) this.#take(one)
  }

  async #damaged(range: Range): Promise<void> {
    for (const one of await this.#batchesThere(range)) this.#take(one)
  }

  #take(copied: CopiedBatch): void {
    const start = copied.start - this.#base
    const end = copied.end - this.#base
    const list = copied.isSame ? this.#patches : this.#unproved
    list.push({ start, end, source: this.#copy.path })
    // Two that say nothing are the same if only they were closed in the same millisecond.
    if (copied.isSame && copied.recordCount > 0) this.#prove()
  }

  #prove(): void {
    this.#isProved = true
    if (!this.#isDiverged) this.#patches.push(...this.#unproved)
    this.#unproved = []
  }

  /** From here on each batch stands for itself. */
  #diverge(): void {
    this.#isDiverged = true
    this.#unproved = []
  }

  /** Whether what is whole of the batch is the same there. */
  async #agrees(batch: ScannedBatch): Promise<boolean> {
    const there = await this.#bytesThere(batch)
    if (there === undefined) return false
    const isSame = (from: number, to: number): boolean =>
      batch.bytes.subarray(from, to).equals(there.subarray(from - batch.at, to - batch.at))
    // The sequence of a batch is 0 where its header does not verify.
    if (batch.header.sequence > 0 && !isSame(batch.at, batch.at + batchHeaderSize)) return false
    for (const record = batch.records(); record.next(); ) if (!isSame(record.at, record.bodyEnd)) return false
    return true
  }

  /** `undefined`: the copy ends before it. */
  async #bytesThere({ start, end }: Range): Promise<Buffer | undefined> {
    const there = Buffer.allocUnsafe(end - start)
    const read = await readFully(this.#copy.handle, there, 0, there.length, start - this.#base)
    return read === there.length ? there : undefined
  }

  /** Empty: the range is not whole batches in the copy. */
  async #batchesThere(range: Range): Promise<CopiedBatch[]> {
    const copy = this.#copy
    const batches: CopiedBatch[] = []
    if (range.end > copy.end) return []
    const scanner = new ChunkScanner({ ...copy, from: range.start })
    for (let at = range.start; at < range.end; ) {
      const step = await stepOf(scanner)
      if (step?.kind !== 'batch' || !step.batch.isWhole || step.batch.start !== at) return []
      const { start, end, header } = step.batch
      if (end > range.end) return []
      at = end
      batches.push({
        start,
        end,
        recordCount: header.recordCount,
        isSame: await this.#hasTrailer(step.batch),
      })
    }
    return batches
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

/** In ascending order; those next to each other as one. */
function joined(patches: readonly Patch[]): Patch[] {
  const found: Patch[] = []
  for (const patch of [...patches].sort((a, b) => a.start - b.start)) {
    const last = found.at(-1)
    if (last?.end === patch.start) found.splice(-1, 1, { ...last, end: patch.end })
    else found.push(patch)
  }
  return found
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
