import { Float64List } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { type IndexKind, indexKindOf, readHash, recordKind } from '@varve/pack/objects'
import { recordFlag } from '@varve/pack/pack'
import { RegionBits, regionBytes, type SlotTable, slotsPerRegion } from '../../marks/index.ts'
import { RegionImage } from '../../source/index.ts'
import type { CheckPace } from '../check-pace.ts'
import type { Layer } from '../files/layer.ts'
import type { MetadataRoot } from '../metadata-pass.ts'
import { EdgeList } from './edge-list.ts'
import type { Losses } from './losses.ts'
import { firstPrint, Prints, secondPrint } from './prints.ts'

const offsetsEnd = Number.MAX_SAFE_INTEGER
const regionBits = 19
/** Regions in the reach of an offset's lower word. */
const regionsPerWord = 2 ** (32 - regionBits)

export interface ReferencePassOptions {
  readonly layer: Layer
  /** Where whole records start. */
  readonly whole: SlotTable
  readonly losses: Losses
  readonly pace: CheckPace
  readonly memoryBytesMax: number
}

/**
 * Whether every reference leads to a record of the kind and hash that it names. Goes through the address
 * space from low to high: children lie below their parents, so what a record refers to has been seen. It
 * looks at every whole record, whether or not a root reaches it: nothing in a store refers to nothing.
 *
 * If memory has no room for all that has been seen, the next pass begins above what this one could hold, and
 * looks only at the references that lead there.
 */
export class ReferencePass {
  readonly #o: ReferencePassOptions
  readonly #image: RegionImage
  readonly #bits = new RegionBits()
  readonly #edges = new EdgeList()
  readonly #prints = new Prints()
  /** Records of which references point up, as only healed ones may. */
  readonly #upward = new Float64List()
  /** Regions that cannot be read: what refers to them is not known to lead nowhere. */
  readonly #unread = new Set<number>()
  /** The part of the space of which this pass knows the records. */
  #lowRegion = 0
  #highRegion = offsetsEnd
  #slots: Int32Array = new Int32Array(slotsPerRegion)

  constructor(options: ReferencePassOptions) {
    this.#o = options
    this.#image = new RegionImage(options.layer)
  }

