import { assert } from '@varve/pack/base'

/**
 * Room for so many 16-bit slots in a block of each class. A block of the last class is a bitmap of a region.
 */
export const blockSlots: readonly number[] = [16, 64, 256, 1024, 4096]
export const bitmapClass: number = blockSlots.length - 1

/** Handles count in units of 16 slots (32 bytes), so that 31 bits reach 64 GiB. */
const unitSlots = 16
const slabBits = 11
const slabUnits = 1 << slabBits
const slabSlots = unitSlots * slabUnits
const classBits = 3

/** A block: its place in units, and its class in the low bits. Never negative. */
export type BlockHandle = number

/**
 * Memory for lists of 16-bit slots in blocks of five sizes, carved out of slabs of 64 KiB. A freed block
 * serves the next of its class; the whole is given back at once by `reset`, which is what happens when marks
 * are spilled.
 */
export class SlotPool {
  #slabs: Uint16Array[] = []
  #nextUnit = 0
  #free: BlockHandle[][] = blockSlots.map(() => [])
  #bytesUsed = 0

  /** Bytes in blocks that are handed out. */
  get bytesUsed(): number {
    return this.#bytesUsed
  }

  /** Bytes of memory held, handed out or not. */
  get bytesHeld(): number {
    return this.#slabs.length * slabSlots * 2
  }

  allocate(blockClass: number): BlockHandle {
    this.#bytesUsed += slotsOf(blockClass) * 2
    const free = (this.#free[blockClass] as BlockHandle[]).pop()
    if (free !== undefined) return free
    const units = slotsOf(blockClass) / unitSlots
    const left = slabUnits - (this.#nextUnit % slabUnits)
    if (left < units) this.#nextUnit += left
    const unit = this.#nextUnit
    this.#nextUnit += units
    if (unit >= this.#slabs.length * slabUnits) this.#slabs.push(new Uint16Array(slabSlots))
    return unit * (1 << classBits) + blockClass
  }

  free(handle: BlockHandle): void {
    const blockClass = classOf(handle)
    this.#bytesUsed -= slotsOf(blockClass) * 2
    ;(this.#free[blockClass] as BlockHandle[]).push(handle)
  }

  /** The slab in which the block lies; its slots start at `startOf(handle)`. */
  slabOf(handle: BlockHandle): Uint16Array {
    return this.#slabs[handle >>> (slabBits + classBits)] as Uint16Array
  }

  startOf(handle: BlockHandle): number {
    return ((handle >>> classBits) & (slabUnits - 1)) * unitSlots
  }

  /** The block's slots in their place. */
  view(handle: BlockHandle): Uint16Array {
    const start = this.startOf(handle)
    return this.slabOf(handle).subarray(start, start + slotsOf(classOf(handle)))
  }

  /** Takes all blocks back; memory beyond `bytesKept` is let go. */
  reset(bytesKept: number): void {
    const slabCount = Math.floor(bytesKept / (slabSlots * 2))
    if (this.#slabs.length > slabCount) this.#slabs.length = slabCount
    this.#nextUnit = 0
    this.#free = blockSlots.map(() => [])
    this.#bytesUsed = 0
  }
}

export function classOf(handle: BlockHandle): number {
  return handle & ((1 << classBits) - 1)
}

function slotsOf(blockClass: number): number {
  const slots = blockSlots[blockClass]
  assert(slots !== undefined, 'a block class exists')
  return slots
}
