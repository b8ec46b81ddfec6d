import { assert, type Float64List } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { type RecordHeader, recordFlag, recordHeaderSize, verifyRecord } from '@varve/pack/pack'
import { RegionBits, regionBytes, type SlotTable, slotsPerRegion } from '../marks/index.ts'
import type { RegionImage } from '../source/index.ts'
import { type Meter, OverBudget } from './meter.ts'

const twoTo32 = 0x1_0000_0000
const highWordLimit = 0x20_0000

/** Where swept records go: runs of whole records, ascending within a region, regions in any order. */
export interface SweepSink {
  /**
   * Copies the bytes before it returns.
   * @param isLifted whether the volume being written needs these records too, as it does not hold them
   */
  addRun(virtualStart: number, source: Buffer, start: number, length: number, isLifted: boolean): void
  /** After each region; bounds what waits in memory. */
  drain(): Promise<void>
}

export interface RegionSweepOptions {
  readonly image: RegionImage
  /** Records from here on are not swept; references to them are not marked. */
  readonly limit: number
  readonly marks: SlotTable
  /** References that point up, for the next pass. */
  readonly upward: SlotTable
  /** What earlier passes have copied. */
  readonly kept: SlotTable
  /**
   * The record for an offset at which the upper layer has no whole one: sealed for that offset.
   * @throws CORRUPT when there is none, LOWER_UNAVAILABLE
   */
  readonly fetch: (offset: number) => Promise<FetchedRecord>
}

/** A record that is not where the sweep reads. */
export interface FetchedRecord {
  readonly bytes: Buffer
  /** Whether it stands in for a damaged one. */
  readonly isHealed: boolean
  readonly isLifted: boolean
}

interface LongRecord {
  readonly offset: number
  readonly bytes: Buffer
  readonly size: number
  readonly isLifted: boolean
}

/** What has been copied so far. */
export interface SweepCounts {
  objects: number
  bytes: number
  /** Damaged records that a copy replaced. */
  healed: number
}

/** Runs of a region in pairs of start and end, then whether the run is lifted. */
const runFields = 3

/**
 * The sweep of one region at a time: takes the marked records from the highest to the lowest, marks what they
 * refer to, and hands the bytes on. Children lie below their parents, so when a region's turn comes all marks
 * in it are known, except those that its own records add below themselves while it is swept.
 *
 * Belongs to one thread; all buffers are its own and used again for each region.
 */
export class RegionSweep {
  readonly #o: RegionSweepOptions
  readonly #bits = new RegionBits()
  /** Of the region, where there are any; empty otherwise, as nearly always. */
  readonly #keptBits = new RegionBits()
  #hasKept = false
  readonly #header: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
  readonly #counts: SweepCounts
  /** Runs of the region, from high to low: start and end in the image, and 1 for what is lifted. */
  readonly #runs: Int32Array = new Int32Array(runFields * slotsPerRegion)
  #runCount = 0
  #base = 0
  /** The one record that may begin in the region and end above it. */
  #long: LongRecord | undefined
  /** Of the record that is being taken. */
  #isLifted = false
  #meter: Meter | undefined

  constructor(options: RegionSweepOptions, counts: SweepCounts) {
    this.#o = options
    this.#counts = counts
  }

