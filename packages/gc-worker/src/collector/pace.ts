import type { Clock } from '@varve/pack/base'
import type { VarveError } from '@varve/pack/errors'
import type { CollectProgress } from '../job/index.ts'

/** At most ten progress messages a second. */
const progressEveryMs = 100
/** On the caller's own thread the work gives way this often. */
const turnEveryMs = 8

/** Tells how far the work has come, gives way to the event loop, and stops work that has been given up. */
export class Pace {
  readonly #clock: Clock
  readonly #onProgress: (progress: CollectProgress) => void
  #phase: CollectProgress['phase'] = 'metadata'
  #phaseStart: number
  #lastProgress: number
  #lastTurn: number
  #reason: VarveError | undefined
  bytesDone = 0

  constructor(clock: Clock, onProgress: (progress: CollectProgress) => void) {
    this.#clock = clock
    this.#onProgress = onProgress
    this.#phaseStart = clock.monotonic()
    this.#lastProgress = this.#phaseStart
    this.#lastTurn = this.#phaseStart
  }

  begin(phase: CollectProgress['phase']): void {
    this.#phase = phase
    this.#phaseStart = this.#clock.monotonic()
  }

  /** The first reason stays. */
  stop(reason: VarveError): void {
    this.#reason ??= reason
  }

  /** @throws the reason after `stop` */
  check(): void {
    if (this.#reason !== undefined) throw this.#reason
  }

  /**
   * Called after each region or batch.
   * @throws the reason after `stop`
   */
  async step(done: number, total: number | undefined): Promise<void> {
    const now = this.#clock.monotonic()
    if (now - this.#lastProgress >= progressEveryMs) {
      this.#lastProgress = now
      const etaMs =
        total === undefined || done <= 0 ? undefined : ((now - this.#phaseStart) * (total - done)) / done
      this.#onProgress({ phase: this.#phase, done, total, bytesDone: this.bytesDone, etaMs })
    }
    if (now - this.#lastTurn >= turnEveryMs) {
      await this.#clock.turn()
      this.#lastTurn = this.#clock.monotonic()
    }
    this.check()
  }
}
