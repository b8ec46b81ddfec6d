import { assert } from '@varve/pack/base'
import { type RegionBits, regionBytes, regionOf, slotsPerRegion } from '../../marks/index.ts'

/** A region with fewer records keeps a list of their slots, which is searched; else a bitmap. */
const listMax = 1024
const wordsPerRegion = slotsPerRegion / 32
/** So that records of other kinds with the same hash have other prints. */
const kindFactor = 0x9e37_79b1

interface Region {
  /** Ascending; of a crowded region none. */
  readonly slots: Uint16Array | undefined
  readonly words: Uint32Array | undefined
  /** How many records start before each word of the bitmap. */
  readonly ranks: Uint16Array | undefined
  /** Two words a record, in the order of the slots. */
  readonly prints: Int32Array
}

/**
 * Which record lies where: kind and first eight bytes of the hash of each, by region of the address space.
 * Some 11 bytes a record.
 */
export class Prints {
  readonly #regions = new Map<number, Region>()
  #bytes = 0
  #recent: Region | undefined
  #recentNumber = -1

  get bytes(): number {
    return this.#bytes
  }

  clear(): void {
    this.#regions.clear()
    this.#bytes = 0
    this.#recent = undefined
    this.#recentNumber = -1
  }

  /**
   * Takes a region's records at once.
   * @param prints as `first` and `second` make them, two for each record, by ascending slot
   */
  add(region: number, bits: RegionBits, prints: Int32Array): void {
    const count = prints.length / 2
    assert(bits.count() === count, 'each record has its print')
    const made = count <= listMax ? listed(bits, prints) : mapped(bits, prints)
    this.#regions.set(region, made)
    this.#bytes += made.prints.byteLength + (made.slots?.byteLength ?? wordsPerRegion * 6)
    if (region === this.#recentNumber) this.#recentNumber = -1
  }

  /** Whether the record of that print lies there. */
  matches(offset: number, first: number, second: number): boolean {
    const number = regionOf(offset)
    if (number !== this.#recentNumber) {
      this.#recent = this.#regions.get(number)
      this.#recentNumber = number
    }
    const region = this.#recent
    if (region === undefined || (offset & 7) !== 0) return false
    const slot = (offset - number * regionBytes) >>> 3
    const rank = region.slots === undefined ? rankIn(region, slot) : placeIn(region.slots, slot)
    if (rank < 0) return false
    return region.prints[2 * rank] === first && region.prints[2 * rank + 1] === second
  }
}

/** The first word of a print: of the hash that stands at `at`. */
export function firstPrint(bytes: Buffer, at: number): number {
  return wordAt(bytes, at)
}

/** The second one, with the kind in it. */
export function secondPrint(bytes: Buffer, at: number, kind: number): number {
  return wordAt(bytes, at + 4) ^ Math.imul(kind, kindFactor)
}

function listed(bits: RegionBits, prints: Int32Array): Region {
  const slots = new Uint16Array(prints.length / 2)
  let at = slots.length
  for (let s = bits.highestBelow(slotsPerRegion); s >= 0; s = bits.highestBelow(s)) slots[--at] = s
  return { slots, words: undefined, ranks: undefined, prints }
}

function mapped(bits: RegionBits, prints: Int32Array): Region {
  const words = bits.words.slice()
  const ranks = new Uint16Array(wordsPerRegion)
  let rank = 0
  for (let i = 0; i < wordsPerRegion; i++) {
    ranks[i] = rank
    rank += bitCount(words[i] as number)
  }
  return { slots: undefined, words, ranks, prints }
}

function rankIn(region: Region, slot: number): number {
  const index = slot >>> 5
  const word = (region.words as Uint32Array)[index] as number
  const bit = slot & 31
  if (((word >>> bit) & 1) === 0) return -1
  return ((region.ranks as Uint16Array)[index] as number) + bitCount(word & ((1 << bit) - 1))
}

function placeIn(slots: Uint16Array, slot: number): number {
  let from = 0
  let to = slots.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((slots[middle] as number) < slot) from = middle + 1
    else to = middle
  }
  return slots[from] === slot ? from : -1
}

function bitCount(word: number): number {
  let v = word - ((word >>> 1) & 0x5555_5555)
  v = (v & 0x3333_3333) + ((v >>> 2) & 0x3333_3333)
  v = (v + (v >>> 4)) & 0x0f0f_0f0f
  return Math.imul(v, 0x0101_0101) >>> 24
}

function wordAt(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}
