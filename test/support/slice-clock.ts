import type { Clock } from '@varve/pack/base'
import { ManualClock } from '@varve/pack/testing'

/**
 * A clock that stands still, so that only work in slices gives way: the turn between two chosen slices lasts
 * until the test lets it end.
 */
export class SliceClock implements Clock {
  readonly #inner = new ManualClock()
  #turnsToGo = Number.POSITIVE_INFINITY
  #isStopped = false
  #goOn: () => void = () => undefined

  /** Whether something waits between two slices. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** The so manieth turn from now on, from 1, is the one that lasts. */
  stopAt(turn: number): void {
    this.#turnsToGo = turn
  }

  goOn(): void {
    this.#turnsToGo = Number.POSITIVE_INFINITY
    this.#isStopped = false
    this.#goOn()
  }

  async turn(): Promise<void> {
    if (--this.#turnsToGo !== 0) return this.#inner.turn()
    this.#isStopped = true
    await new Promise<void>((resolve) => {
      this.#goOn = resolve
    })
  }

  now(): number {
    return this.#inner.now()
  }

  monotonic(): number {
    return this.#inner.monotonic()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#inner.sleep(ms, signal)
  }

  after(ms: number, fn: () => void): () => void {
    return this.#inner.after(ms, fn)
  }
}
