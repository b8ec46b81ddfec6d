import { join } from 'node:path'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { SlotTable, SpillFile } from '../marks/index.ts'
import type { CollectorMemory } from './collector-memory.ts'

/** Shares of the budget: what is still to be swept, what has been, and the rest. */
const shares = {
  marks: 1 / 2,
  kept: 1 / 4,
  visited: 1 / 8,
  upward: 1 / 24,
  ahead: 1 / 24,
  above: 1 / 24,
} as const

/**
 * The sets of offsets of one collection. They share what its memory has left for them, and a scratch file for
 * what exceeds it.
 */
export class MarkTables {
  readonly marks: SlotTable
  /** Everything that has been copied into the new segments. */
  readonly kept: SlotTable
  /** References of healed records that point up. */
  readonly upward: SlotTable
  readonly ahead: SlotTable
  readonly above: SlotTable
  readonly visited: SlotTable
  readonly #fs: FileSystem
  readonly #path: () => string
  #spill: Promise<SpillFile> | undefined

  constructor(o: {
    readonly fs: FileSystem
    readonly dir: string
    readonly nextNumber: () => number
    readonly memory: CollectorMemory
  }) {
    this.#fs = o.fs
    this.#path = () => join(o.dir, fileName.spill(o.nextNumber()))
    const table = (share: number): SlotTable =>
      new SlotTable({
        bytesMax: () => Math.floor(o.memory.leftForMarks() * share),
        openSpill: () => this.#openSpill(),
      })
    this.marks = table(shares.marks)
    this.kept = table(shares.kept)
    this.upward = table(shares.upward)
    this.ahead = table(shares.ahead)
    this.above = table(shares.above)
    this.visited = table(shares.visited)
  }

  /** Memory held. */
  get bytes(): number {
    const { marks, kept, upward, ahead, above, visited } = this
    const low = marks.bytesUsed + kept.bytesUsed + upward.bytesUsed
    return low + ahead.bytesUsed + above.bytesUsed + visited.bytesUsed
  }

  async spilledBytes(): Promise<number> {
    return this.#spill === undefined ? 0 : (await this.#spill).bytesWritten
  }

  async close(): Promise<void> {
    const spill = await this.#spill?.catch(() => undefined)
    await spill?.close()
  }

  #openSpill(): Promise<SpillFile> {
    this.#spill ??= SpillFile.create(this.#fs, this.#path())
    return this.#spill
  }
}
