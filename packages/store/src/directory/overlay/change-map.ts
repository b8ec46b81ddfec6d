import type { RawName } from '@varve/pack/objects'

const noNames: RawName[] = []
const noValues: unknown[] = []

/** With more names than these a `Map` finds one faster. */
const listedMax = 8

/**
 * A map by name that is two short lists while it has few entries: most directories of an edit have one change
 * or a handful, and a `Map` for each of them is most of what an edit costs in memory.
 */
export class ChangeMap<V> {
  #names: RawName[] = noNames
  #values: V[] = noValues as V[]
  /** There from the ninth name on; then it holds all. */
  #map: Map<RawName, V> | undefined

  get size(): number {
    return this.#map === undefined ? this.#names.length : this.#map.size
  }

  has(name: RawName): boolean {
    return this.#map === undefined ? this.#names.includes(name) : this.#map.has(name)
  }

  get(name: RawName): V | undefined {
    if (this.#map !== undefined) return this.#map.get(name)
    const at = this.#indexOf(name)
    return at < 0 ? undefined : this.#values[at]
  }

  set(name: RawName, value: V): void {
    if (this.#map !== undefined) {
      this.#map.set(name, value)
      return
    }
    const at = this.#indexOf(name)
    if (at >= 0) this.#values[at] = value
    else if (this.#names.length < listedMax) this.#append(name, value)
    else this.#becomeMap(name, value)
  }

  delete(name: RawName): void {
    if (this.#map !== undefined) {
      this.#map.delete(name)
      return
    }
    const at = this.#indexOf(name)
    if (at < 0) return
    this.#names.splice(at, 1)
    this.#values.splice(at, 1)
  }

  /** The names in byte order, all at once: for maps that are not large. */
  sortedNames(): readonly RawName[] {
    if (this.#map === undefined) return sortedFew(this.#names)
    return [...this.#map.keys()].sort()
  }

  /** The names, in the order in which they came. */
  keys(): Iterable<RawName> {
    return this.#map === undefined ? this.#names : this.#map.keys()
  }

  *[Symbol.iterator](): Generator<readonly [RawName, V], void, undefined> {
    if (this.#map !== undefined) yield* this.#map
    else for (const [at, name] of this.#names.entries()) yield [name, this.#values[at] as V]
  }

  #indexOf(name: RawName): number {
    const names = this.#names
    for (let at = 0; at < names.length; at++) if (names[at] === name) return at
    return -1
  }

  #append(name: RawName, value: V): void {
    // An empty list that grows would take room for seventeen.
    if (this.#names.length === 0) {
      this.#names = [name]
      this.#values = [value]
    } else {
      this.#names.push(name)
      this.#values.push(value)
    }
  }

  #becomeMap(name: RawName, value: V): void {
    const map = new Map<RawName, V>()
    for (const [at, known] of this.#names.entries()) map.set(known, this.#values[at] as V)
    this.#map = map.set(name, value)
    this.#names = noNames
    this.#values = noValues as V[]
  }
}

/** By insertion: the engine's own sort takes longer to begin. */
function sortedFew(names: readonly RawName[]): readonly RawName[] {
  if (names.length < 2) return names
  const sorted = names.slice()
  for (let from = 1; from < sorted.length; from++) {
    const name = sorted[from] as RawName
    let at = from
    for (; at > 0 && (sorted[at - 1] as RawName) > name; at--) sorted[at] = sorted[at - 1] as RawName
    sorted[at] = name
  }
  return sorted
}
