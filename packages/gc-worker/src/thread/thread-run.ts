import type { MessagePort } from 'node:worker_threads'
import { assert, Deferred } from '@varve/pack/base'
import { fromPlainError, VarveError } from '@varve/pack/errors'
import type { FileSystemOrigin } from '@varve/pack/fs'
import type {
  CatchUpRound,
  CollectJob,
  CollectorRun,
  CollectProgress,
  CollectResult,
  RoundSummary,
  SweepSummary,
} from '../job/index.ts'
import { asThreadFailure } from './failure.ts'
import { type JobThread, openLine } from './job-thread.ts'
import type { CollectAnswer, CollectReply, CollectRequest, CollectTask, Outcome } from './protocol.ts'

/** What a run tells beside its answers. */
export interface RunListeners {
  readonly onProgress: (progress: CollectProgress) => void
  readonly onIndexed: (chunk: number, isThere: boolean) => void
}

/**
 * A collection on a thread, seen from the caller's side. The task that owns the thread lasts as long as the
 * collection; requests and answers go over a port of their own. If the thread dies, whoever waits is told at
 * once.
 */
export class ThreadRun implements CollectorRun {
  readonly #port: MessagePort
  readonly #listeners: RunListeners
  /** Resolves when the task is over: true if it ended as planned, and the thread may be used again. */
  readonly hasEnded: Promise<boolean>
  #pending: { readonly id: number; readonly answer: Deferred<CollectAnswer> } | undefined
  #failure: VarveError | undefined
  #lastId = 0

  constructor(
    thread: JobThread,
    task: { readonly job: CollectJob; readonly origin: FileSystemOrigin },
    listeners: RunListeners,
  ) {
    const line = openLine()
    this.#port = line.near
    this.#listeners = listeners
    this.#port.on('message', (reply: CollectReply) => this.#receive(reply))
    // It keeps the process alive only while an answer is waited for: that to `finish` may come after the end
    // of the task, when nothing else does.
    this.#port.unref()
    const whole: CollectTask<MessagePort> = { ...task, port: line.far }
    this.hasEnded = thread.run<Outcome<undefined>>('collect', whole, [line.far]).then(
      (outcome) => this.#end(outcome.ok ? undefined : fromPlainError(outcome)),
      (error: unknown) => this.#end(asThreadFailure(error)),
    )
  }

  sweep(): Promise<SweepSummary> {
    return this.#ask({ method: 'sweep' }) as Promise<SweepSummary>
  }

  catchUp(round: CatchUpRound): Promise<RoundSummary> {
    return this.#ask({ method: 'catchUp', round }) as Promise<RoundSummary>
  }

  finish(): Promise<CollectResult> {
    return this.#ask({ method: 'finish' }) as Promise<CollectResult>
  }

  /** The task, or its thread, has ended before, and its handles with it. */
  async close(): Promise<void> {
    this.#end(new VarveError('ABORTED', {}))
  }

  #ask(request: Unnumbered<CollectRequest>): Promise<CollectAnswer> {
    assert(this.#pending === undefined, 'a collection is asked one thing at a time')
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const id = ++this.#lastId
    this.#pending = { id, answer: new Deferred() }
    this.#port.ref()
    this.#port.postMessage({ ...request, id })
    return this.#pending.answer.promise
  }

  #receive(reply: CollectReply): void {
    if (reply.kind === 'progress') {
      this.#listeners.onProgress(reply.progress)
      return
    }
    if (reply.kind === 'indexed') {
      this.#listeners.onIndexed(reply.chunk, reply.isThere)
      return
    }
    const pending = this.#pending
    if (pending === undefined || pending.id !== reply.id) return
    this.#pending = undefined
    this.#port.unref()
    if (reply.outcome.ok) pending.answer.resolve(reply.outcome.value)
    else pending.answer.reject(fromPlainError(reply.outcome))
  }

  /** The task is over: as planned after `finish`, or because the thread or its start failed. */
  #end(failure: VarveError | undefined): boolean {
    this.#failure ??= failure ?? new VarveError('GC_FAILED', { reason: 'worker' })
    // The answer to `finish` travels on another port than the end of the task and may still be on its way.
    if (failure === undefined) return true
    const pending = this.#pending
    this.#pending = undefined
    pending?.answer.reject(this.#failure)
    this.#port.close()
    return false
  }
}

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never
