import { assert } from '@varve/pack/base'
import { type RegionBits, regionBytes, slotsPerRegion } from './region-bits.ts'
import { type BlockHandle, bitmapClass, blockSlots, classOf, SlotPool } from './slot-pool.ts'
import type { SpillFile } from './spill-file.ts'

const regionsPerPage = 256
const pageSpan = regionsPerPage * regionBytes
const noBlock = -1

/** The regions [number * 256, … + 256) that have, or had, slots. */
interface Page {
  readonly number: number
  readonly blocks: Int32Array
  readonly counts: Uint16Array
  /** Positions of the newest spilled piece of each region; 0: none. */
  spilled: Float64Array | undefined
}

export interface SlotTableOptions {
  /** Blocks beyond so many bytes go to the spill file at the next `relieve`; asked each time. */
  readonly bytesMax: () => number
  /** Gives the file to spill to; asked only when it is needed. */
  readonly openSpill: () => Promise<SpillFile>
}

/**
 * A set of virtual offsets, kept by region: as a list of 16-bit slots, which may name one twice, or as a
 * bitmap where that is smaller. `add` never waits; between regions `relieve` spills everything when the set
 * has outgrown its memory, so it overshoots by no more than one region's references can add.
 */
export class SlotTable {
  readonly #bytesMax: () => number
  readonly #openSpill: () => Promise<SpillFile>
  readonly #pool = new SlotPool()
  readonly #pages: Map<number, Page> = new Map()
  /** Numbers of the pages, ascending. */
  #order: number[] = []
  #recent: Page | undefined
  #spill: SpillFile | undefined
  #bytesPeak = 0

  constructor(options: SlotTableOptions) {
    this.#bytesMax = options.bytesMax
    this.#openSpill = options.openSpill
  }

  get bytesUsed(): number {
    return this.#pool.bytesHeld + this.#pages.size * regionsPerPage * 6
  }

