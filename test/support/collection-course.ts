import type { Commit, GcOptions, GcResult, Store } from '@varve/store'
import { expect } from 'vitest'
import type { Hold, Stepper } from './stepper.ts'
import { collectionSteps, settled } from './stepper.ts'

/**
 * The places in the course of a collection at which something else may happen:
 *
 *     start ──► sweeping ──► swept ──► held ──► control ──► switched ──► unlinking ──► after ──► again
 *     ──► reopened
 *
 * From `held` until the switch the write queue is held, so what is written there waits.
 */
export const courseSteps = [
  'start',
  'sweeping',
  'swept',
  'held',
  'control',
  'folder',
  'unlinking',
  'after',
  'again',
] as const

export type CourseStep = (typeof courseSteps)[number]

/** Takes a collection from step to step. */
export class CollectionCourse {
  readonly #stepper: Stepper
  readonly #store: () => Store
  readonly #target: () => Commit | undefined
  readonly #options: GcOptions
  readonly #without: readonly CourseStep[]
  #at: CourseStep = 'start'
  #hold: Hold | undefined
  #finish: Promise<GcResult> | undefined

  constructor(o: {
    readonly stepper: Stepper
    readonly store: () => Store
    readonly target: () => Commit | undefined
    readonly options?: GcOptions
    /** Steps that will not come: nothing is unlinked while somebody reads it. */
    readonly without?: readonly CourseStep[]
  }) {
    this.#without = o.without ?? []
    this.#stepper = o.stepper
    this.#store = o.store
    this.#target = o.target
    this.#options = { grace: 0, ...o.options }
  }

  get at(): CourseStep {
    return this.#at
  }

  /** Goes on to a step, which must not lie behind. */
  async goTo(step: CourseStep): Promise<void> {
    const to = courseSteps.indexOf(step)
    expect(to).toBeGreaterThanOrEqual(courseSteps.indexOf(this.#at))
    for (let at = courseSteps.indexOf(this.#at) + 1; at <= to; at++) {
      this.#at = courseSteps[at] as CourseStep
      if (!this.#without.includes(this.#at)) await this.#enter(this.#at)
    }
    await settled()
  }

  async #enter(step: CourseStep): Promise<void> {
    switch (step) {
      case 'start':
        return
      case 'sweeping':
        return this.#start()
      case 'swept':
        return this.#sweep()
      case 'held':
        this.#next(collectionSteps.controlDraft)
        this.#finish = this.#store().finaliseGc({ wait: true })
        // Whoever goes on to 'after' gets the failure.
        this.#finish.catch(() => undefined)
        return this.#hold?.reached()
      case 'control':
        return this.#stopAt(collectionSteps.control)
      case 'folder':
        return this.#stopAt((o) => o.kind === 'syncFolder')
      case 'unlinking':
        return this.#stopAt(collectionSteps.unlink)
      case 'after':
        return this.#end()
      case 'again':
        return this.#again()
    }
  }

  async #start(): Promise<void> {
    const hold = this.#stepper.hold(collectionSteps.segment)
    expect(await this.#store().startGc(this.#target(), this.#options)).toBe(true)
    await hold.reached()
    this.#hold = hold
  }

  async #sweep(): Promise<void> {
    this.#hold?.release()
    while (this.#store().gc.status.state === 'running') await settled()
  }

  async #stopAt(matches: Parameters<Stepper['hold']>[0]): Promise<void> {
    this.#next(matches)
    await this.#hold?.reached()
  }

  #next(matches: Parameters<Stepper['hold']>[0]): void {
    const before = this.#hold
    this.#hold = this.#stepper.hold(matches)
    before?.release()
  }

  async #end(): Promise<void> {
    this.#hold?.release()
    const result = await this.#finish
    expect(result?.state).toBe('finalised')
  }

  /**
   * A second collection, from start to end: what the first one spared for its place in the log may now go
   * too.
   */
  async #again(): Promise<void> {
    const store = this.#store()
    const result = await store.gc.run(this.#target(), this.#options)
    expect(result.target).toBe(this.#target()?.hash)
  }
}
