import type { AppendLogOptions } from './append-log-options.ts'
import { chunkBytesDefault, chunkBytesFor, chunkRecordsMax } from './log-limits.ts'

/** How much further a chunk grows before its end is tried again, as a part of its size. */
const postponedPart = 1 / 16
/** Up to twice its size; then the next chunk must begin. */
const postponementsMax = 16

/** When the open chunk is to be sealed: by its bytes, or by its records. */
export class ChunkBound {
  readonly #o: Pick<AppendLogOptions, 'chunkBytes' | 'chunkRecordsMax' | 'chunkCount'>
  /** Of the present chunk, before anything is put off. */
  #chunkBytes = 0
  #bytesMax = 0
  #recordsMax = 0
  #postponements = 0

  constructor(o: Pick<AppendLogOptions, 'chunkBytes' | 'chunkRecordsMax' | 'chunkCount'>) {
    this.#o = o
    this.begin()
  }

  /** For a new chunk. */
  begin(): void {
    this.#chunkBytes = chunkBytesFor(this.#o.chunkBytes ?? chunkBytesDefault, this.#o.chunkCount())
    this.#postpone(0)
  }

  isReached(chunk: { readonly base: number; readonly end: number; readonly recordCount: number }): boolean {
    return chunk.end - chunk.base >= this.#bytesMax || chunk.recordCount >= this.#recordsMax
  }

  /**
   * The file system let no other file be made: the chunk goes on for a while. False: it was something else,
   * or it has been put off too often, as a chunk without end would have an index and a table without end.
   */
  postpone(error: unknown): boolean {
    const isOfSystem = error instanceof Error && 'syscall' in error
    if (!isOfSystem || this.#postponements === postponementsMax) return false
    this.#postpone(this.#postponements + 1)
    return true
  }

  #postpone(times: number): void {
    const part = 1 + times * postponedPart
    this.#postponements = times
    this.#bytesMax = this.#chunkBytes * part
    this.#recordsMax = Math.ceil((this.#o.chunkRecordsMax ?? chunkRecordsMax) * part)
  }
}
