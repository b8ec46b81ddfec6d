import type { MetaEntry } from './meta-entry.ts'

/**
 * One table of the metadata state: entries by key, and their keys in order. New keys wait unsorted until
 * somebody iterates; keys that went away leave the order at the same time.
 */
export class MetaTable {
  readonly #entries = new Map<string, MetaEntry>()
  #order: string[] = []
  readonly #added: string[] = []
  #removedCount = 0

  get size(): number {
    return this.#entries.size
  }

  get(key: string): MetaEntry | undefined {
    return this.#entries.get(key)
  }

  set(entry: MetaEntry): void {
    if (!this.#entries.has(entry.key)) this.#added.push(entry.key)
    this.#entries.set(entry.key, entry)
  }

  delete(key: string): void {
    if (this.#entries.delete(key)) this.#removedCount++
  }

  /** By ascending key, those that begin with the prefix. The table is not changed meanwhile. */
  *iterate(prefix: string): Iterable<MetaEntry> {
    this.#bringInOrder()
    const order = this.#order
    for (let i = firstFrom(order, prefix); i < order.length; i++) {
      const key = order[i] as string
      if (!key.startsWith(prefix)) return
      yield this.#entries.get(key) as MetaEntry
    }
  }

  #bringInOrder(): void {
    if (this.#added.length === 0 && this.#removedCount === 0) return
    const added = this.#added.sort(compareKeys)
    const merged: string[] = []
    const keep = (key: string): void => {
      // A key that was removed and came back stands in both lists.
      if (this.#entries.has(key) && merged.at(-1) !== key) merged.push(key)
    }
    let next = 0
    for (const key of this.#order) {
      while (next < added.length && (added[next] as string) < key) keep(added[next++] as string)
      keep(key)
    }
    while (next < added.length) keep(added[next++] as string)
    this.#order = merged
    this.#added.length = 0
    this.#removedCount = 0
  }
}

/** The index of the first key that is not below. */
function firstFrom(order: readonly string[], key: string): number {
  let from = 0
  let to = order.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((order[middle] as string) < key) from = middle + 1
    else to = middle
  }
  return from
}

function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
