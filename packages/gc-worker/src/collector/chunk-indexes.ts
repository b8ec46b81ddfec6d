import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { type ChunkPlace, writeChunkIndex } from '../job/index.ts'
import { ScannedIndex } from '../source/index.ts'

export interface ChunkIndexesOptions {
  readonly fs: FileSystem
  readonly dir: string
  readonly storeId: Buffer
  /** Numbers of chunks. */
  readonly wanted: readonly number[]
  readonly onIndexed: (chunk: number, isThere: boolean) => void
  /** WRITER_FAILED: the folder could not be synced. Nothing is said of that chunk, and no more is begun. */
  readonly onFailed: (error: VarveError) => void
}

/**
 * The indexes of chunks that were sealed for this collection: collected by the scan that looks for roots in
 * them anyway, and written while the collection goes on. One that cannot be written is no failure of it.
 */
export class ChunkIndexes {
  readonly #o: ChunkIndexesOptions
  readonly #wanted: Set<number>
  /** Those that are being collected or written. */
  readonly #open = new Set<ScannedIndex>()
  #writing: Promise<void> = Promise.resolve()
  #failure: VarveError | undefined

  constructor(options: ChunkIndexesOptions) {
    this.#o = options
    this.#wanted = new Set(options.wanted)
  }

  /** Memory in use. */
  get bytes(): number {
    let sum = 0
    for (const { builder } of this.#open) sum += builder.bytes
    return sum
  }

  /** What is to see every record of the chunk; `undefined`: nobody waits for its index. */
  begin(place: ChunkPlace): ScannedIndex | undefined {
    if (!this.#wanted.delete(place.number)) return undefined
    const index = new ScannedIndex(place)
    this.#open.add(index)
    return index
  }

  /** The chunk has been scanned to its end: the index is written, one after another. */
  write(index: ScannedIndex): void {
    this.#writing = this.#writing.then(() => this.#write(index))
  }

  /**
   * Nothing is being written any more.
   * @throws WRITER_FAILED (the folder could not be synced)
   */
  async settled(): Promise<void> {
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Never rejects. */
  async #write(index: ScannedIndex): Promise<void> {
    const { fs, dir, storeId, onIndexed, onFailed } = this.#o
    const { number } = index.place
    let isThere = false
    try {
      if (this.#failure === undefined) {
        await writeChunkIndex(fs, { dir, storeId, number }, index)
        isThere = true
      }
    } catch (error) {
      if (VarveError.is(error, 'WRITER_FAILED')) this.#failure = error
    }
    this.#open.delete(index)
    // Told of a chunk without an index, the caller would build it, and sync the folder once more.
    if (this.#failure === undefined) onIndexed(number, isThere)
    else onFailed(this.#failure)
  }
}
