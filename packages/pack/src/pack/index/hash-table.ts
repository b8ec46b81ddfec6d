import { assert } from '../../base/index.ts'
import type { RawHash } from '../../objects/index.ts'
import { slotBytes } from '../blocks/index.ts'
import { PlaceTable } from '../table/index.ts'
import { hashWord, hashWordAt } from './hash-word.ts'

/**
 * Where the open chunk's objects are, by hash: a 32-bit fingerprint, and the offset from the chunk's base in
 * units of 8. Fingerprints only select: whoever looks up compares kind and hash in the record. The seed keeps
 * chosen hashes from falling into one run of slots.
 *
 *     for (let slot = table.first(hash); slot >= 0; slot = table.next(slot)) { … table.offsetAt(slot) … }
 */
export class HashTable {
  readonly #seed: number
  /** Places are units; 0 is free, as the chunk's header lies at offset 0. */
  readonly #table: PlaceTable

  constructor(o: { readonly seed: number; readonly capacity?: number }) {
    this.#seed = o.seed >>> 0
    this.#table = new PlaceTable(o.capacity ?? 0)
  }

  get count(): number {
    return this.#table.count
  }

  /** Memory in use. */
  get bytes(): number {
    return this.#table.bytes
  }

  /** @param relative the record's offset from the chunk's base */
  add(hash: RawHash, relative: number): void {
    this.#add(this.#fingerprint(hashWord(hash, 0), hashWord(hash, 4)), relative)
  }

  /** The same with the hash as it lies in a record. */
  addBytes(bytes: Uint8Array, hashStart: number, relative: number): void {
    this.#add(this.#fingerprint(hashWordAt(bytes, hashStart), hashWordAt(bytes, hashStart + 4)), relative)
  }

  /** The same with the first two words of the hash. */
  addWords(high: number, low: number, relative: number): void {
    this.#add(this.#fingerprint(high, low), relative)
  }

  /** The first slot that may be the hash's, or -1. Valid until the next `add`. */
  first(hash: RawHash): number {
    return this.firstOf(hashWord(hash, 0), hashWord(hash, 4))
  }

  /** The same for the hash that begins with these two words. */
  firstOf(high: number, low: number): number {
    return this.#table.first(this.#fingerprint(high, low))
  }

  /** The next one after a slot that was not it, or -1. */
  next(slot: number): number {
    return this.#table.next(slot)
  }

  /** From the chunk's base, in bytes. */
  offsetAt(slot: number): number {
    return this.#table.placeAt(slot) * slotBytes
  }

  /** Every offset in the table, in no order. The table must not change meanwhile. */
  *offsets(): Generator<number, void, undefined> {
    for (const unit of this.#table.places()) yield unit * slotBytes
  }

  #add(fingerprint: number, relative: number): void {
    const unit = relative / slotBytes
    assert(
      Number.isInteger(unit) && unit > 0 && unit <= 0xffff_ffff,
      'a record lies at a multiple of 8, behind the header',
    )
    this.#table.add(fingerprint, unit)
  }

  #fingerprint(high: number, low: number): number {
    let word = Math.imul(high ^ this.#seed, 0x9e37_79b1)
    word = Math.imul(word ^ (word >>> 15) ^ low, 0x85eb_ca77)
    return word ^ (word >>> 13)
  }
}
