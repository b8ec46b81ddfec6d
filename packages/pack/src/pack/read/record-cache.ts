import { assert } from '../../base/index.ts'

/** Records are copied into slabs one after another; the oldest slab goes when there are too many. */
const slabBytes = 1 << 20
const slabsMin = 4
/**
 * One slab in so many is old: a record that is read there moves to the newest slab, so what is in use stays.
 */
const oldPart = 4
const wordsPerSlot = 4
const capacityMin = 1 << 12
/** Slots in use or once used, at most this part of all. */
const loadMax = 0.6

/**
 * Proved records, packed densely, by file and position, bounded in bytes. The live records of a store lie far
 * apart between what they replaced: a cache of blocks would hold mostly what nobody asks for. Slabs are never
 * written twice, so a view into one stays right for as long as it is held. Belongs to one thread.
 */
export class RecordCache {
  readonly bytesMax: number
  readonly #slabsMax: number
  readonly #onGrown: ((bytes: number) => void) | undefined
  /** By number of the slab, modulo their count. */
  readonly #slabs: Buffer[] = []
  /** Numbers of the newest slab and of the oldest one that is still there. */
  #newest = -1
  #oldest = 0
  #used = slabBytes
  /** Four words a slot: file + 1 (0: free), position / 8, slab, start in the slab. */
  #slots = new Uint32Array(capacityMin * wordsPerSlot)
  #usedSlots = 0
  /** Number of the slab that holds the record found last. */
  #foundSlab = 0

  /** Of the record found last. */
  buf: Buffer = Buffer.alloc(0)
  start = 0

  /** @param o.onGrown told how much memory is in use now, for whoever shares a budget with this cache */
  constructor(o: { readonly bytesMax: number; readonly onGrown?: (bytes: number) => void }) {
    this.#slabsMax = Math.max(slabsMin, Math.floor(o.bytesMax / slabBytes))
    this.bytesMax = this.#slabsMax * slabBytes
    this.#onGrown = o.onGrown
  }

  /** Memory in use, in bytes. */
  get bytes(): number {
    return this.#slabs.length * slabBytes + this.#slots.byteLength
  }

  /** Looks a record up; true when `buf` and `start` now say where it is. */
  find(file: number, position: number): boolean {
    const unit = position / 8
    const slots = this.#slots
    for (let at = this.#firstSlot(file, unit); slots[at] !== 0; at = this.#after(at)) {
      if (slots[at] !== file + 1 || slots[at + 1] !== unit) continue
      const slab = slots[at + 2] as number
      if (slab < this.#oldest) continue
      this.#foundSlab = slab
      this.buf = this.#slabs[slab % this.#slabsMax] as Buffer
      this.start = slots[at + 3] as number
      return true
    }
    return false
  }

  /** Whether the record found last will go soon unless it is added again. */
  isOld(): boolean {
    const count = this.#newest - this.#oldest + 1
    return count === this.#slabsMax && this.#foundSlab < this.#oldest + count / oldPart
  }

  /** Copies a proved record in; it is then the one found last. Too large a record is refused with false. */
  add(
    file: number,
    position: number,
    source: Buffer,
    { start, size }: { start: number; size: number },
  ): boolean {
    assert((position & 7) === 0, 'records start at multiples of 8')
    if (size > slabBytes / 8 || position / 8 > 0xffff_ffff) return false
    if (this.#used + size > slabBytes) this.#beginSlab()
    const slab = this.#slabs[this.#newest % this.#slabsMax] as Buffer
    source.copy(slab, this.#used, start, start + size)
    this.#place(file, position / 8, this.#used)
    this.buf = slab
    this.start = this.#used
    this.#used += size
    return true
  }

  #beginSlab(): void {
    this.#newest++
    this.#slabs[this.#newest % this.#slabsMax] = Buffer.allocUnsafeSlow(slabBytes)
    if (this.#newest < this.#slabsMax) this.#onGrown?.(this.bytes)
    this.#oldest = Math.max(this.#oldest, this.#newest - this.#slabsMax + 1)
    this.#used = 0
  }

  /** A slot of a slab that is gone is as good as a free one. */
  #place(file: number, unit: number, start: number): void {
    if ((this.#usedSlots + 1) * wordsPerSlot > this.#slots.length * loadMax) this.#rebuild()
    const slots = this.#slots
    let at = this.#firstSlot(file, unit)
    let into = -1
    for (; slots[at] !== 0; at = this.#after(at)) {
      if (slots[at] === file + 1 && slots[at + 1] === unit) {
        into = at
        break
      }
      if (into < 0 && (slots[at + 2] as number) < this.#oldest) into = at
    }
    if (into < 0) {
      into = at
      this.#usedSlots++
    }
    slots[into] = file + 1
    slots[into + 1] = unit
    slots[into + 2] = this.#newest
    slots[into + 3] = start
  }

  #rebuild(): void {
    const old = this.#slots
    let live = 0
    for (let at = 0; at < old.length; at += wordsPerSlot) if (this.#isLive(old, at)) live++
    let capacity = capacityMin
    while (live * 2 > capacity * loadMax) capacity *= 2
    this.#slots = new Uint32Array(capacity * wordsPerSlot)
    this.#usedSlots = live
    for (let from = 0; from < old.length; from += wordsPerSlot) {
      if (!this.#isLive(old, from)) continue
      let at = this.#firstSlot((old[from] as number) - 1, old[from + 1] as number)
      while (this.#slots[at] !== 0) at = this.#after(at)
      for (let word = 0; word < wordsPerSlot; word++) this.#slots[at + word] = old[from + word] as number
    }
  }

  #isLive(slots: Uint32Array, at: number): boolean {
    return slots[at] !== 0 && (slots[at + 2] as number) >= this.#oldest
  }

  #firstSlot(file: number, unit: number): number {
    let word = Math.imul(unit ^ Math.imul(file, 0x85eb_ca77), 0x9e37_79b1)
    word ^= word >>> 15
    return ((word >>> 0) & (this.#slots.length / wordsPerSlot - 1)) * wordsPerSlot
  }

  #after(at: number): number {
    const next = at + wordsPerSlot
    return next === this.#slots.length ? 0 : next
  }
}
