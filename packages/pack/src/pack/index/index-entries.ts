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

/**
 * The entries of an index under construction, in columns: 17 bytes each, no object for any of them. Whoever
 * builds many indexes keeps this for all of them, as memory that is dropped is freed late.
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

  high(entry: number): number {
    return this.#high[entry] as number
  }

  low(entry: number): number {
    return this.#low[entry] as number
  }

  offset(entry: number): number {
    return this.#offsets[entry] as number
  }

  kind(entry: number): number {
    return this.#kinds[entry] as number
  }

  /**
   * The entries' numbers in the order of hash, kind, offset. Hashes are uniform, so one pass over buckets by
   * their first bits leaves a few entries to each, which insertion puts in order.
   */
  sorted(): Uint32Array {
    const count = this.#count
    const bits = Math.min(bucketBitsMax, Math.max(0, 32 - Math.clz32(Math.ceil(count / entriesPerBucket))))
    this.#ends = roomFor(this.#ends, 2 ** bits)
    this.#next = roomFor(this.#next, 2 ** bits)
    this.#order = roomFor(this.#order, this.#kinds.length)
    const ends = this.#ends.subarray(0, 2 ** bits)
    this.#countBuckets(ends, bits)
    const order = this.#order.subarray(0, count)
    const next = this.#next.subarray(0, ends.length)
    next.set(ends)
    for (let i = count - 1; i >= 0; i--) {
      const place = (next[bucketOf(this.high(i), bits)] as number) - 1
      next[bucketOf(this.high(i), bits)] = place
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
    ends.fill(0)
    for (let i = 0; i < this.#count; i++) {
      const bucket = bucketOf(this.high(i), bits)
      ends[bucket] = (ends[bucket] as number) + 1
    }
    for (let bucket = 1; bucket < ends.length; bucket++) {
      ends[bucket] = (ends[bucket] as number) + (ends[bucket - 1] as number)
    }
  }

  #sortBucket(order: Uint32Array, start: number, end: number): void {
    if (end - start > insertionMax) {
      order.subarray(start, end).sort((a, b) => this.#compare(a, b))
      return
    }
    for (let i = start + 1; i < end; i++) {
      const entry = order[i] as number
      let at = i
      while (at > start && this.#compare(order[at - 1] as number, entry) > 0) {
        order[at] = order[at - 1] as number
        at--
      }
      order[at] = entry
    }
  }

  #compare(a: number, b: number): number {
    return (
      this.high(a) - this.high(b) ||
      this.low(a) - this.low(b) ||
      this.kind(a) - this.kind(b) ||
      this.offset(a) - this.offset(b)
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

function bucketOf(high: number, bits: number): number {
  return bits === 0 ? 0 : high >>> (32 - bits)
}

function roomFor(words: Uint32Array, count: number): Uint32Array {
  return words.length >= count ? words : new Uint32Array(count)
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(larger: T, old: T): T {
  larger.set(old)
  return larger
}
