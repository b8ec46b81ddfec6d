import { Float64List } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { decodeCommit, indexKind, MalformedBody, type RawHash, recordKind } from '@varve/pack/objects'
import { recordHeaderSize } from '@varve/pack/pack'
import type { SourceSpace } from '../source/index.ts'
import type { Healer } from '../sweep/index.ts'
import type { BothLayers } from './both-layers.ts'

export interface DepthWalkOptions {
  readonly source: SourceSpace
  readonly indexes: BothLayers
  readonly healer: Healer
  /** Each commit that is reached, once. */
  readonly reached: (offset: number) => void
}

/**
 * Finds the commits that lie at most so many steps along parents from the given ones. It goes level by level,
 * so that each commit is met on its shortest way. Memory: some 50 bytes for each commit that is reached.
 */
export class DepthWalk {
  readonly #o: DepthWalkOptions
  readonly #seen = new Set<number>()

  constructor(options: DepthWalkOptions) {
    this.#o = options
  }

  /**
   * @param depth commits on each line, the given one included
   * @param onLevel after each level
   * @throws CORRUPT
   */
  async run(from: Iterable<number>, depth: number, onLevel: () => Promise<void>): Promise<void> {
    await this.#o.indexes.complete()
    let level = this.#fresh(from)
    for (let left = depth; left > 0 && level.length > 0; left--) {
      const parents = new Float64List()
      for (const offset of level) {
        this.#o.reached(offset)
        if (left > 1) for (const parent of await this.#parentsOf(offset)) parents.push(parent)
      }
      level = this.#fresh(parents)
      await onLevel()
    }
  }

  #fresh(offsets: Iterable<number>): number[] {
    const fresh: number[] = []
    for (const offset of offsets) {
      if (this.#seen.has(offset)) continue
      this.#seen.add(offset)
      fresh.push(offset)
    }
    return fresh
  }

  /** Where no file holds one, the history ends. */
  async #parentsOf(offset: number): Promise<number[]> {
    const hashes = await this.#parentHashesOf(offset)
    return hashes.flatMap((hash) => this.#o.indexes.findEvenDamaged(indexKind.commit, hash) ?? [])
  }

  async #parentHashesOf(offset: number): Promise<readonly RawHash[]> {
    const { source, healer } = this.#o
    try {
      const view = source.reader.record(offset)
      if (view.kind !== recordKind.commit) throw new VarveError('CORRUPT', source.placeOf(offset))
      return decodeCommit(view.buf, view.bodyStart, view.bodyEnd).parents
    } catch (error) {
      if (error instanceof MalformedBody)
        throw new VarveError('CORRUPT', source.placeOf(offset), { cause: error })
      if (!VarveError.is(error, 'CORRUPT')) throw error
    }
    const record = await healer.heal(offset)
    if (record[8] !== recordKind.commit) throw new VarveError('CORRUPT', source.placeOf(offset))
    return decodeCommit(record, recordHeaderSize, recordHeaderSize + record.readUInt32LE(12)).parents
  }
}
