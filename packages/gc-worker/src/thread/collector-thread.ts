import { type Clock, loadXxh64, systemClock } from '@varve/pack/base'
import { abortedError, VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { Collector } from '../collector/index.ts'
import {
  type CatchUpRound,
  type CollectJob,
  type CollectorRun,
  type CollectProgress,
  type CollectResult,
  type RoundSummary,
  removeJobFiles,
  type SweepSummary,
} from '../job/index.ts'
import { asCollectFailure } from './failure.ts'
import { JobThread } from './job-thread.ts'
import { newNonce } from './nonce.ts'
import type { ThreadKeeper } from './thread-keeper.ts'
import { type RunListeners, ThreadRun } from './thread-run.ts'

export interface CollectorThreadOptions {
  readonly fileSystem: FileSystem
  /**
   * 'inline' runs on the calling thread, for tests. Default: 'thread' where the file system can cross to one.
   */
  readonly where?: 'thread' | 'inline' | undefined
  /** Aborting it is the same as `cancel()`. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: CollectProgress) => void) | undefined
  /** The index of that chunk, one of the job's `unindexed`, is there and synced, or cannot be written. */
  readonly onIndexed?: ((chunk: number, isThere: boolean) => void) | undefined
  /**
   * Where the thread comes from and, after a collection that finished, goes back to. Default: a new one,
   * ended.
   */
  readonly threads?: ThreadKeeper | undefined
  /** For 'inline'. */
  readonly clock?: Clock | undefined
}

/**
 * A collection and the thread on which it runs. Calls go one after another: `sweep`, any number of `catchUp`,
 * `finish`, then `close`. `cancel` may come at any time: the call under way rejects at once with ABORTED, and
 * when `cancel` resolves, the thread has ended and its files are gone.
 */
export class CollectorThread implements AsyncDisposable {
  readonly #job: CollectJob
  readonly #fs: FileSystem
  readonly #signal: AbortSignal | undefined
  readonly #threads: ThreadKeeper | undefined
  readonly #thread: Promise<JobThread> | undefined
  readonly #run: Promise<CollectorRun>
  #rejectCall: ((error: VarveError) => void) | undefined
  #cancelled: VarveError | undefined
  #ending: Promise<void> | undefined
  #isFinished = false

  private constructor(job: CollectJob, options: CollectorThreadOptions) {
    this.#job = job
    this.#fs = options.fileSystem
    this.#signal = options.signal
    this.#threads = options.threads
    const origin = options.fileSystem.origin
    const isInline = (options.where ?? (origin === undefined ? 'inline' : 'thread')) === 'inline'
    const listeners: RunListeners = {
      onProgress: (progress) => {
        if (this.#ending === undefined) options.onProgress?.(progress)
      },
      onIndexed: (chunk, isThere) => {
        if (this.#ending === undefined) options.onIndexed?.(chunk, isThere)
      },
    }
    if (isInline || origin === undefined) {
      this.#run = startInline(options, job, listeners)
    } else {
      this.#thread = options.threads?.take() ?? JobThread.start()
      this.#run = this.#thread.then((thread) => new ThreadRun(thread, { job, origin }, listeners))
    }
    // Whoever calls a method is told; a run that nobody uses any more may fail in silence.
    this.#run.catch(() => {})
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (this.#signal?.aborted === true) this.#onAbort()
  }

  static start(job: CollectJob, options: CollectorThreadOptions): CollectorThread {
    return new CollectorThread(job, options)
  }

  /** @throws CORRUPT, GC_FAILED, WRITER_FAILED (the folder could not be synced), ABORTED */
  sweep(): Promise<SweepSummary> {
    return this.#call((run) => run.sweep())
  }

  /** @throws CORRUPT, GC_FAILED, WRITER_FAILED (the folder could not be synced), ABORTED */
  catchUp(round: CatchUpRound): Promise<RoundSummary> {
    return this.#call((run) => run.catchUp(round))
  }

  /** From here on the files are the caller's: `close` and `cancel` leave them. @throws GC_FAILED, ABORTED */
  async finish(): Promise<CollectResult> {
    const result = await this.#call((run) => run.finish())
    this.#isFinished = true
    return result
  }

  /**
   * Ends the collection. Unless `finish` has resolved, its files are deleted once the thread has ended.
   * Idempotent.
   */
  cancel(): Promise<void> {
    return this.#stop(new VarveError('ABORTED', {}))
  }

  /** The same; the name for the way out after `finish`. */
  close(): Promise<void> {
    return this.cancel()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  readonly #onAbort = (): void => {
    if (this.#isFinished || this.#signal === undefined) return
    void this.#stop(abortedError(this.#signal))
  }

  #stop(reason: VarveError): Promise<void> {
    this.#cancelled ??= reason
    this.#rejectCall?.(this.#cancelled)
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #call<T>(step: (run: CollectorRun) => Promise<T>): Promise<T> {
    if (this.#cancelled !== undefined) throw this.#cancelled
    const stopped = new Promise<never>((_, reject) => {
      this.#rejectCall = reject
    })
    const running = this.#run.then(step)
    try {
      return await Promise.race([running, stopped])
    } catch (error) {
      throw asCollectFailure(error)
    } finally {
      this.#rejectCall = undefined
      // After an abort the step fails on its own time; nobody waits for it any more.
      running.catch(() => {})
    }
  }

  async #end(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    const run = await this.#run.catch(() => undefined)
    const thread = await this.#thread?.catch(() => undefined)
    const isReusable = this.#isFinished && this.#threads !== undefined && run instanceof ThreadRun
    if (thread !== undefined && isReusable && (await run.hasEnded)) this.#threads?.giveBack(thread)
    else await thread?.end()
    await run?.close()
    // Only now nobody writes any more.
    const isLeft = (kind: string): boolean => !this.#isFinished || kind === 'spill'
    await removeJobFiles(this.#fs, this.#job, isLeft)
  }
}

async function startInline(
  options: CollectorThreadOptions,
  job: CollectJob,
  listeners: RunListeners,
): Promise<CollectorRun> {
  await loadXxh64()
  const clock = options.clock ?? systemClock
  return new Collector(options.fileSystem, job, { clock, newNonce, ...listeners })
}
