/** The only source of time. Whoever needs time is given a clock, so that a test can turn it. */
export interface Clock {
  /** Wall time in milliseconds since 1970, whole. */
  now(): number
  /** Milliseconds from an arbitrary start, with fractions; never goes back. */
  monotonic(): number
  /** Resolves after `ms`, or as soon as the signal aborts: the caller then asks the signal. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /**
   * Resolves after the event loop has served what waits: lets long work on the caller's thread be
   * interrupted.
   */
  turn(): Promise<void>
  /** Calls `fn` once after `ms`, unless the returned function is called before. Keeps no process alive. */
  after(ms: number, fn: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
    }),
  turn: nextTurn,
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/**
 * One turn of the event loop, for long work that is handed no clock: needs no time and so no control over it.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

/**
 * When this process started, in ms on the system's monotonic clock, exact to a few: the same in all its
 * threads, whatever is done to the wall clock.
 */
export function processStartMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000 - process.uptime() * 1_000
}
