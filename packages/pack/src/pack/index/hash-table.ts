import { assert } from '../../base/index.ts'
import type { RawHash } from '../../objects/index.ts'
import { slotBytes } from '../blocks/index.ts'
import { hashWord, hashWordAt } from './hash-word.ts'

const capacityMin = 1 << 10
/** Slots in use, at most this part of all: probes stay short. */
const loadMax = 0.6

/**
 * Where the open chunk's objects are, by hash: open addressing over one typed array, 8 bytes a slot (a 32-bit
 * fingerprint, and the offset from the chunk's base in units of 8). Fingerprints only select: whoever looks
 * up compares kind and hash in the record. The seed keeps chosen hashes from falling into one run of slots.
 *
 *     for (let slot = table.first(hash); slot >= 0; slot = table.next(slot)) { … table.offsetAt(slot) … }
 */
export class HashTable {
  readonly #seed: number
  /** Pairs of words. A slot with second word 0 is free: the chunk's header lies at offset 0. */
  #slots: Uint32Array
  #shift: number
  #count = 0

  constructor(o: { readonly seed: number; readonly capacity?: number }) {
    this.#seed = o.seed >>> 0
    const slots = powerOfTwo(Math.max(capacityMin, Math.ceil((o.capacity ?? 0) / loadMax)))
    this.#slots = new Uint32Array(slots * 2)
    this.#shift = Math.clz32(slots) + 1
  }

  get count(): number {
    return this.#count
  }

  /** Memory in use. */
  get bytes(): number {
    return this.#slots.byteLength
  }

  /** @param relative the record's offset from the chunk's base */
  add(hash: RawHash, relative: number): void {
    this.#add(this.#fingerprint(hashWord(hash, 0), hashWord(hash, 4)), relative)
  }

  /** The same with the hash as it lies in a record. */
  addBytes(bytes: Uint8Array, hashStart: number, relative: number): void {
    this.#add(this.#fingerprint(hashWordAt(bytes, hashStart), hashWordAt(bytes, hashStart + 4)), relative)
  }

  /** The first slot that may be the hash's, or -1. Valid until the next `add`. */
  first(hash: RawHash): number {
    return this.firstOf(hashWord(hash, 0), hashWord(hash, 4))
  }

  /** The same for the hash that begins with these two words. */
  firstOf(high: number, low: number): number {
    const fingerprint = this.#fingerprint(high, low)
    return this.#find(fingerprint, fingerprint >>> this.#shift)
  }

  /** The next one after a slot that was not it, or -1. */
  next(slot: number): number {
    return this.#find(this.#slots[slot * 2] as number, this.#after(slot))
  }

  /** From the chunk's base, in bytes. */
  offsetAt(slot: number): number {
    return (this.#slots[slot * 2 + 1] as number) * slotBytes
  }

  /** Every offset in the table, in no order. The table must not change meanwhile. */
  *offsets(): Generator<number, void, undefined> {
    for (let at = 1; at < this.#slots.length; at += 2) {
      const unit = this.#slots[at] as number
      if (unit !== 0) yield unit * slotBytes
    }
  }

  #find(fingerprint: number, from: number): number {
    const slots = this.#slots
    for (let slot = from; slots[slot * 2 + 1] !== 0; slot = this.#after(slot)) {
      if (slots[slot * 2] === fingerprint) return slot
    }
    return -1
  }

  #add(fingerprint: number, relative: number): void {
    const unit = relative / slotBytes
    assert(
      Number.isInteger(unit) && unit > 0 && unit <= 0xffff_ffff,
      'a record lies at a multiple of 8, behind the header',
    )
    if ((this.#count + 1) * 2 > this.#slots.length * loadMax) this.#grow()
    this.#place(fingerprint, unit)
    this.#count++
  }

  #place(fingerprint: number, unit: number): void {
    const slots = this.#slots
    let slot = fingerprint >>> this.#shift
    while (slots[slot * 2 + 1] !== 0) slot = this.#after(slot)
    slots[slot * 2] = fingerprint
    slots[slot * 2 + 1] = unit
  }

  #grow(): void {
    const old = this.#slots
    assert(old.length < 1 << 30, 'a chunk is sealed long before its table has 2^29 slots')
    this.#slots = new Uint32Array(old.length * 2)
    this.#shift--
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] !== 0) this.#place(old[i] as number, old[i + 1] as number)
    }
  }

  #after(slot: number): number {
    return (slot + 1) & ((this.#slots.length >>> 1) - 1)
  }

  #fingerprint(high: number, low: number): number {
    let word = Math.imul(high ^ this.#seed, 0x9e37_79b1)
    word = Math.imul(word ^ (word >>> 15) ^ low, 0x85eb_ca77)
    return (word ^ (word >>> 13)) >>> 0
  }
}

function powerOfTwo(atLeast: number): number {
  let size = capacityMin
  while (size < atLeast) size *= 2
  return size
}
