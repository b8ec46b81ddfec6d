import { abortedError, VarveError } from '@varve/pack/errors'

/** The copies under way, so that `close` can end them and wait for their ends. */
export class RunningJobs {
  readonly #running = new Map<Promise<unknown>, AbortController>()
  #isClosed = false

  /**
   * Runs the work with a signal that also `close` aborts.
   * @throws ABORTED, STORE_CLOSED when `close` came first, and what the work throws
   */
  run<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new VarveError('STORE_CLOSED', {}))
    if (signal?.aborted === true) return Promise.reject(abortedError(signal))
    const controller = new AbortController()
    const onAbort = (): void => controller.abort(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    const running = this.#settled(work(controller.signal)).finally(() => {
      signal?.removeEventListener('abort', onAbort)
      this.#running.delete(running)
    })
    this.#running.set(running, controller)
    return running
  }

  /** Nothing of them touches a file any more when it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const controller of this.#running.values()) controller.abort()
    await Promise.allSettled(this.#running.keys())
  }

  async #settled<T>(running: Promise<T>): Promise<T> {
    try {
      return await running
    } catch (error) {
      if (this.#isClosed && VarveError.is(error, 'ABORTED')) throw new VarveError('STORE_CLOSED', {})
      throw error
    }
  }
}
