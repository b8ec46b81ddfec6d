import { abortedError } from '@varve/pack/errors'
import PQueue from 'p-queue'

/** One queue a branch, made when somebody commits and dropped when nobody waits. */
export class CommitQueues {
  readonly #queues = new Map<string, PQueue>()

  /**
   * Runs `work` after everything that was queued under the key before. @throws ABORTED while it still waits
   */
  async run<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    let queue = this.#queues.get(key)
    if (queue === undefined) {
      queue = new PQueue({ concurrency: 1 })
      this.#queues.set(key, queue)
    }
    try {
      return await queue.add(work, signal === undefined ? {} : { signal })
    } catch (error) {
      throw signal?.aborted === true && error === signal.reason ? abortedError(signal) : error
    } finally {
      if (queue.size === 0 && queue.pending === 0 && this.#queues.get(key) === queue) this.#queues.delete(key)
    }
  }

  /** Resolves when no commit runs or waits. */
  async idle(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.onIdle()))
  }
}
