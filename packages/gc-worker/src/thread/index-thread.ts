import { loadXxh64, Mutex } from '@varve/pack/base'
import { fromPlainError, VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { buildIndex, type IndexJob } from '../indexing/index.ts'
import { asCollectFailure } from './failure.ts'
import { JobThread } from './job-thread.ts'
import type { IndexTask, Outcome } from './protocol.ts'

export interface IndexThreadOptions {
  readonly fileSystem: FileSystem
  /** 'inline' builds on the calling thread. Default: 'thread' where the file system can cross to one. */
  readonly where?: 'thread' | 'inline' | undefined
  /**
   * Nobody waits for the indexes: on Linux the thread has a lower priority than the program. Default: it has
   * the same.
   */
  readonly givesWay?: boolean | undefined
}

/**
 * Builds indexes of sealed chunks, one after another, on a thread of its own, so that no index waits for a
 * collection. The thread starts with the first index and stays for the next ones until `close`.
 */
export class IndexThread implements AsyncDisposable {
  readonly #fs: FileSystem
  readonly #isInline: boolean
  readonly #givesWay: boolean
  readonly #turn = new Mutex()
  #thread: Promise<JobThread> | undefined
  #isClosed = false
  #rejectTask: ((error: VarveError) => void) | undefined

  constructor(options: IndexThreadOptions) {
    this.#fs = options.fileSystem
    this.#givesWay = options.givesWay ?? false
    const origin = options.fileSystem.origin
    this.#isInline = (options.where ?? (origin === undefined ? 'inline' : 'thread')) === 'inline'
  }

  /**
   * When it resolves, the index and its folder are synced. After a failure there is none, and it may be tried
   * again.
   * @throws CORRUPT, GC_FAILED, WRITER_FAILED (the folder could not be synced), ABORTED when `close` came
   * first
   */
  build(job: IndexJob): Promise<void> {
    return this.#turn.run(async () => {
      if (this.#isClosed) throw new VarveError('ABORTED', {})
      try {
        await (this.#isInline ? this.#buildHere(job) : this.#buildThere(job))
      } catch (error) {
        throw asCollectFailure(error)
      }
    })
  }

  /**
   * Ends the thread. A build under way rejects; the file that it may leave is not whole and is replaced
   * later.
   */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#rejectTask?.(new VarveError('ABORTED', {}))
    const thread = await this.#thread?.catch(() => undefined)
    await thread?.end()
    // An index that is being built inline is let finish: nothing may touch the folder after this.
    await this.#turn.run(() => {})
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #buildHere(job: IndexJob): Promise<void> {
    await loadXxh64()
    await buildIndex(this.#fs, job)
  }

  async #buildThere(job: IndexJob): Promise<void> {
    const origin = this.#fs.origin
    if (origin === undefined) return this.#buildHere(job)
    this.#thread ??= JobThread.start()
    const thread = await this.#thread
    const task: IndexTask = { job, origin, givesWay: this.#givesWay }
    const stopped = new Promise<never>((_, reject) => {
      this.#rejectTask = reject
    })
    try {
      const outcome = await Promise.race([thread.run<Outcome<undefined>>('index', task), stopped])
      if (!outcome.ok) throw fromPlainError(outcome)
    } catch (error) {
      if (VarveError.is(error, 'GC_FAILED') && !this.#isClosed) await this.#replaceThread(thread)
      throw error
    } finally {
      this.#rejectTask = undefined
    }
  }

  /** A thread that died, or ran out of memory, is not used again. */
  async #replaceThread(thread: JobThread): Promise<void> {
    this.#thread = undefined
    await thread.end()
  }
}
