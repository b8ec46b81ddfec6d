import type { Store } from '@varve/store'
import type { Write } from '../workloads/workloads.ts'
import { Stopwatch } from './stopwatch.ts'

/** Commits to the one branch of a store. Timed is all of it, from the first `set` until the call resolves. */
export class TimedCommits {
  readonly watch = new Stopwatch()
  readonly #store: Store
  readonly #name: string

  /** @param name begins the message of each commit */
  constructor(store: Store, name: string) {
    this.#store = store
    this.#name = name
  }

  /** Of those made. */
  get count(): number {
    return this.watch.laps.length
  }

  /** Returns the milliseconds that it took. */
  async add(writes: readonly Write[]): Promise<number> {
    const branch = this.#store.branch('main')
    const o = { message: `${this.#name} ${this.count}`, date: this.count }
    await this.watch.time(() =>
      branch.commit((edit) => {
        for (const { path, value } of writes) edit.set(path, value)
      }, o),
    )
    return this.watch.laps.at(-1) as number
  }
}
