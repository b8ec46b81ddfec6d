import type { Store } from '@varve/store'
import type { KeyTable } from '../workloads/key-table.ts'
import { SplitMix64 } from '../workloads/split-mix64.ts'
import type { Write } from '../workloads/workloads.ts'
import { openStore } from './store-folder.ts'

const keysMax = 2_000
const seed = 48

/** Keys drawn at random, and the values that a store must hold for them. */
export class ContentSample {
  readonly #keys: KeyTable
  readonly #values = new Map<number, Buffer>()
  readonly #drawn = new Set<number>()

  constructor(keys: KeyTable) {
    this.#keys = keys
    const random = new SplitMix64(seed)
    while (this.#drawn.size < Math.min(keysMax, keys.count)) this.#drawn.add(random.index(keys.count))
  }

  /** Goes through commits from the oldest on. */
  expect(commits: Iterable<readonly Write[]>): this {
    for (const writes of commits) {
      for (const { index, value } of writes) {
        // A copy, which does not keep the generator's slab alive.
        if (this.#drawn.has(index)) this.#values.set(index, Buffer.from(value))
      }
    }
    return this
  }

  /** Reads all of them from the head. @throws Error when one is not what was written */
  check(store: Store): void {
    const branch = store.branch('main')
    for (const index of this.#drawn) {
      const path = this.#keys.path(index)
      const found = branch.getSync(path)
      const isRight = found !== undefined && this.#values.get(index)?.equals(found) === true
      if (!isRight) throw new Error(`${path.join('/')} does not hold what was written`)
    }
  }

  /** The same from a store that is opened for it. */
  async checkAnew(folder: string): Promise<void> {
    const store = await openStore(folder)
    this.check(store)
    await store.close()
  }
}
