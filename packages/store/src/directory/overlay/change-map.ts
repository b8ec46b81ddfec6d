import type { RawName } from '@varve/pack/objects'

/** With more names than these a `Map` finds one faster. */
const listedMax = 8

/** Two to `listedMax` entries, in the order in which they came. */
interface Lists<V> {
  readonly names: RawName[]
  readonly values: V[]
}

/**
 * A map by name for few entries: most directories of an edit have a single change, which is held without
 * anything else, and of the others most have a handful, which are held in lists. A `Map` for each of them is
 * most of what an edit costs in memory.
 */
export class ChangeMap<V> {
  /** The only entry. */
  #name: RawName | undefined
  #value: V | undefined
  /** From the second name on; then it holds all. */
  #rest: Lists<V> | Map<RawName, V> | undefined

  get size(): number {
    const rest = this.#rest
    if (rest === undefined) return this.#name === undefined ? 0 : 1
    return rest instanceof Map ? rest.size : rest.names.length
  }

  has(name: RawName): boolean {
    const rest = this.#rest
    if (rest === undefined) return name === this.#name
    return rest instanceof Map ? rest.has(name) : rest.names.includes(name)
  }

  get(name: RawName): V | undefined {
    const rest = this.#rest
    if (rest === undefined) return name === this.#name ? this.#value : undefined
    if (rest instanceof Map) return rest.get(name)
    const at = rest.names.indexOf(name)
    return at < 0 ? undefined : rest.values[at]
  }

  set(name: RawName, value: V): void {
    const rest = this.#rest
    if (rest instanceof Map) rest.set(name, value)
    else if (rest !== undefined) this.#setListed(rest, name, value)
    else if (this.#name === undefined || name === this.#name) {
      this.#name = name
      this.#value = value
    } else {
      this.#rest = { names: [this.#name, name], values: [this.#value as V, value] }
      this.#name = this.#value = undefined
    }
  }

  delete(name: RawName): void {
    const rest = this.#rest
    if (rest instanceof Map) rest.delete(name)
    else if (rest !== undefined) {
      const at = rest.names.indexOf(name)
      if (at < 0) return
      rest.names.splice(at, 1)
      rest.values.splice(at, 1)
    } else if (name === this.#name) this.#name = this.#value = undefined
  }

  /** The names in byte order, all at once: for maps that are not large. */
  sortedNames(): readonly RawName[] {
    const rest = this.#rest
    if (rest === undefined) return this.#name === undefined ? [] : [this.#name]
    return rest instanceof Map ? [...rest.keys()].sort() : sortedFew(rest.names)
  }

  /** The names, in the order in which they came. */
  keys(): Iterable<RawName> {
    const rest = this.#rest
    if (rest === undefined) return this.sortedNames()
    return rest instanceof Map ? rest.keys() : rest.names
  }

  *[Symbol.iterator](): Generator<readonly [RawName, V], void, undefined> {
    for (const name of this.keys()) yield [name, this.get(name) as V]
  }

  #setListed({ names, values }: Lists<V>, name: RawName, value: V): void {
    const at = names.indexOf(name)
    if (at >= 0) values[at] = value
    else if (names.length < listedMax) {
      names.push(name)
      values.push(value)
    } else {
      const map = new Map<RawName, V>()
      for (const [i, known] of names.entries()) map.set(known, values[i] as V)
      this.#rest = map.set(name, value)
    }
  }
}

/** By insertion: the engine's own sort takes longer to begin. */
function sortedFew(names: readonly RawName[]): readonly RawName[] {
  const sorted = names.slice()
  for (let from = 1; from < sorted.length; from++) {
    const name = sorted[from] as RawName
    let at = from
    for (; at > 0 && (sorted[at - 1] as RawName) > name; at--) sorted[at] = sorted[at - 1] as RawName
    sorted[at] = name
  }
  return sorted
}
