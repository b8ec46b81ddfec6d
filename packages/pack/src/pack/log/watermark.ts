import { Deferred } from '../../base/index.ts'

interface Waiter {
  readonly target: number
  readonly reached: Deferred
}

/** A virtual offset that only rises, and those who wait for it to reach theirs. */
export class Watermark {
  /** Ascending by target: the log asks with its end, which rises too. */
  readonly #waiters: Waiter[] = []
  #value: number
  #failure: { readonly reason: unknown } | undefined

  constructor(value: number) {
    this.#value = value
  }

  get isAwaited(): boolean {
    return this.#waiters.length > 0
  }

  /** Resolves when the mark has risen to `target`, rejects when it will not. */
  async reached(target: number): Promise<void> {
    if (target <= this.#value) return
    if (this.#failure !== undefined) throw this.#failure.reason
    const last = this.#waiters.at(-1)
    if (last?.target === target) return last.reached.promise
    const reached = new Deferred()
    this.#waiters.push({ target, reached })
    return reached.promise
  }

  rise(value: number): void {
    this.#value = Math.max(this.#value, value)
    let count = 0
    while (count < this.#waiters.length && (this.#waiters[count] as Waiter).target <= this.#value) count++
    for (const waiter of this.#waiters.splice(0, count)) waiter.reached.resolve()
  }

  /** The mark rises no more; whoever waits, or asks for more from now on, gets the reason. */
  fail(reason: unknown): void {
    this.#failure = { reason }
    for (const waiter of this.#waiters.splice(0)) waiter.reached.reject(reason)
  }
}
