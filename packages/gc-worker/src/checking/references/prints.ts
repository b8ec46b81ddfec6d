import { assert } from '@varve/pack/base'
import { type RegionBits, slotsPerRegion } from '../../marks/index.ts'

/** A region's slots are found by the bucket that they fall into: so many slots each. */
const bucketBits = 9
const bucketsPerRegion = slotsPerRegion >>> bucketBits
/** In a bucket with more than this a slot is searched, not looked for one by one. */
const searchedFrom = 16
/** So that records of other kinds with the same hash have other prints. */
const kindFactor = 0x9e37_79b1
const noSlots = new Uint16Array(0)

/** The records that start in one region. */
class Region {
  /** Where each bucket begins in `slots`; one more for the end. */
  readonly directory: Uint16Array = new Uint16Array(bucketsPerRegion + 1)
  /** Ascending. */
  slots: Uint16Array = noSlots
  /** Two words a record, in the order of the slots. */
  prints: Int32Array = new Int32Array(0)
}

const regionOverhead = 2 * (bucketsPerRegion + 1) + 400

/**
 * Which record lies where: kind and first eight bytes of the hash of each, by region of the address space.
 * Some 10 bytes a record.
 */
export class Prints {
  #regions: (Region | undefined)[] = []
  #first = -1
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  clear(): void {
    this.#regions = []
    this.#first = -1
    this.#bytes = 0
  }

  /**
   * Takes a region's records at once; regions come in ascending order.
   * @param prints as `firstPrint` and `secondPrint` make them, two for each record, by ascending slot
   */
  add(number: number, bits: RegionBits, prints: Int32Array): void {
    assert(bits.count() === prints.length / 2, 'each record has its print')
    const region = new Region()
    region.slots = new Uint16Array(prints.length / 2)
    region.prints = prints
    let at = region.slots.length
    for (let s = bits.highestBelow(slotsPerRegion); s >= 0; s = bits.highestBelow(s)) {
      region.slots[--at] = s
      const bucket = s >>> bucketBits
      region.directory[bucket + 1] = (region.directory[bucket + 1] as number) + 1
    }
    for (let i = 1; i <= bucketsPerRegion; i++) {
      region.directory[i] = (region.directory[i] as number) + (region.directory[i - 1] as number)
    }
    if (this.#first < 0) this.#first = number
    this.#regions[number - this.#first] = region
    this.#bytes += prints.byteLength + region.slots.byteLength + regionOverhead
  }

  /** Whether the record of that print lies at the slot of the region. */
  matches(number: number, slot: number, first: number, second: number): boolean {
    const region = this.#regions[number - this.#first]
    if (region === undefined) return false
    const place = placeOf(region, slot)
    return place >= 0 && region.prints[2 * place] === first && region.prints[2 * place + 1] === second
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

/** The index of the slot among the region's, or -1. */
function placeOf({ directory, slots }: Region, slot: number): number {
  const bucket = slot >>> bucketBits
  let from = directory[bucket] as number
  let to = directory[bucket + 1] as number
  while (to - from > searchedFrom) {
    const middle = (from + to) >>> 1
    if ((slots[middle] as number) <= slot) from = middle
    else to = middle
  }
  for (; from < to; from++) if (slots[from] === slot) return from
  return -1
}

function wordAt(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}
