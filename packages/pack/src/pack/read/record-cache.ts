import { assert } from '../../base/index.ts'
import { bodyLengthAt, recordSize } from '../frame/index.ts'
import { PlaceTable } from '../table/index.ts'

/** Records are copied into slabs one after another; the oldest slab goes when there are too many. */
const slabBytes = 1 << 20
const slabsMin = 4
const slabsMax = 1 << 14
/**
 * One slab in so many is old: a record that is read there moves to the newest slab, so what is in use stays.
 */
const oldPart = 4
/** In front of each record: its file, and its position in units of 8. */
const keyBytes = 8
const unitMax = 0xffff_ffff
/** A place: number of the slab, start of the record in it in units of 8. */
const startBits = 17
const startMask = (1 << startBits) - 1

/** Slabs are never written twice, so a view into one stays right for as long as it is held. */
interface Slab {
  readonly buf: Buffer
  /** The same memory. */
  readonly words: Uint32Array
  used: number
}

/**
 * Proved records, packed densely, by file and position, bounded in bytes. The live records of a store lie far
 * apart between what they replaced: a cache of blocks would hold mostly what nobody asks for. A look-up
 * touches the table once and then only memory that its reader is about to touch. Belongs to one thread.
 */
export class RecordCache {
  readonly bytesMax: number
  readonly #slabsMax: number
  readonly #onGrown: ((bytes: number) => void) | undefined
  readonly #slabs: Slab[] = []
  /** Numbers of the slab that is being filled, and of the one in which the last record was found. */
  #newest = -1
  #found = 0
  readonly #table = new PlaceTable(0)

  /** Of the record found last. */
  buf: Buffer = Buffer.alloc(0)
  start = 0

  /** @param o.onGrown told how much memory is in use now, for whoever shares a budget with this cache */
  constructor(o: { readonly bytesMax: number; readonly onGrown?: (bytes: number) => void }) {
    this.#slabsMax = Math.min(slabsMax, Math.max(slabsMin, Math.floor(o.bytesMax / slabBytes)))
    this.bytesMax = this.#slabsMax * slabBytes
    this.#onGrown = o.onGrown
  }

  /** Memory in use, in bytes. */
  get bytes(): number {
    return this.#slabs.length * slabBytes + this.#table.bytes
  }

  /** Looks a record up; true when `buf` and `start` now say where it is. */
  find(file: number, position: number): boolean {
    return this.#slotOf(file, position / 8) >= 0
  }

  /** Whether the record found last will go soon unless it is added again. */
  isOld(): boolean {
    const max = this.#slabsMax
    if (this.#slabs.length < max) return false
    const age = (this.#newest - this.#found + max) % max
    return age > max - 1 - max / oldPart
  }

  /**
   * Copies the proved record that starts at `start` of `source` in; it is then the one found last. Too large
   * a record is refused with false.
   */
  add(file: number, position: number, source: Buffer, start: number): boolean {
    assert((position & 7) === 0, 'records start at multiples of 8')
    const unit = position / 8
    const size = recordSize(bodyLengthAt(source, start))
    if (size > slabBytes / 8 || unit > unitMax) return false
    const slab = this.#slabWithRoom(keyBytes + size)
    const at = slab.used + keyBytes
    slab.words[slab.used / 4] = file
    slab.words[slab.used / 4 + 1] = unit
    source.copy(slab.buf, at, start, start + size)
    slab.used = at + size
    const place = this.#newest * (1 << startBits) + at / 8
    const slot = this.#slotOf(file, unit)
    if (slot >= 0) this.#table.setPlace(slot, place)
    else this.#table.add(tagOf(file, unit), place)
    this.buf = slab.buf
    this.start = at
    this.#found = this.#newest
    return true
  }

  /** The slot of a record, or -1; notes where the record is. */
  #slotOf(file: number, unit: number): number {
    const table = this.#table
    for (let slot = table.first(tagOf(file, unit)); slot >= 0; slot = table.next(slot)) {
      const place = table.placeAt(slot)
      const slab = this.#slabs[place >>> startBits] as Slab
      const start = (place & startMask) * 8
      if (slab.words[start / 4 - 2] !== file || slab.words[start / 4 - 1] !== unit) continue
      this.#found = place >>> startBits
      this.buf = slab.buf
      this.start = start
      return slot
    }
    return -1
  }

  #slabWithRoom(size: number): Slab {
    const slab = this.#slabs[this.#newest]
    if (slab !== undefined && slab.used + size <= slabBytes) return slab
    const number = (this.#newest + 1) % this.#slabsMax
    const oldest = this.#slabs[number]
    if (oldest !== undefined) this.#forget(number, oldest)
    const buf = Buffer.allocUnsafeSlow(slabBytes)
    const next = { buf, words: new Uint32Array(buf.buffer), used: 0 }
    this.#slabs[number] = next
    this.#newest = number
    if (oldest === undefined) this.#onGrown?.(this.bytes)
    return next
  }

  /** Takes the records of a slab out of the table, but for those that have moved on. */
  #forget(number: number, { buf, words, used }: Slab): void {
    for (let at = keyBytes; at < used; ) {
      const tag = tagOf(words[at / 4 - 2] as number, words[at / 4 - 1] as number)
      this.#table.remove(tag, number * (1 << startBits) + at / 8)
      at += recordSize(bodyLengthAt(buf, at)) + keyBytes
    }
  }
}

function tagOf(file: number, unit: number): number {
  const word = Math.imul(unit ^ Math.imul(file, 0x85eb_ca77), 0x9e37_79b1)
  return word ^ (word >>> 15)
}