  /** @throws what `CheckPace.step` throws */
  async run(): Promise<void> {
    do {
      this.#prints.clear()
      this.#highRegion = offsetsEnd
      await this.#pass()
      this.#lowRegion = this.#highRegion
    } while (this.#lowRegion < offsetsEnd)
    for (const offset of this.#upward) this.#lookUp(offset)
  }

  /** What the metadata refer to: few, so each is looked at in its record. */
  roots(roots: readonly MetadataRoot[]): void {
    const { layer, losses } = this.#o
    for (const root of roots) {
      const { kind, hash, offset } = root.reference
      if (!layer.holds(kind, hash, offset)) losses.root(root)
    }
  }

  async #pass(): Promise<void> {
    const { whole, pace } = this.#o
    const regions = ascendingRegions(whole, this.#lowRegion)
    pace.begin('references', regions.length)
    for (const region of regions) {
      const isHeld = this.#prints.bytes < this.#o.memoryBytesMax
      if (!isHeld && this.#highRegion === offsetsEnd) this.#highRegion = region
      const before = this.#image.bytesRead
      this.#region(region)
      await pace.step(1, this.#image.bytesRead - before)
    }
  }

  #region(region: number): void {
    const base = region * regionBytes
    this.#bits.clear()
    this.#o.whole.load(region, this.#bits)
    const count = this.#listSlots()
    try {
      this.#image.begin(region)
      this.#putStandIns(base)
      if (region < this.#highRegion) this.#addPrints(region, count)
      for (let i = 0; i < count; i++) this.#record(base, this.#slots[i] as number)
    } catch (error) {
      // The disk does not give what it gave a moment ago, or a map is damaged: told already.
      if (!VarveError.is(error, 'CORRUPT')) throw error
      this.#unread.add(region)
    }
  }

  /** In memory, into their places. */
  #putStandIns(base: number): void {
    for (const [offset, record] of this.#o.layer.standIns) {
      const at = offset - base
      if (at >= 0 && at + record.length <= regionBytes) this.#image.patch(at, record)
    }
  }

  #listSlots(): number {
    let count = this.#bits.count()
    const total = count
    for (let s = this.#bits.highestBelow(slotsPerRegion); s >= 0; s = this.#bits.highestBelow(s)) {
      this.#slots[--count] = s
    }
    return total
  }

  #addPrints(region: number, count: number): void {
    const prints = new Int32Array(2 * count)
    const { bytes } = this.#image
    for (let i = 0; i < count; i++) {
      const at = (this.#slots[i] as number) * 8
      const long = this.#image.isLong(at) ? this.#longRecord(region * regionBytes + at) : undefined
      const [from, start] = long === undefined ? [bytes, at] : [long, 0]
      if (long === undefined) this.#image.need(at, at + 48)
      prints[2 * i] = firstPrint(from, start + 16)
      prints[2 * i + 1] = secondPrint(from, start + 16, indexKindOf(from[start + 8] as number) ?? 0)
    }
    this.#prints.add(region, this.#bits, prints)
  }

  #record(base: number, slot: number): void {
    const at = slot * 8
    const image = this.#image
    if (image.isLong(at)) {
      const bytes = this.#longRecord(base + at)
      if (refers(bytes[8] as number)) this.#check(bytes, 0, base + at, false)
      return
    }
    if (!refers(image.bytes[at + 8] as number)) return
    image.need(at, at + 48 + image.bytes.readUInt32LE(at + 12))
    this.#check(image.bytes, at, base + at, false)
  }

  #longRecord(offset: number): Buffer {
    const bytes = this.#o.layer.standIns.get(offset) ?? this.#image.readLong(offset)
    if (bytes === undefined) throw new VarveError('CORRUPT', this.#image.placeOf(offset))
    return bytes
  }

  /** @param isLookedUp its references up are looked up too, in the records themselves */
  #check(bytes: Buffer, at: number, offset: number, isLookedUp: boolean): void {
    const edges = this.#edges
    const { losses } = this.#o
    const parent = { bytes, at, offset }
    if (!edges.fill(bytes, at)) {
      if (!isLookedUp && this.#lowRegion === 0) losses.malformed(parent)
      return
    }
    const { low, high, hashAt, kinds, count } = edges
    const prints = this.#prints
    const lowRegion = this.#lowRegion
    const highRegion = this.#highRegion
    const ownRegion = Math.floor(offset / regionBytes)
    const ownSlot = (offset - ownRegion * regionBytes) >>> 3
    let isTainted = false
    const isLossy = losses.taintedCount > 0
    for (let i = 0; i < count; i++) {
      // Offsets are below 2^53, so the region's number has 34 bits: a whole number of the processor nearly
      // always.
      const word = low[i] as number
      const region = (high[i] as number) * regionsPerWord + (word >>> regionBits)
      const slot = (word & (regionBytes - 1)) >>> 3
      if (isLossy && losses.isTainted(edges.offset(i))) isTainted = true
      const isAligned = (word & 7) === 0
      if (isAligned && (region > ownRegion || (region === ownRegion && slot >= ownSlot))) {
        this.#up(parent, edges.offset(i), i, isLookedUp)
        continue
      }
      if (isLookedUp || region < lowRegion || region >= highRegion) continue
      const at = hashAt[i] as number
      const kind = kinds[i] as number
      const second = secondPrint(bytes, at, kind)
      if (isAligned && prints.matches(region, slot, firstPrint(bytes, at), second)) continue
      if (this.#unread.has(region)) continue
      const target = { offset: edges.offset(i), kind: kind as IndexKind, hash: readHash(bytes, at) }
      if (losses.unresolved(parent, target)) isTainted = true
    }
    if (isTainted) losses.taint(offset, bytes[at + 8] as number)
  }

  #up(parent: Parent, child: number, i: number, isLookedUp: boolean): void {
    const { layer, losses } = this.#o
    if (this.#lowRegion > 0 && !isLookedUp) return
    const isHealed = ((parent.bytes[parent.at + 9] as number) & recordFlag.healed) !== 0
    if (!isHealed || child === parent.offset) {
      losses.upward(parent, child)
      return
    }
    if (!isLookedUp) {
      if (this.#upward.length === 0 || this.#upward.at(this.#upward.length - 1) !== parent.offset) {
        this.#upward.push(parent.offset)
      }
      return
    }
    const hash = readHash(parent.bytes, this.#edges.hashAt[i] as number)
    const kind = this.#edges.kinds[i] as IndexKind
    if (!layer.holds(kind, hash, child)) losses.unresolved(parent, { offset: child, kind, hash })
  }

  #lookUp(offset: number): void {
    const { buf, bodyStart } = this.#o.layer.reader.record(offset)
    this.#check(buf, bodyStart - 48, offset, true)
  }
}

/** A record that refers to others. */
export interface Parent {
  readonly bytes: Buffer
  readonly at: number
  readonly offset: number
}

/** Kinds of records with structural references; those of metadata are roots, that of a touch is weak. */
function refers(kind: number): boolean {
  return kind >= recordKind.node && kind <= recordKind.bigBlob
}

/** Regions in which whole records start, from the given one on. */
function ascendingRegions(whole: SlotTable, from: number): number[] {
  const regions: number[] = []
  let region = whole.highestRegionBelow(offsetsEnd)
  while (region >= from) {
    regions.push(region)
    region = whole.highestRegionBelow(region)
  }
  return regions.reverse()
}
