import type { Float64List } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { decodeCommit, indexKind, MalformedBody, type RawHash, recordKind } from '@varve/pack/objects'
import { recordHeaderSize } from '@varve/pack/pack'
import { RegionBits, regionBytes, type SlotTable, slotsPerRegion } from '../marks/index.ts'
import type { SourceIndexes, SourceSpace } from '../source/index.ts'
import type { Healer } from './healer.ts'
import type { Meter } from './meter.ts'

export interface CommitWalkOptions {
  readonly source: SourceSpace
  /** Where parents are looked for. */
  readonly indexes: Pick<SourceIndexes, 'complete' | 'findEvenDamaged'>
  readonly healer: Healer
  /** Commits still to be looked at, and those found above the region under work. */
  readonly ahead: SlotTable
  readonly above: SlotTable
  readonly visited: SlotTable
  /** Each commit that is reached, once. */
  readonly reached: (offset: number) => void
}

/**
 * Finds every commit that the given ones reach through their parents. Parents are named by hash alone; where
 * no file holds one, the history ends. Nearly all parents lie below their children, so the work goes from
 * high to low through the regions, as the sweep does, and its memory is that of sets of offsets; the few that
 * lie above (commits put again after they had been collected) wait for another pass.
 */
export class CommitWalk {
  readonly #o: CommitWalkOptions
  readonly #bits = new RegionBits()
  readonly #seen = new RegionBits()
  #base = 0

  constructor(options: CommitWalkOptions) {
    this.#o = options
  }

  add(offset: number): void {
    this.#o.ahead.add(offset)
  }

  /** The commit of that hash, where a file holds it: a parent of one that the caller has seen. */
  addByHash(hash: RawHash): void {
    const offset = this.#o.indexes.findEvenDamaged(indexKind.commit, hash)
    if (offset !== undefined) this.add(offset)
  }

  /**
   * @param journal with it, commits are not noted as visited but listed there
   * @throws CORRUPT, OverBudget
   */
  async run(
    meter: Meter,
    journal: Float64List | undefined,
    onRegion: () => Promise<void> | void,
  ): Promise<void> {
    const { ahead, above, visited } = this.#o
    if (ahead.isEmpty) return
    await this.#o.indexes.complete()
    while (!ahead.isEmpty) {
      let region = ahead.highestRegionBelow(Number.MAX_SAFE_INTEGER)
      while (region >= 0) {
        await this.#walkRegion(region, meter, journal)
        for (const table of [ahead, above, visited]) await table.relieve()
        await onRegion()
        region = ahead.highestRegionBelow(region)
      }
      ahead.clear()
      this.#takeAbove()
    }
  }

  /** Forgets what was still to be looked at. */
  reset(): void {
    this.#o.ahead.clear()
    this.#o.above.clear()
  }

  async #walkRegion(region: number, meter: Meter, journal: Float64List | undefined): Promise<void> {
    const { ahead, visited } = this.#o
    this.#base = region * regionBytes
    this.#bits.clear()
    ahead.load(region, this.#bits)
    ahead.remove(region)
    this.#seen.clear()
    visited.load(region, this.#seen)
    this.#bits.subtract(this.#seen)
    const bits = this.#bits
    for (let s = bits.highestBelow(slotsPerRegion); s >= 0; s = bits.highestBelow(s)) {
      meter.count(1)
      const offset = this.#base + s * 8
      journal?.push(offset)
      const waiting = this.#visit(offset)
      if (waiting !== undefined) await waiting
    }
    bits.add(this.#seen)
    if (journal === undefined) visited.replace(region, bits)
  }

  /** Only a damaged commit makes it wait. */
  #visit(offset: number): Promise<void> | undefined {
    let parents: readonly RawHash[]
    try {
      const view = this.#o.source.reader.record(offset)
      if (view.kind !== recordKind.commit) return undefined
      parents = decodeCommit(view.buf, view.bodyStart, view.bodyEnd).parents
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT')) return this.#visitDamaged(offset)
      throw asCorrupt(error, this.#o.source.placeOf(offset))
    }
    this.#addParents(parents, offset)
    return undefined
  }

  async #visitDamaged(offset: number): Promise<void> {
    const record = await this.#o.healer.heal(offset)
    if (record[8] !== recordKind.commit) return
    const end = recordHeaderSize + record.readUInt32LE(12)
    this.#addParents(decodeCommit(record, recordHeaderSize, end).parents, offset)
  }

  #addParents(parents: readonly RawHash[], offset: number): void {
    this.#o.reached(offset)
    for (const hash of parents) {
      const parent = this.#o.indexes.findEvenDamaged(indexKind.commit, hash)
      if (parent === undefined) continue
      if (parent > offset) this.#o.above.add(parent)
      else if (parent >= this.#base) this.#addHere((parent - this.#base) / 8)
      else this.#o.ahead.add(parent)
    }
  }

  #addHere(slot: number): void {
    if (!this.#seen.has(slot)) this.#bits.set(slot)
  }

  #takeAbove(): void {
    const { ahead, above } = this.#o
    const bits = new RegionBits()
    for (let r = above.highestRegionBelow(Number.MAX_SAFE_INTEGER); r >= 0; r = above.highestRegionBelow(r)) {
      bits.clear()
      above.load(r, bits)
      ahead.replace(r, bits)
    }
    above.clear()
  }
}

function asCorrupt(error: unknown, place: { readonly file: string; readonly offset: number }): unknown {
  return error instanceof MalformedBody ? new VarveError('CORRUPT', place, { cause: error }) : error
}
