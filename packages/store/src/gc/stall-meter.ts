/** Times each synchronous section of collection work on the caller's thread: what DESIGN calls a stall. */
import type { Clock } from '@varve/pack/base'

export class StallMeter {
  readonly #clock: Clock
  #longestMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The longest section so far, ms of wall time. */
  get longestMs(): number {
    return this.#longestMs
  }

  /** Runs a synchronous section under the clock. */
  section<T>(work: () => T): T {
    const from = this.#clock.monotonic()
    try {
      return work()
    } finally {
      this.#longestMs = Math.max(this.#longestMs, this.#clock.monotonic() - from)
    }
  }
}
