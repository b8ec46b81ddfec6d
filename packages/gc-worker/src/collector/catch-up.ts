import { Float64List } from '@varve/pack/base'
import { decodeCommit } from '@varve/pack/objects'
import type { CatchUpRound } from '../job/index.ts'
import { type ScanCounts, type ScannedRecord, scanLog } from '../source/index.ts'
import { LogRoots, Meter, OverBudget, tellRecord } from '../sweep/index.ts'
import { markAllFrom } from './mark-all-from.ts'
import type { Workshop } from './workshop.ts'

/**
 * One catch-up round: marks what a new stretch of the log, and the pins of this moment, hold below the
 * boundary. With a budget nothing that it does counts before `accept`, and `undo` takes it back.
 */
export class CatchUp {
  readonly meter: Meter
  /** What the round copies, where that may still be undone. */
  readonly journal: Float64List | undefined
  readonly scanned: ScanCounts = { bytes: 0, records: 0 }
  readonly #shop: Workshop
  readonly #round: CatchUpRound
  readonly #visited: Float64List | undefined
  #keepFrom: number

  constructor(shop: Workshop, round: CatchUpRound, keepFrom: number) {
    this.#shop = shop
    this.#round = round
    this.#keepFrom = keepFrom
    this.meter = new Meter(shop.clock, round.budget)
    this.journal = round.budget === undefined ? undefined : new Float64List()
    this.#visited = round.budget === undefined ? undefined : new Float64List()
  }

  /** From here on all objects below the boundary count as kept. */
  get keepFrom(): number {
    return this.#keepFrom
  }

  /** @throws CORRUPT, OverBudget, and what the file system throws */
  async findRoots(): Promise<ScanCounts> {
    const { job, tables, mark, pace } = this.#shop
    const { from, to, budget, pins } = this.#round
    pace.begin('log')
    const logBytesMax = budget?.logBytesMax ?? Number.POSITIVE_INFINITY
    if (to - from > logBytesMax) throw new OverBudget('a longer stretch of the log than the budget allows')
    if (job.target === undefined) await this.#shop.indexes.complete()
    await this.#scan()
    for (const offset of pins) mark(offset)
    await this.#markPinned()
    await this.#shop.walk.run(this.meter, this.#visited, () => tables.marks.relieve())
    return this.scanned
  }

  /** The round counts. */
  async accept(): Promise<void> {
    const { kept, visited } = this.#shop.tables
    for (const offset of this.journal ?? []) kept.add(offset)
    for (const offset of this.#visited ?? []) visited.add(offset)
    await kept.relieve()
    await visited.relieve()
  }

  /** The round never was. */
  async undo(): Promise<void> {
    const { marks, upward } = this.#shop.tables
    marks.clear()
    upward.clear()
    this.#shop.walk.reset()
    await this.#shop.segments.discard()
  }

  async #scan(): Promise<void> {
    const { job, files, mark, source, healer, tables, pace, walk } = this.#shop
    const { from, to, chunks } = this.#round
    const isTargetless = job.target === undefined
    const ref = (offset: number): void => {
      if (isTargetless && offset < job.start) walk.add(offset)
    }
    const { record, damaged, lost } = new LogRoots({
      limit: job.newRetire,
      keepFrom: this.#keepFrom,
      youngAfterMs: job.youngAfterMs,
      mark,
      metadata: (meta) => tellRecord(meta, { mark, ref }),
      commit: isTargetless ? (commit) => this.#parentsOf(commit) : undefined,
      carried: new Float64List(),
      healer,
      placeOf: (offset) => source.placeOf(offset),
      count: (records) => {
        this.scanned.records += records
        this.meter.count(records)
      },
    })
    const batchEnd = async (end: number): Promise<void> => {
      this.scanned.bytes = end - from
      await tables.marks.relieve()
      if (this.journal === undefined) await pace.step(end - from, to - from)
    }
    await scanLog(files, { chunks, from, to }, { record, damaged, lost, batchEnd })
  }

  /** Without a target all history stays: also that of commits made since the start. */
  #parentsOf(commit: ScannedRecord): void {
    for (const parent of decodeCommit(commit.bytes, commit.bodyStart, commit.bodyEnd).parents) {
      this.#shop.walk.addByHash(parent)
    }
  }

  /**
   * Work that was begun below the boundary before the start is known already, unless its holder changed its
   * mind.
   */
  async #markPinned(): Promise<void> {
    const { pinFrom } = this.#round
    const known = Math.min(this.#keepFrom, this.#shop.job.newRetire)
    if (pinFrom === undefined || pinFrom >= known) return
    await markAllFrom(this.#shop, pinFrom, known)
    this.#keepFrom = pinFrom
  }
}
