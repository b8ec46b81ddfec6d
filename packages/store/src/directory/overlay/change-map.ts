import type { RawName } from '@varve/pack/objects'

/**
 * A map by name that holds its first entry by itself: most directories of an edit have a single change, and a
 * `Map` for each of them is most of what an edit costs in memory.
 */
export class ChangeMap<V> {
  #name: RawName | undefined
  #value: V | undefined
  /** There from the second name on; then it holds all. */
  #map: Map<RawName, V> | undefined

  get size(): number {
    if (this.#map !== undefined) return this.#map.size
    return this.#name === undefined ? 0 : 1
  }

  has(name: RawName): boolean {
    return this.#map === undefined ? name === this.#name : this.#map.has(name)
  }

  get(name: RawName): V | undefined {
    if (this.#map !== undefined) return this.#map.get(name)
    return name === this.#name ? this.#value : undefined
  }

  set(name: RawName, value: V): void {
    if (this.#map !== undefined) {
      this.#map.set(name, value)
    } else if (this.#name === undefined || name === this.#name) {
      this.#name = name
      this.#value = value
    } else {
      this.#map = new Map([[this.#name, this.#value as V]])
      this.#map.set(name, value)
      this.#name = this.#value = undefined
    }
  }

  delete(name: RawName): void {
    if (this.#map !== undefined) this.#map.delete(name)
    else if (name === this.#name) this.#name = this.#value = undefined
  }

  /** The names, in the order in which they came. */
  keys(): Iterable<RawName> {
    if (this.#map !== undefined) return this.#map.keys()
    return this.#name === undefined ? [] : [this.#name]
  }

  *[Symbol.iterator](): Generator<readonly [RawName, V], void, undefined> {
    if (this.#map !== undefined) yield* this.#map
    else if (this.#name !== undefined) yield [this.#name, this.#value as V]
  }
}
