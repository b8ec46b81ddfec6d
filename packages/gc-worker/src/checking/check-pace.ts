import type { Clock } from '@varve/pack/base'
import type { VarveError } from '@varve/pack/errors'
import type { CheckProgress } from './check-job.ts'

/** At most ten progress messages a second. */
const progressEveryMs = 100
/** On the caller's own thread the work gives way this often. */
const turnEveryMs = 8

/** Tells how far a check has come, gives way to the event loop, and stops one that has been given up. */
export class CheckPace {
  readonly #clock: Clock
  readonly #onProgress: (progress: CheckProgress) => void
  #phase: CheckProgress['phase'] = 'files'
  #total = 0
  #done = 0
  #phaseStart: number
  #lastProgress: number
  #lastTurn: number
  #reason: VarveError | undefined
  #bytesDone = 0

  constructor(clock: Clock, onProgress: (progress: CheckProgress) => void) {
    this.#clock = clock
    this.#onProgress = onProgress
    this.#phaseStart = this.#lastProgress = this.#lastTurn = clock.monotonic()
  }

  begin(phase: CheckProgress['phase'], total: number): void {
    this.#phase = phase
    this.#total = total
    this.#done = 0
    this.#phaseStart = this.#clock.monotonic()
    this.#tell(this.#phaseStart)
  }

  /** The next `step` throws it. The first reason stays. */
  stop(reason: VarveError): void {
    this.#reason ??= reason
  }

  /**
   * Called after each small piece of work with what it has added.
   * @throws the reason after `stop`
   */
  async step(done: number, bytes: number): Promise<void> {
    this.#done += done
    this.#bytesDone += bytes
    const now = this.#clock.monotonic()
    if (now - this.#lastProgress >= progressEveryMs) {
      this.#lastProgress = now
      this.#tell(now)
    }
    if (now - this.#lastTurn >= turnEveryMs) {
      await this.#clock.turn()
      this.#lastTurn = this.#clock.monotonic()
    }
    if (this.#reason !== undefined) throw this.#reason
  }

  #tell(now: number): void {
    const done = Math.min(this.#done, this.#total)
    const etaMs = done <= 0 ? undefined : ((now - this.#phaseStart) * (this.#total - done)) / done
    const { phase, total, bytesDone } = { phase: this.#phase, total: this.#total, bytesDone: this.#bytesDone }
    this.#onProgress({ phase, done, total, bytesDone, etaMs })
  }
}
