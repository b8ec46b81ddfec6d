/**
 * The write queue. Appending is synchronous, so a *section* (code without an await) is the unit: what it has
 * checked holds until it has appended. A section may begin only while the log is not blocked:
 *
 *     while (queue.isBlocked) await queue.unblocked()
 *     // from here to the next await: one section
 *
 * Work too long for one section goes in slices; when a collection switches files between two slices,
 * everything that was decided before is void, and the work itself begins again.
 */
import type { Clock } from '@varve/pack/base'
import { throwIfAborted, VarveError } from '@varve/pack/errors'
import type { AppendLog } from '@varve/pack/pack'
import { Brake } from './brake.ts'

/** How long writes go on without a turn of the event loop. */
const TURN_AFTER_MS = 2

export interface WriteQueueParts {
  readonly log: AppendLog
  readonly clock: Clock
  readonly isClosed: () => boolean
}

export class WriteQueue {
  readonly #parts: WriteQueueParts
  readonly #brake: Brake
  #lastTurnMs = 0

  constructor(parts: WriteQueueParts) {
    this.#parts = parts
    this.#brake = new Brake(parts.clock)
  }

  get isBlocked(): boolean {
    this.assertOpen()
    const { log } = this.#parts
    return log.isBlocked || this.#brake.isPausing(log.end)
  }

  async unblocked(): Promise<void> {
    await this.#parts.log.unblocked()
    await this.#brake.over()
  }

  /** From now on so many ms lie between two sections that append; 0: none. */
  slow(pauseMs: number): void {
    this.#brake.set(pauseMs, this.#parts.log.end)
  }

  /** A writer that has failed goes on reading. @throws STORE_CLOSED */
  assertOpenForReading(): void {
    if (this.#parts.isClosed()) throw new VarveError('STORE_CLOSED', {})
  }

  /** @throws STORE_CLOSED, WRITER_FAILED */
  assertOpen(): void {
    this.assertOpenForReading()
    const failure = this.#parts.log.failure
    if (failure !== undefined) throw failure
  }

  /**
   * Runs the steps of a long piece of work in slices, and `finish` in the same section as the last one. Steps
   * that were overtaken by a collection begin again by themselves.
   * @throws ABORTED between two slices
   */
  async inSlices<T, R>(
    steps: Generator<void, T, undefined>,
    o: { readonly signal: AbortSignal | undefined; readonly finish: (result: T) => R },
  ): Promise<R> {
    try {
      for (;;) {
        while (this.isBlocked) await this.unblocked()
        throwIfAborted(o.signal)
        const step = steps.next()
        if (step.done === true) return o.finish(step.value)
        await this.#parts.clock.turn()
      }
    } finally {
      steps.return(undefined as never)
    }
  }

  /**
   * Resolves when everything appended so far is written, and for 'commit' also synced. @throws WRITER_FAILED
   */
  async settle(durability: 'commit' | 'flush'): Promise<void> {
    if (durability === 'commit') await this.#parts.log.sync()
    else await this.#parts.log.write()
    await this.giveWay()
  }

  /**
   * Small writes need no turn of the event loop at all: without this, commits in a row would starve everybody
   * else.
   */
  async giveWay(): Promise<void> {
    const { clock } = this.#parts
    if (clock.monotonic() - this.#lastTurnMs < TURN_AFTER_MS) return
    await clock.turn()
    this.#lastTurnMs = clock.monotonic()
  }
}