  /** The most that `relieve` ever found in use. */
  get bytesPeak(): number {
    return Math.max(this.#bytesPeak, this.bytesUsed)
  }

  /** The region's highest neighbour below it that has slots; -1: none. */
  highestRegionBelow(region: number): number {
    let place = this.#placeOf(Math.floor((region - 1) / regionsPerPage) + 1) - 1
    for (; place >= 0; place--) {
      const page = this.#pages.get(this.#order[place] as number) as Page
      const first = page.number * regionsPerPage
      for (let i = Math.min(regionsPerPage, region - first) - 1; i >= 0; i--) {
        if (hasSlots(page, i)) return first + i
      }
    }
    return -1
  }

  get isEmpty(): boolean {
    return this.highestRegionBelow(Number.MAX_SAFE_INTEGER) < 0
  }

  add(offset: number): void {
    const number = Math.floor(offset / pageSpan)
    // Below 2^31 by now: whole numbers of the processor's own.
    const rest = (offset - number * pageSpan) | 0
    const page = this.#recent?.number === number ? this.#recent : this.#pageOf(number)
    this.#addSlot(page, (rest / regionBytes) | 0, (rest & (regionBytes - 1)) >>> 3)
  }

  /** Whether the region has slots. */
  has(region: number): boolean {
    const page = this.#find(region)
    return page !== undefined && hasSlots(page, region % regionsPerPage)
  }

  /** Adds the region's slots to `bits`. */
  load(region: number, bits: RegionBits): void {
    const page = this.#find(region)
    if (page === undefined) return
    const index = region % regionsPerPage
    const handle = page.blocks[index] as BlockHandle
    if (handle !== noBlock) {
      const isBitmap = classOf(handle) === bitmapClass
      addSlots(
        bits,
        this.#pool.view(handle),
        isBitmap ? blockSlots[bitmapClass]! : page.counts[index]!,
        isBitmap,
      )
    }
    let position = page.spilled?.[index] ?? 0
    while (position !== 0) {
      assert(this.#spill !== undefined, 'spilled marks have a file')
      const piece = this.#spill.read(position)
      addSlots(bits, piece.slots, piece.slots.length, piece.isBitmap)
      position = piece.previous
    }
  }

  /** Forgets the region. */
  remove(region: number): void {
    const page = this.#find(region)
    if (page === undefined) return
    const index = region % regionsPerPage
    const handle = page.blocks[index] as BlockHandle
    if (handle !== noBlock) this.#pool.free(handle)
    page.blocks[index] = noBlock
    page.counts[index] = 0
    if (page.spilled !== undefined) page.spilled[index] = 0
  }

  /** Makes the region's slots those of `bits`. */
  replace(region: number, bits: RegionBits): void {
    this.remove(region)
    const count = bits.count()
    if (count === 0) return
    const blockClass = blockSlots.findIndex((slots, i) => i === bitmapClass || slots >= count)
    const page = this.#pageOf(Math.floor(region / regionsPerPage))
    const handle = this.#pool.allocate(blockClass)
    page.blocks[region % regionsPerPage] = handle
    const view = this.#pool.view(handle)
    if (blockClass === bitmapClass) {
      copyBitmap(view, bits)
      return
    }
    let at = count
    for (let s = bits.highestBelow(slotsPerRegion); s >= 0; s = bits.highestBelow(s)) view[--at] = s
    page.counts[region % regionsPerPage] = count
  }

  /** Forgets everything, and keeps the memory for as much again. */
  clear(): void {
    this.#notePeak()
    this.#pages.clear()
    this.#order = []
    this.#recent = undefined
    this.#pool.reset(this.#bytesMax())
  }

  /** Spills when the set has outgrown its memory. Called between regions and every few thousand marks. */
  async relieve(): Promise<void> {
    if (this.#pool.bytesUsed <= this.#bytesMax()) return
    this.#notePeak()
    this.#spill ??= await this.#openSpill()
    for (const number of this.#order) await this.#spillPage(this.#pages.get(number) as Page, this.#spill)
    await this.#spill.flush()
    this.#pool.reset(this.#bytesMax())
  }

  async #spillPage(page: Page, spill: SpillFile): Promise<void> {
    for (let i = 0; i < regionsPerPage; i++) {
      const handle = page.blocks[i] as BlockHandle
      if (handle === noBlock) continue
      if (spill.mustFlush) await spill.flush()
      page.spilled ??= new Float64Array(regionsPerPage)
      const isBitmap = classOf(handle) === bitmapClass
      const view = this.#pool.view(handle)
      const slots = isBitmap ? view : view.subarray(0, page.counts[i])
      page.spilled[i] = spill.append(slots, isBitmap, page.spilled[i] as number)
      page.blocks[i] = noBlock
      page.counts[i] = 0
    }
  }

  #addSlot(page: Page, index: number, slot: number): void {
    let handle = page.blocks[index] as BlockHandle
    if (handle === noBlock) {
      handle = this.#pool.allocate(0)
      page.blocks[index] = handle
    }
    const slab = this.#pool.slabOf(handle)
    const start = this.#pool.startOf(handle)
    if (classOf(handle) === bitmapClass) {
      slab[start + (slot >>> 4)] = (slab[start + (slot >>> 4)] as number) | (1 << (slot & 15))
      return
    }
    const count = page.counts[index] as number
    // Siblings often share a child: the cheapest of all duplicates to keep out.
    if (count > 0 && slab[start + count - 1] === slot) return
    if (count < (blockSlots[classOf(handle)] as number)) {
      slab[start + count] = slot
      page.counts[index] = count + 1
      return
    }
    this.#grow(page, index, handle)
    this.#addSlot(page, index, slot)
  }

  /** Moves a full list into a block of the next class, the last of which is a bitmap. */
  #grow(page: Page, index: number, handle: BlockHandle): void {
    const larger = this.#pool.allocate(classOf(handle) + 1)
    const from = this.#pool.view(handle)
    const to = this.#pool.view(larger)
    if (classOf(larger) === bitmapClass) {
      to.fill(0)
      for (const slot of from) to[slot >>> 4] = (to[slot >>> 4] as number) | (1 << (slot & 15))
      page.counts[index] = 0
    } else {
      to.set(from)
    }
    page.blocks[index] = larger
    this.#pool.free(handle)
  }

  #find(region: number): Page | undefined {
    return this.#pages.get(Math.floor(region / regionsPerPage))
  }

  #pageOf(number: number): Page {
    if (this.#recent?.number === number) return this.#recent
    const page = this.#pages.get(number) ?? this.#newPage(number)
    this.#recent = page
    return page
  }

  #newPage(number: number): Page {
    const page: Page = {
      number,
      blocks: new Int32Array(regionsPerPage).fill(noBlock),
      counts: new Uint16Array(regionsPerPage),
      spilled: undefined,
    }
    this.#pages.set(number, page)
    this.#order.splice(this.#placeOf(number), 0, number)
    return page
  }

  /** How many pages have a smaller number. */
  #placeOf(number: number): number {
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#order[middle] as number) < number) low = middle + 1
      else high = middle
    }
    return low
  }

  #notePeak(): void {
    this.#bytesPeak = Math.max(this.#bytesPeak, this.bytesUsed)
  }
}

function hasSlots(page: Page, index: number): boolean {
  return page.blocks[index] !== noBlock || (page.spilled !== undefined && page.spilled[index] !== 0)
}

function addSlots(bits: RegionBits, slots: Uint16Array, count: number, isBitmap: boolean): void {
  if (!isBitmap) {
    for (let i = 0; i < count; i++) bits.set(slots[i] as number)
    return
  }
  const words = bits.words
  for (let i = 0; i < words.length; i++) {
    const both = (slots[2 * i] as number) | ((slots[2 * i + 1] as number) << 16)
    words[i] = (words[i] as number) | both
  }
}

function copyBitmap(view: Uint16Array, bits: RegionBits): void {
  for (let i = 0; i < bits.words.length; i++) {
    view[2 * i] = (bits.words[i] as number) & 0xffff
    view[2 * i + 1] = (bits.words[i] as number) >>> 16
  }
}
