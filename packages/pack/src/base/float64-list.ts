import { assert } from './assert.ts'

const firstCapacity = 16

/** A growing list of numbers without an object per element: offsets, sizes, times. */
export class Float64List {
  #items: Float64Array
  #length = 0

  constructor(capacity: number = firstCapacity) {
    this.#items = new Float64Array(Math.max(1, capacity))
  }

  /** A list over a copy of the given numbers. */
  static of(items: Iterable<number>): Float64List {
    const list = new Float64List()
    for (const item of items) list.push(item)
    return list
  }

  get length(): number {
    return this.#length
  }

  /** Bytes held, for budgets. */
  get bytes(): number {
    return this.#items.byteLength
  }

  at(index: number): number {
    assert(index >= 0 && index < this.#length, 'an index lies inside the list')
    return this.#items[index] as number
  }

  push(item: number): void {
    if (this.#length === this.#items.length) this.#grow(this.#length + 1)
    this.#items[this.#length++] = item
  }

  pushAll(items: Float64Array): void {
    if (this.#length + items.length > this.#items.length) this.#grow(this.#length + items.length)
    this.#items.set(items, this.#length)
    this.#length += items.length
  }

  pop(): number | undefined {
    return this.#length === 0 ? undefined : this.#items[--this.#length]
  }

  /** Forgets all items and keeps the room for as many again. */
  clear(): void {
    this.#length = 0
  }

  /** Ascending. */
  sort(): void {
    this.#items.subarray(0, this.#length).sort()
  }

  /** The items in their place: valid until the next change of the list. */
  view(): Float64Array {
    return this.#items.subarray(0, this.#length)
  }

  /** A copy that is the caller's own, as messages between threads need it. */
  toArray(): Float64Array {
    return this.#items.slice(0, this.#length)
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (let i = 0; i < this.#length; i++) yield this.#items[i] as number
  }

  #grow(needed: number): void {
    const larger = new Float64Array(Math.max(needed, this.#items.length * 2))
    larger.set(this.#items)
    this.#items = larger
  }
}
