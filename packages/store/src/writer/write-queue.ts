/**
 * The write queue. Appending is synchronous, so a *section* (code without an await) is the unit: what it has checked
 * holds until it has appended. A section may begin only while the log is not blocked:
 *
 *     while (queue.isBlocked) await queue.unblocked()
 *     // from here to the next await: one section
 *
 * Work too long for one section goes in slices; when a collection switched files between two slices, everything that
 * was decided before is void and the work begins again.
 */
import type { Clock } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { AppendLog } from '@varve/pack/pack'

/** After so many beginnings the work runs to its end in one section: slow for others, but it ends. */
const BEGINNINGS_MAX = 8

export interface WriteQueueParts {
  readonly log: AppendLog
  readonly clock: Clock
  /** Changes when a collection has switched files. */
  readonly epoch: () => number
  readonly isClosed: () => boolean
}

export class WriteQueue {
  readonly #parts: WriteQueueParts

  constructor(parts: WriteQueueParts) {
    this.#parts = parts
  }

  get isBlocked(): boolean {
    this.assertOpen()
    return this.#parts.log.isBlocked
  }

  unblocked(): Promise<void> {
    return this.#parts.log.unblocked()
  }

  /** @throws STORE_CLOSED, WRITER_FAILED */
  assertOpen(): void {
    if (this.#parts.isClosed()) throw new VarveError('STORE_CLOSED', {})
    const failure = this.#parts.log.failure
    if (failure !== undefined) throw failure
  }

  /**
   * Runs `build` in slices (it yields between them) and `finish` in the same section as the last one.
   * @returns what `finish` gives
   */
  async inSlices<T, R>(build: () => Iterator<void, T, void>, finish: (built: T) => R): Promise<R> {
    for (let beginnings = 1; ; beginnings++) {
      while (this.isBlocked) await this.unblocked()
      const epoch = this.#parts.epoch()
      const steps = build()
      let step = steps.next()
      while (step.done !== true && this.#parts.epoch() === epoch) {
        if (beginnings < BEGINNINGS_MAX) await this.#parts.clock.turn()
        while (beginnings < BEGINNINGS_MAX && this.isBlocked) await this.unblocked()
        if (this.#parts.epoch() === epoch) step = steps.next()
      }
      if (step.done === true) return finish(step.value)
    }
  }

  /** Resolves when everything appended so far is written, and for 'commit' also synced. @throws WRITER_FAILED */
  async settle(durability: 'commit' | 'flush'): Promise<void> {
    if (durability === 'commit') await this.#parts.log.sync()
    else await this.#parts.log.write()
  }
}
