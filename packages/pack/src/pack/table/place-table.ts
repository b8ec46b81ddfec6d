import { assert } from '../../base/index.ts'

const capacityMin = 1 << 10
/** Slots in use, at most this part of all: probes stay short. */
const loadMax = 0.6

/**
 * Places by tag: open addressing over one typed array, 8 bytes a slot. A tag is a hash of 32 bits, and
 * different keys may have the same: the caller compares what is at the place. A place is a number in
 * [1, 2^32). Tags have a sign: numbers above 2^31 become objects where a function is
 * not inlined. The capacity never shrinks; what is removed leaves no trace, so that probes do not get longer.
 *
 *     for (let slot = table.first(tag); slot >= 0; slot = table.next(slot)) { … table.placeAt(slot) … }
 */
export class PlaceTable {
  /** Pairs: tag, place. A slot with place 0 is free. */
  #slots: Int32Array
  #mask: number
  #count = 0

  /** @param count what it is made for; with more it grows, which means to put everything in anew */
  constructor(count: number) {
    const capacity = powerOfTwo(Math.max(capacityMin, Math.ceil(count / loadMax)))
    this.#slots = new Int32Array(capacity * 2)
    this.#mask = capacity - 1
  }

  get count(): number {
    return this.#count
  }

  /** Memory in use. */
  get bytes(): number {
    return this.#slots.byteLength
  }

  /** The first slot with this tag, or -1. Valid until the next `add` or `remove`. */
  first(tag: number): number {
    return this.#find(tag, tag & this.#mask)
  }

  /** The next one with the same tag, or -1. */
  next(slot: number): number {
    return this.#find(this.#slots[slot * 2] as number, (slot + 1) & this.#mask)
  }

  placeAt(slot: number): number {
    return (this.#slots[slot * 2 + 1] as number) >>> 0
  }

  setPlace(slot: number, place: number): void {
    this.#slots[slot * 2 + 1] = place
  }

  add(tag: number, place: number): void {
    if ((this.#count + 1) * 2 > this.#slots.length * loadMax) this.#grow()
    this.#put(tag, place)
    this.#count++
  }

  /** Every place in the table, in no order. The table must not change meanwhile. */
  *places(): Generator<number, void, undefined> {
    for (let at = 1; at < this.#slots.length; at += 2) {
      const place = this.#slots[at] as number
      if (place !== 0) yield place >>> 0
    }
  }

  /** Removes the slot with this tag and this place, if there is one. */
  remove(tag: number, place: number): void {
    let slot = this.first(tag)
    while (slot >= 0 && this.placeAt(slot) !== place) slot = this.next(slot)
    if (slot < 0) return
    this.#count--
    this.#close(slot)
  }

  #find(tag: number, from: number): number {
    const slots = this.#slots
    for (let slot = from; slots[slot * 2 + 1] !== 0; slot = (slot + 1) & this.#mask)
      if (slots[slot * 2] === tag) return slot
    return -1
  }

  #put(tag: number, place: number): void {
    const slots = this.#slots
    let slot = tag & this.#mask
    while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & this.#mask
    slots[slot * 2] = tag
    slots[slot * 2 + 1] = place
  }

  /** Closes the gap: moves back what stands behind it and would not be found past it any more. */
  #close(gap: number): void {
    const slots = this.#slots
    const mask = this.#mask
    let to = gap
    for (let from = (gap + 1) & mask; slots[from * 2 + 1] !== 0; from = (from + 1) & mask) {
      const home = (slots[from * 2] as number) & mask
      if (((from - home) & mask) < ((from - to) & mask)) continue
      slots[to * 2] = slots[from * 2] as number
      slots[to * 2 + 1] = slots[from * 2 + 1] as number
      to = from
    }
    slots[to * 2 + 1] = 0
  }

  #grow(): void {
    const old = this.#slots
    assert(old.length < 1 << 30, 'a table has fewer than 2^29 slots')
    this.#slots = new Int32Array(old.length * 2)
    this.#mask = old.length - 1
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] !== 0) this.#put(old[at] as number, old[at + 1] as number)
    }
  }
}

function powerOfTwo(atLeast: number): number {
  let size = capacityMin
  while (size < atLeast) size *= 2
  return size
}
