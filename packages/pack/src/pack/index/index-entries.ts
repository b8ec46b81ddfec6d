import { assert } from '../../base/index.ts'
import type { IndexKind } from '../../objects/index.ts'
import { hashWordAt } from './hash-word.ts'

const capacityMin = 1 << 10
/** So many entries share a bucket of the first pass, about. */
const entriesPerBucket = 4
const bucketBitsMax = 20
/** A longer bucket, which only chosen hashes can fill, is not sorted by insertion. */
const insertionMax = 24

/** Room for more than this is not kept for the next index: few need it. */
const keptCapacityMax = 1 << 18

export interface IndexColumns {
  /** The hash's first and second four bytes, big-endian. */
  readonly high: Uint32Array
  readonly low: Uint32Array
  readonly offsets: Float64Array
  readonly kinds: Uint8Array
}

/**
 * The entries of an index under construction, in columns: 17 bytes each, no object for any of them. Sorting
 * and writing happen once, mostly before they are compiled: their loops work on the columns without calls.
 * Whoever builds many indexes keeps this for all of them, as memory that is dropped is freed late.
 */
export class IndexEntries {
  #high = new Uint32Array(capacityMin)
  #low = new Uint32Array(capacityMin)
  #offsets = new Float64Array(capacityMin)
  #kinds = new Uint8Array(capacityMin)
  #count = 0
  /** Of sorting, as long as the longest index so far. */
  #order: Uint32Array = new Uint32Array(0)
  #ends: Uint32Array = new Uint32Array(0)
  #next: Uint32Array = new Uint32Array(0)

  get count(): number {
    return this.#count
  }

  /** Memory in use, without that of sorting: 8 bytes an entry more. */
  get bytes(): number {
    return this.#kinds.length * 17
  }

  /** Begins the next index. What `sorted` gave is valid up to here. */
  clear(): void {
    this.#count = 0
    if (this.#kinds.length <= keptCapacityMax) return
    this.#high = new Uint32Array(capacityMin)
    this.#low = new Uint32Array(capacityMin)
    this.#offsets = new Float64Array(capacityMin)
    this.#kinds = new Uint8Array(capacityMin)
    this.#order = this.#ends = this.#next = new Uint32Array(0)
  }

  add(kind: IndexKind, bytes: Uint8Array, hashStart: number, offset: number): void {
    assert(hashStart + 32 <= bytes.length, 'the hash lies in its buffer')
    if (this.#count === this.#kinds.length) this.#grow()
    const i = this.#count++
    this.#high[i] = hashWordAt(bytes, hashStart)
    this.#low[i] = hashWordAt(bytes, hashStart + 4)
    this.#offsets[i] = offset
    this.#kinds[i] = kind
  }

  /** The columns, by entry, with room behind the last one: valid until the next `add`. */
  get columns(): IndexColumns {
    return { high: this.#high, low: this.#low, offsets: this.#offsets, kinds: this.#kinds }
  }

  /**
   * The entries' numbers in the order of hash, kind, offset. Hashes are uniform, so one pass over buckets by
   * their first bits leaves a few entries to each, which insertion puts in order.
   */
  sorted(): Uint32Array {
    const count = this.#count
    const high = this.#high
    const bits = Math.min(bucketBitsMax, Math.max(0, 32 - Math.clz32(Math.ceil(count / entriesPerBucket))))
    const shift = 32 - bits
    this.#ends = roomFor(this.#ends, 2 ** bits)
    this.#next = roomFor(this.#next, 2 ** bits)
    this.#order = roomFor(this.#order, this.#kinds.length)
    const ends = this.#ends.subarray(0, 2 ** bits)
    this.#countBuckets(ends, bits)
    const order = this.#order.subarray(0, count)
    const next = this.#next.subarray(0, ends.length)
    next.set(ends)
    for (let i = count - 1; i >= 0; i--) {
      const bucket = bits === 0 ? 0 : (high[i] as number) >>> shift
      const place = (next[bucket] as number) - 1
      next[bucket] = place
      order[place] = i
    }
    for (let bucket = 0, start = 0; bucket < ends.length; bucket++) {
      const end = ends[bucket] as number
      if (end - start > 1) this.#sortBucket(order, start, end)
      start = end
    }
    return order
  }

  /** By bucket: how many entries lie in it and those before it. */
  #countBuckets(ends: Uint32Array, bits: number): void {
    const high = this.#high
    const count = this.#count
    const shift = 32 - bits
    ends.fill(0)
    for (let i = 0; i < count; i++) {
      const bucket = bits === 0 ? 0 : (high[i] as number) >>> shift
      ends[bucket] = (ends[bucket] as number) + 1
    }
    for (let bucket = 0, sum = 0; bucket < ends.length; bucket++) {
      sum += ends[bucket] as number
      ends[bucket] = sum
    }
  }

  #sortBucket(order: Uint32Array, start: number, end: number): void {
    if (end - start > insertionMax) {
      order.subarray(start, end).sort((a, b) => this.#compare(a, b))
      return
    }
    const high = this.#high
    for (let i = start + 1; i < end; i++) {
      const entry = order[i] as number
      const first = high[entry] as number
      let at = i
      for (; at > start; at--) {
        const before = order[at - 1] as number
        const other = high[before] as number
        if (other < first || (other === first && this.#compare(before, entry) <= 0)) break
        order[at] = before
      }
      order[at] = entry
    }
  }

  #compare(a: number, b: number): number {
    const { high, low, kinds, offsets } = this.columns
    return (
      (high[a] as number) - (high[b] as number) ||
      (low[a] as number) - (low[b] as number) ||
      (kinds[a] as number) - (kinds[b] as number) ||
      (offsets[a] as number) - (offsets[b] as number)
    )
  }

  #grow(): void {
    const capacity = this.#kinds.length * 2
    this.#high = grown(new Uint32Array(capacity), this.#high)
    this.#low = grown(new Uint32Array(capacity), this.#low)
    this.#offsets = grown(new Float64Array(capacity), this.#offsets)
    this.#kinds = grown(new Uint8Array(capacity), this.#kinds)
  }
}

function roomFor(words: Uint32Array, count: number): Uint32Array {
  return words.length >= count ? words : new Uint32Array(count)
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(larger: T, old: T): T {
  larger.set(old)
  return larger
}
