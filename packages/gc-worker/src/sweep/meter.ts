import type { Clock } from '@varve/pack/base'

/** Bounds of a round that must not keep the program's writes waiting. */
export interface MeterLimits {
  readonly recordsMax: number
  readonly copiedBytesMax: number
  readonly ms: number
}

/** Thrown by a meter, caught by the round that owns it; never leaves the collector. */
export class OverBudget extends Error {
  override readonly name = 'OverBudget'
}

/**
 * Counts the work of one step and, where it has a limit, stops it. Time is asked for once in so many records.
 */
export class Meter {
  readonly #clock: Clock
  readonly #recordsMax: number
  readonly #copiedBytesMax: number
  readonly #deadline: number
  #records = 0
  #copiedBytes = 0
  #nextCheck = 0

  constructor(clock: Clock, limits: MeterLimits | undefined) {
    this.#clock = clock
    this.#recordsMax = limits?.recordsMax ?? Number.POSITIVE_INFINITY
    this.#copiedBytesMax = limits?.copiedBytesMax ?? Number.POSITIVE_INFINITY
    this.#deadline = limits === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() + limits.ms
  }

  get records(): number {
    return this.#records
  }

  /** @throws OverBudget */
  count(records: number): void {
    this.#records += records
    if (this.#records > this.#recordsMax) throw new OverBudget('more records than the budget allows')
    if (this.#records >= this.#nextCheck) this.checkTime()
  }

  /** @throws OverBudget */
  countCopied(bytes: number): void {
    this.#copiedBytes += bytes
    if (this.#copiedBytes > this.#copiedBytesMax) throw new OverBudget('more bytes than the budget allows')
  }

  /** @throws OverBudget */
  checkTime(): void {
    this.#nextCheck = this.#records + recordsPerCheck
    const isLate = this.#deadline !== Number.POSITIVE_INFINITY && this.#clock.monotonic() > this.#deadline
    if (isLate) throw new OverBudget('more time than the budget allows')
  }
}

const recordsPerCheck = 64
