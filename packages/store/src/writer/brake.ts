import { type Clock, Deferred } from '@varve/pack/base'

/**
 * Makes writing slower than whoever must catch up with it: after a section that has appended, the next one
 * waits. A section is told by where the log ends, so one that appends nothing costs no pause.
 */
export class Brake {
  readonly #clock: Clock
  #pauseMs = 0
  /** Where the log ended when it was last asked. */
  #logEnd = 0
  #pause: { readonly over: Deferred; readonly stop: () => void } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether a section must wait that would begin now, the log ending there. */
  isPausing(logEnd: number): boolean {
    if (this.#pauseMs === 0) return false
    if (this.#pause === undefined && logEnd !== this.#logEnd) this.#begin()
    this.#logEnd = logEnd
    return this.#pause !== undefined
  }

  /** Resolves when no pause is under way. */
  async over(): Promise<void> {
    await this.#pause?.over.promise
  }

  /** How long the pauses are from the next one on; 0: there are none, and the one under way ends. */
  set(pauseMs: number, logEnd: number): void {
    if (this.#pauseMs === 0) this.#logEnd = logEnd
    this.#pauseMs = pauseMs
    if (pauseMs > 0) return
    this.#pause?.stop()
    this.#end()
  }

  #begin(): void {
    const stop = this.#clock.after(this.#pauseMs, () => this.#end())
    this.#pause = { over: new Deferred(), stop }
  }

  #end(): void {
    this.#pause?.over.resolve()
    this.#pause = undefined
  }
}
