import { Deferred } from '@varve/pack/base'
import { abortedError, throwIfAborted, VarveError } from '@varve/pack/errors'
import PQueue from 'p-queue'

interface BranchQueue {
  readonly queue: PQueue
  /** Those that wait or run. */
  userCount: number
}

/**
 * One queue a branch, made when somebody commits and dropped when nobody waits. What waits is given up by its
 * signal; what runs heeds its signal by itself, as only it knows when that comes too late.
 */
export class CommitQueues {
  readonly #queues = new Map<string, BranchQueue>()
  /** For each function of a caller that is waited for. */
  readonly #calls = new Set<Deferred<never>>()
  #isClosed = false

  /** Branches on which something runs or waits. */
  get size(): number {
    return this.#queues.size
  }

  /**
   * Runs `work` after everything that was queued under the key before. @throws ABORTED while it still waits
   */
  async run<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    throwIfAborted(signal)
    const branch = this.#queueOf(key)
    branch.userCount++
    const waiting = new AbortController()
    const giveUp = (): void => waiting.abort()
    signal?.addEventListener('abort', giveUp, { once: true })
    const begin = (): Promise<T> => {
      signal?.removeEventListener('abort', giveUp)
      return work()
    }
    try {
      return await branch.queue.add(begin, signal === undefined ? {} : { signal: waiting.signal })
    } catch (error) {
      throw signal !== undefined && waiting.signal.aborted ? abortedError(signal) : error
    } finally {
      if (--branch.userCount === 0) this.#queues.delete(key)
    }
  }

  /** What a function of a caller comes to; it may never return. @throws STORE_CLOSED when that comes first */
  async outcomeOf<T>(call: () => T | Promise<T>): Promise<T> {
    if (this.#isClosed) throw new VarveError('STORE_CLOSED', {})
    const closed = new Deferred<never>()
    this.#calls.add(closed)
    try {
      return await Promise.race([call(), closed.promise])
    } finally {
      this.#calls.delete(closed)
    }
  }

  /** Waits for no caller's function any more; resolves when no commit runs or waits. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const call of this.#calls) call.reject(new VarveError('STORE_CLOSED', {}))
    await Promise.all([...this.#queues.values()].map(({ queue }) => queue.onIdle()))
  }

  #queueOf(key: string): BranchQueue {
    let branch = this.#queues.get(key)
    if (branch === undefined) {
      branch = { queue: new PQueue({ concurrency: 1 }), userCount: 0 }
      this.#queues.set(key, branch)
    }
    return branch
  }
}
