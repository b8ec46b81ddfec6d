import { JobThread } from './job-thread.ts'

/**
 * Keeps the thread of one collection for the next: a new thread needs some 60 ms until it has loaded what it
 * runs, and more until that is compiled. At most one is kept; one that failed or was cancelled never comes
 * back.
 */
export class ThreadKeeper implements AsyncDisposable {
  #kept: Promise<JobThread> | undefined
  readonly #ending = new Set<Promise<void>>()
  readonly #heapMiBMax: number | undefined
  #isClosed = false

  /** @param o.heapMiBMax bound of each thread's JavaScript heap, in MiB */
  constructor(o: { readonly heapMiBMax?: number } = {}) {
    this.#heapMiBMax = o.heapMiBMax
  }

  /** Starts a thread ahead of its use. */
  warm(): void {
    if (this.#isClosed) return
    this.#kept ??= JobThread.start(this.#heapMiBMax)
    // Whoever takes it is told.
    this.#kept.catch(() => {})
  }

  /** The kept thread, or a new one. It belongs to the caller, who gives it back or ends it. */
  take(): Promise<JobThread> {
    const thread = this.#kept ?? JobThread.start(this.#heapMiBMax)
    this.#kept = undefined
    return thread
  }

  /** Takes back a thread on which nothing runs any more. */
  giveBack(thread: JobThread): void {
    if (this.#kept === undefined && !this.#isClosed) {
      this.#kept = Promise.resolve(thread)
      return
    }
    const ended = thread.end()
    this.#ending.add(ended)
    void ended.finally(() => this.#ending.delete(ended))
  }

  /** Ends what is kept. Threads given back later are ended too. */
  async close(): Promise<void> {
    this.#isClosed = true
    const kept = await this.#kept?.catch(() => undefined)
    this.#kept = undefined
    await kept?.end()
    await Promise.all(this.#ending)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
