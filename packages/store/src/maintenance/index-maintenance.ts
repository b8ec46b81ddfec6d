/**
 * Gives each sealed chunk its index file, one after another, in the worker. Until then the chunk's table
 * answers. A chunk whose index could not be written keeps its table; it is tried again when the next chunk is
 * sealed, and at the next opening. The chunk that a collection seals is lent to it: it scans all of it
 * anyway.
 */
import type { IndexThread } from '@varve/gc-worker'
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { type BlockCache, type FileRetirer, IndexFile } from '@varve/pack/pack'
import type { FileSet } from '../file-set/index.ts'

export interface IndexMaintenanceParts {
  readonly fs: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  readonly files: FileSet
  readonly thread: IndexThread
  /** Fewer chunks wait now. */
  readonly onProgress: () => void
  /** The store's folder could not be synced: final for the writer. */
  readonly onFailed: (error: VarveError) => void
}

export interface SealedChunk {
  readonly number: number
  readonly base: number
  readonly length: number
}

export class IndexMaintenance {
  readonly #parts: IndexMaintenanceParts
  readonly #waiting: SealedChunk[] = []
  /** Those that could not be built. */
  #failed: SealedChunk[] = []
  #running: Promise<void> | undefined
  /** Those that a collection indexes. */
  #lent: SealedChunk[] = []
  #isLending = false
  #attaching: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(parts: IndexMaintenanceParts) {
    this.#parts = parts
  }

  /** Chunks whose index is still to be tried: the log waits when there are too many. */
  get backlog(): number {
    return this.#waiting.length + this.#lent.length
  }

  schedule(chunk: SealedChunk): void {
    this.#waiting.push(...this.#failed)
    this.#failed = []
    if (this.#isLending) this.#lent = [...this.#lent, chunk]
    else this.#waiting.push(chunk)
    if (this.#waiting.length > 0) this.#running ??= this.#run()
  }

  /** Chunks that are scheduled meanwhile are left to a collection, which either indexes or returns them. */
  async lend<T>(work: () => Promise<T>): Promise<T> {
    this.#isLending = true
    try {
      return await work()
    } catch (error) {
      this.takeBack()
      throw error
    } finally {
      this.#isLending = false
    }
  }

  /** Numbers of the chunks that a collection is to index. */
  get lent(): readonly number[] {
    return this.#lent.map(({ number }) => number)
  }

  /** The collection says of a chunk that its index is there and synced, or cannot be written. */
  returned(number: number, isIndexed: boolean): void {
    const chunk = this.#lent.find((lent) => lent.number === number)
    if (chunk === undefined) return
    if (isIndexed) this.#attaching = this.#attaching.then(() => this.#accept(chunk))
    else this.#takeBack([chunk])
  }

  /** The collection is over: what it has not indexed is indexed as usual. */
  takeBack(): void {
    const over = this.#lent
    this.#attaching = this.#attaching.then(() => this.#takeBack(over))
  }

  /** Resolves when nothing waits but for a collection. */
  async settled(): Promise<void> {
    await this.#attaching
    await this.#running
  }

  /** Only what is being built is finished: a writer that has failed writes and syncs nothing more. */
  stop(): void {
    this.#isStopped = true
  }

  /** Finishes the index that is being built, at most one chunk's; the next opening builds what waits. */
  async close(): Promise<void> {
    this.stop()
    await this.settled()
    await this.#parts.thread.close()
  }

  /** Never rejects. */
  async #accept(chunk: SealedChunk): Promise<void> {
    try {
      await this.#attach(chunk)
    } catch {
      this.#takeBack([chunk])
      return
    }
    this.#lent = this.#lent.filter((lent) => lent !== chunk)
    this.#parts.onProgress()
  }

  #takeBack(chunks: readonly SealedChunk[]): void {
    this.#waiting.push(...this.#lent.filter((lent) => chunks.includes(lent)))
    this.#lent = this.#lent.filter((lent) => !chunks.includes(lent))
    if (this.#waiting.length > 0) this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined && !this.#isStopped; next = this.#waiting[0]) {
      await this.#tryBuild(next)
      this.#waiting.shift()
      this.#parts.onProgress()
    }
    this.#running = undefined
  }

  async #tryBuild(chunk: SealedChunk): Promise<void> {
    try {
      await this.#build(chunk)
    } catch (error) {
      this.#failed.push(chunk)
      if (VarveError.is(error, 'WRITER_FAILED')) this.#parts.onFailed(error)
      await this.#removeIndex(chunk)
    }
  }

  /** What a build that failed may have left: no part of it is ever used. */
  async #removeIndex(chunk: SealedChunk): Promise<void> {
    const { fs, folder } = this.#parts
    await fs.remove(`${folder}/${fileName.chunkIndex(chunk.number)}`).catch(() => undefined)
  }

  async #build(chunk: SealedChunk): Promise<void> {
    const { folder, storeId, thread } = this.#parts
    if (!this.#isNamed(chunk)) return
    await thread.build({ dir: folder, storeId: storeId.toString('hex'), chunk })
    await this.#attach(chunk)
  }

  async #attach(chunk: SealedChunk): Promise<void> {
    const { fs, folder, storeId, cache, retirer, files } = this.#parts
    const name = fileName.chunkIndex(chunk.number)
    const index = await IndexFile.open(fs, { folder, name, number: chunk.number, storeId, cache, retirer })
    if (index === undefined) return
    if (this.#isNamed(chunk)) {
      files.index.attach(index)
      return
    }
    // A collection has retired the chunk meanwhile.
    index.retire()
    index.release()
  }

  #isNamed(chunk: SealedChunk): boolean {
    return this.#parts.files.control.chunks.some((named) => named.number === chunk.number)
  }
}
