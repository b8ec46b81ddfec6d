import { assert, nextTurn } from '@varve/pack/base'
import { throwIfAborted } from '@varve/pack/errors'

/**
 * Work that yields between slices of a few milliseconds, so that whoever drives it decides how long to block.
 */
export type Steps<T> = Generator<void, T, undefined>

/** Does all of it at once. */
export function finishSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/**
 * Does it slice by slice; the event loop has its turn in between.
 * @throws ABORTED when the signal aborts before the end
 */
export async function paceSteps<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  try {
    for (;;) {
      throwIfAborted(signal)
      const step = steps.next()
      if (step.done === true) return step.value
      await nextTurn()
    }
  } finally {
    // Tells abandoned work to clean up; finished work does not mind.
    steps.return(undefined as T)
  }
}

/** Starts work over whenever the mark changes while it is suspended: its result is true for one mark. */
export function* restartable<T>(mark: () => number, start: () => Steps<T>): Steps<T> {
  for (;;) {
    const before = mark()
    const steps = start()
    do {
      const step = steps.next()
      if (step.done === true) return step.value
      yield
    } while (mark() === before)
  }
}

/** Work that goes on slice by slice, and that whoever cannot wait may bring to its end at once. */
export class SharedSteps<T> {
  readonly #steps: Steps<T>
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined

  constructor(steps: Steps<T>) {
    this.#steps = steps
  }

  get isDone(): boolean {
    return this.#outcome !== undefined
  }

  finish(): T {
    while (this.#outcome === undefined) this.#step()
    return this.#told()
  }

  async pace(): Promise<T> {
    while (this.#outcome === undefined) {
      this.#step()
      if (!this.isDone) await nextTurn()
    }
    return this.#told()
  }

  #step(): void {
    try {
      const step = this.#steps.next()
      if (step.done === true) this.#outcome = { value: step.value }
    } catch (error) {
      this.#outcome = { error }
    }
  }

  #told(): T {
    const outcome = this.#outcome
    assert(outcome !== undefined, 'the work is done')
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }
}
