import { assert, type Clock } from '../base/index.ts'

interface Alarm {
  readonly at: number
  readonly ring: () => void
}

/** A clock that stands still until a test moves it. Sleepers wake in the order of their times. */
export class ManualClock implements Clock {
  /** The wall time at the start, shifted by those who set it. */
  #wallStart: number
  #elapsed = 0
  #alarms: Alarm[] = []

  constructor(now: number = 1_700_000_000_000) {
    this.#wallStart = now
  }

  now(): number {
    return Math.floor(this.#wallStart + this.#elapsed)
  }

  monotonic(): number {
    return this.#elapsed
  }

  /** How many sleep or wait for their time. */
  get sleeperCount(): number {
    return this.#alarms.length
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const wake = (): void => {
        cancel()
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const cancel = this.after(ms, wake)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  after(ms: number, fn: () => void): () => void {
    const alarm: Alarm = { at: this.#elapsed + ms, ring: fn }
    this.#alarms.push(alarm)
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm)
    }
  }

  turn(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve))
  }

  /**
   * Moves on, ringing whatever falls due on the way, and lets those who were woken run before the next one
   * rings.
   */
  async advance(ms: number): Promise<void> {
    assert(ms >= 0, 'a clock never goes back')
    const end = this.#elapsed + ms
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) {
      this.#elapsed = Math.max(this.#elapsed, next.at)
      this.#alarms = this.#alarms.filter((alarm) => alarm !== next)
      next.ring()
      await this.turn()
    }
    this.#elapsed = end
  }

  /**
   * Sets the wall time, forwards or backwards, as an administrator does; nothing rings, and `monotonic` goes
   * on.
   */
  setWallTime(now: number): void {
    this.#wallStart = now - this.#elapsed
  }

  /** The earliest alarm up to `end`; of two for the same time, the one that was set first. */
  #due(end: number): Alarm | undefined {
    let first: Alarm | undefined
    for (const alarm of this.#alarms) {
      if (alarm.at <= end && (first === undefined || alarm.at < first.at)) first = alarm
    }
    return first
  }
}