  /**
   * @param journal with it, the region's records are not noted as kept but listed there
   * @throws CORRUPT, OverBudget, and what the file system throws
   */
  async sweep(
    region: number,
    sink: SweepSink,
    meter: Meter,
    journal: Float64List | undefined,
  ): Promise<void> {
    this.#meter = meter
    if (!this.#open(region)) return
    let damaged = this.#takeBelow(slotsPerRegion)
    while (damaged >= 0) {
      const fetched = await this.#o.fetch(this.#base + damaged * 8)
      this.#place(damaged, fetched.bytes)
      if (fetched.isHealed) this.#counts.healed++
      this.#isLifted = fetched.isLifted
      assert(this.#take(damaged), 'a record that was fetched is whole')
      this.#isLifted = false
      damaged = this.#takeBelow(damaged)
    }
    this.#emit(sink)
    this.#note(region, journal)
    await sink.drain()
  }

  /** False: nothing in the region is left to sweep. */
  #open(region: number): boolean {
    const { marks, kept, image } = this.#o
    this.#base = region * regionBytes
    this.#runCount = 0
    this.#long = undefined
    this.#bits.clear()
    marks.load(region, this.#bits)
    marks.remove(region)
    this.#loadKept(kept, region)
    if (this.#bits.highestBelow(slotsPerRegion) < 0) return false
    image.begin(region)
    return true
  }

  #loadKept(kept: SlotTable, region: number): void {
    if (this.#hasKept) this.#keptBits.clear()
    this.#hasKept = kept.has(region)
    if (!this.#hasKept) return
    kept.load(region, this.#keptBits)
    this.#bits.subtract(this.#keptBits)
  }

  /** Takes every marked record below the slot; stops at one that is damaged and gives its slot, else -1. */
  #takeBelow(limit: number): number {
    const bits = this.#bits
    for (let slot = bits.highestBelow(limit); slot >= 0; slot = bits.highestBelow(slot)) {
      if (!this.#take(slot)) return slot
    }
    return -1
  }

  #take(slot: number): boolean {
    this.#meter?.count(1)
    const at = slot * 8
    const image = this.#o.image
    // Of one that was fetched the image may hold nothing, not even its length.
    if (this.#long?.offset === this.#base + at || image.isLong(at)) return this.#takeLong(at)
    const size = image.verify(at, this.#header)
    if (size === 0) return false
    this.#markReferences(image.bytes, at, this.#base + at)
    this.#extendRuns(at, at + size)
    this.#countCopied(size)
    return true
  }

  #countCopied(size: number): void {
    this.#counts.objects++
    this.#counts.bytes += size
    this.#meter?.countCopied(size)
  }

  /** A record that goes on above the region, or whose length is nonsense. */
  #takeLong(at: number): boolean {
    const offset = this.#base + at
    const bytes = this.#long?.offset === offset ? this.#long.bytes : this.#o.image.readLong(offset)
    if (bytes === undefined) return false
    const size = verifyRecord(bytes, 0, bytes.length, offset, this.#header)
    if (size === 0) return false
    this.#long = { offset, bytes, size, isLifted: this.#isLifted }
    this.#markReferences(bytes, 0, offset)
    this.#countCopied(size)
    return true
  }

  /** Puts a whole record in the place of a damaged one. */
  #place(slot: number, record: Buffer): void {
    const at = slot * 8
    if (at + record.length <= regionBytes) this.#o.image.patch(at, record)
    else this.#long = { offset: this.#base + at, bytes: record, size: record.length, isLifted: false }
  }

  /** The references are the last 8 bytes each of the body; nothing of the body is decoded. */
  #markReferences(bytes: Buffer, at: number, offset: number): void {
    const count = this.#header.referenceCount
    const end = at + recordHeaderSize + this.#header.bodyLength
    for (let p = end - 8 * count; p < end; p += 8) {
      const high = word(bytes, p + 4)
      const child = high * twoTo32 + word(bytes, p)
      if (high >= highWordLimit || (child & 7) !== 0) throw this.#corrupt(offset)
      if (child === 0) continue
      if (child >= offset) this.#markUpward(child, offset)
      else if (child >= this.#base) this.#markHere((child - this.#base) >>> 3)
      else this.#o.marks.add(child)
    }
  }

  #markHere(slot: number): void {
    if (!this.#keptBits.has(slot)) this.#bits.set(slot)
  }

  #markUpward(child: number, offset: number): void {
    const isAllowed = (this.#header.flags & recordFlag.healed) !== 0 && child !== offset
    if (!isAllowed) throw this.#corrupt(offset)
    if (child < this.#o.limit) this.#o.upward.add(child)
  }

  #extendRuns(start: number, end: number): void {
    const runs = this.#runs
    const lifted = this.#isLifted ? 1 : 0
    const last = runFields * (this.#runCount - 1)
    if (last >= 0 && runs[last] === end && runs[last + 2] === lifted) {
      runs[last] = start
      return
    }
    const next = runFields * this.#runCount
    runs[next] = start
    runs[next + 1] = end
    runs[next + 2] = lifted
    this.#runCount++
  }

  #emit(sink: SweepSink): void {
    for (let i = this.#runCount - 1; i >= 0; i--) {
      const at = runFields * i
      const start = this.#runs[at] as number
      const end = this.#runs[at + 1] as number
      sink.addRun(this.#base + start, this.#o.image.bytes, start, end - start, this.#runs[at + 2] === 1)
    }
    const long = this.#long
    if (long !== undefined) sink.addRun(long.offset, long.bytes, 0, long.size, long.isLifted)
  }

  #note(region: number, journal: Float64List | undefined): void {
    if (journal === undefined) {
      if (this.#hasKept) this.#bits.add(this.#keptBits)
      this.#o.kept.replace(region, this.#bits)
      return
    }
    for (let s = this.#bits.highestBelow(slotsPerRegion); s >= 0; s = this.#bits.highestBelow(s)) {
      journal.push(this.#base + s * 8)
    }
  }

  #corrupt(offset: number): VarveError {
    return new VarveError('CORRUPT', this.#o.image.placeOf(offset))
  }
}

/** Runs one pass after another, until no reference that points up is left. */
export async function sweepAll(
  sweep: RegionSweep,
  o: {
    readonly marks: SlotTable
    readonly upward: SlotTable
    readonly kept: SlotTable
    readonly sink: SweepSink
    readonly meter: Meter
    readonly journal?: Float64List | undefined
    readonly onRegion: (base: number) => Promise<void> | void
  },
): Promise<number> {
  let passes = 0
  for (;;) {
    passes++
    let region = o.marks.highestRegionBelow(Number.MAX_SAFE_INTEGER)
    while (region >= 0) {
      await sweep.sweep(region, o.sink, o.meter, o.journal)
      await o.marks.relieve()
      await o.kept.relieve()
      await o.upward.relieve()
      await o.onRegion(region * regionBytes)
      region = o.marks.highestRegionBelow(region)
    }
    o.marks.clear()
    if (o.upward.isEmpty) return passes
    // A pass relies on knowing what earlier ones have copied, which a journal does not tell.
    if (o.journal !== undefined) throw new OverBudget('a second pass')
    moveAll(o.upward, o.marks)
  }
}

/** The marks of the next pass: few, as only healed records refer upwards. */
function moveAll(from: SlotTable, to: SlotTable): void {
  const bits = new RegionBits()
  for (let r = from.highestRegionBelow(Number.MAX_SAFE_INTEGER); r >= 0; r = from.highestRegionBelow(r)) {
    bits.clear()
    from.load(r, bits)
    to.replace(r, bits)
  }
  from.clear()
}

function word(bytes: Buffer, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  )
}
