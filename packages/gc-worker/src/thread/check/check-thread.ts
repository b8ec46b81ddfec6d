import { type Clock, loadXxh64, systemClock } from '@varve/pack/base'
import { abortedError, fromPlainError, VarveError } from '@varve/pack/errors'
import type { FileSystem, FileSystemOrigin } from '@varve/pack/fs'
import { Checker, type CheckJob, type CheckProgress, type CheckResult } from '../../checking/index.ts'
import { asCollectFailure } from '../failure.ts'
import { JobThread, openLine } from '../job-thread.ts'
import type { CheckMessage, CheckTask, Outcome } from '../protocol.ts'

export interface CheckThreadOptions {
  readonly fileSystem: FileSystem
  /** 'inline' checks on the calling thread. Default: 'thread' where the file system can cross to one. */
  readonly where?: 'thread' | 'inline' | undefined
  /** Aborting it is the same as `cancel()`. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined
  /** Every file is open: from now on none that goes is missed. */
  readonly onOpened?: (() => void) | undefined
  /** For 'inline'. */
  readonly clock?: Clock | undefined
}

/** One check and the thread on which it runs, which ends with it. */
export class CheckThread implements AsyncDisposable {
  readonly #job: CheckJob
  readonly #o: CheckThreadOptions
  #thread: Promise<JobThread> | undefined
  #checker: Checker | undefined
  #running: Promise<CheckResult> | undefined
  #rejectRun: ((error: VarveError) => void) | undefined
  #stopped: VarveError | undefined

  constructor(job: CheckJob, options: CheckThreadOptions) {
    this.#job = job
    this.#o = options
  }

  /**
   * The outcome of the check, which is started once. After `cancel` it rejects at once.
   * @throws NEWER_FORMAT, GC_FAILED (the thread died, or the disk fails), ABORTED
   */
  async run(): Promise<CheckResult> {
    const { signal } = this.#o
    const onAbort = (): void => {
      if (signal !== undefined) void this.#stop(abortedError(signal))
    }
    if (signal?.aborted === true) throw abortedError(signal)
    signal?.addEventListener('abort', onAbort, { once: true })
    const stopped = new Promise<never>((_, reject) => {
      this.#rejectRun = reject
    })
    if (this.#stopped !== undefined) throw this.#stopped
    this.#running = this.#start()
    this.#running.catch(() => {})
    try {
      return await Promise.race([this.#running, stopped])
    } catch (error) {
      throw asCheckFailure(error)
    } finally {
      this.#rejectRun = undefined
      signal?.removeEventListener('abort', onAbort)
      await this.#end()
    }
  }

  /** When it resolves nothing of the check touches a file any more. Idempotent. */
  cancel(): Promise<void> {
    return this.#stop(new VarveError('ABORTED', {}))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cancel()
  }

  async #stop(reason: VarveError): Promise<void> {
    this.#stopped ??= reason
    this.#rejectRun?.(this.#stopped)
    this.#checker?.stop(this.#stopped)
    await this.#end()
  }

  async #end(): Promise<void> {
    const thread = await this.#thread?.catch(() => undefined)
    await thread?.end()
    // Inline it ends at its next look; on a thread it has ended with that.
    if (this.#thread === undefined) await this.#running?.catch(() => {})
  }

  #start(): Promise<CheckResult> {
    const { fileSystem, where } = this.#o
    const { origin } = fileSystem
    const isInline = (where ?? (origin === undefined ? 'inline' : 'thread')) === 'inline'
    return isInline || origin === undefined ? this.#runHere() : this.#runThere(origin)
  }

  async #runHere(): Promise<CheckResult> {
    await loadXxh64()
    const { fileSystem, clock = systemClock, onProgress, onOpened } = this.#o
    this.#checker = new Checker(fileSystem, this.#job, {
      clock,
      onProgress: (progress) => {
        if (this.#stopped === undefined) onProgress?.(progress)
      },
      onOpened,
    })
    if (this.#stopped !== undefined) throw this.#stopped
    return this.#checker.run()
  }

  async #runThere(origin: FileSystemOrigin): Promise<CheckResult> {
    this.#thread = JobThread.start()
    const thread = await this.#thread
    const { near, far } = openLine()
    near.on('message', (message: CheckMessage) => this.#receive(message))
    // The task's own promise keeps the process alive; the port must not do so for longer.
    near.unref()
    const task: CheckTask<typeof far> = { job: this.#job, origin, port: far }
    try {
      const outcome = await thread.run<Outcome<CheckResult>>('check', task, [far])
      if (!outcome.ok) throw fromPlainError(outcome)
      return outcome.value
    } finally {
      near.close()
    }
  }

  #receive(message: CheckMessage): void {
    if (this.#stopped !== undefined) return
    if (message.kind === 'opened') this.#o.onOpened?.()
    else this.#o.onProgress?.(message.progress)
  }
}

/** The words are those of the check; the codes are a collection's, which fails for the same reasons. */
function asCheckFailure(error: unknown): VarveError {
  const failure = asCollectFailure(error)
  if (!VarveError.is(failure, 'GC_FAILED')) return failure
  const message = failure.message.replace('The collection', 'The check')
  return new VarveError('GC_FAILED', failure.details, { message, cause: error })
}
