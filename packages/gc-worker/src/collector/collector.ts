import { assert, type Clock, type Float64List } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import {
  type CatchUpRound,
  type CollectJob,
  type CollectorRun,
  type CollectProgress,
  type CollectResult,
  type RoundSummary,
  type SweepSummary,
  syncRootFolder,
} from '../job/index.ts'
import type { ScanCounts } from '../source/index.ts'
import { Meter, OverBudget, type SweepCounts, sweepAll } from '../sweep/index.ts'
import { CatchUp } from './catch-up.ts'
import { Pace } from './pace.ts'
import { StartRoots } from './start-roots.ts'
import { openWorkshop, type Workshop } from './workshop.ts'

export interface CollectorOptions {
  readonly clock: Clock
  /** 16 random bytes for the header of each new segment. */
  readonly newNonce: () => Buffer
  readonly onProgress?: ((progress: CollectProgress) => void) | undefined
  /** The index of that chunk, one of `CollectJob.unindexed`, is there and synced, or cannot be written. */
  readonly onIndexed?: ((chunk: number, isThere: boolean) => void) | undefined
}

/**
 * One collection over a file system: reads the old files, writes the new ones, and touches nothing else. It
 * knows nothing of threads. Belongs to one caller, one call at a time.
 */
export class Collector implements CollectorRun {
  readonly #fs: FileSystem
  readonly #job: CollectJob
  readonly #o: CollectorOptions
  readonly #pace: Pace
  readonly #started: number
  readonly #counts: SweepCounts = { objects: 0, bytes: 0, healed: 0 }
  #shop: Workshop | undefined
  #running: Promise<unknown> | undefined
  #state: 'new' | 'swept' | 'finished' | 'failed' = 'new'
  #keepFrom: number
  #checkpoint = 0
  #scanned = 0
  #passes = 0
  #rounds = 0

  constructor(fs: FileSystem, job: CollectJob, options: CollectorOptions) {
    this.#fs = fs
    this.#job = job
    this.#o = options
    this.#pace = new Pace(options.clock, options.onProgress ?? (() => {}))
    this.#started = options.clock.monotonic()
    const { target, pinFrom } = job
    this.#keepFrom = Math.min(target?.offset ?? Number.POSITIVE_INFINITY, pinFrom ?? Number.POSITIVE_INFINITY)
  }

  /** @throws CORRUPT, GC_FAILED, WRITER_FAILED, ABORTED, and what the file system throws */
  sweep(): Promise<SweepSummary> {
    return this.#step('new', async () => {
      const shop = await openWorkshop(this.#fs, this.#job, {
        ...this.#o,
        onIndexed: this.#o.onIndexed ?? (() => {}),
        pace: this.#pace,
        counts: this.#counts,
      })
      this.#shop = shop
      const roots = new StartRoots(shop, this.#keepFrom)
      const scanned = await roots.find()
      this.#checkpoint = roots.checkpoint
      this.#scanned += scanned.bytes
      await this.#sweepMarked(shop, new Meter(shop.clock, undefined), undefined)
      for (let i = 0; i < roots.carried.length; i += 2) {
        shop.segments.addTouched(roots.carried.at(i), roots.carried.at(i + 1))
      }
      await shop.chunkIndexes.settled()
      // The checkpoint needs the folder synced even where no object is left.
      if (!(await shop.segments.seal())) await syncRootFolder(this.#fs, this.#job.dir)
      await this.#archive(shop)
      this.#state = 'swept'
      return { objectsKept: this.#counts.objects, bytesKept: this.#counts.bytes, bytesScanned: this.#scanned }
    })
  }

  /** @throws CORRUPT, GC_FAILED, WRITER_FAILED, ABORTED, and what the file system throws */
  catchUp(round: CatchUpRound): Promise<RoundSummary> {
    return this.#step('swept', async () => {
      const shop = this.#shop as Workshop
      const before = { ...this.#counts }
      const catchUp = new CatchUp(shop, round, this.#keepFrom)
      try {
        const meter = catchUp.meter
        const scanned = await catchUp.findRoots()
        await this.#sweepMarked(shop, meter, catchUp.journal)
        await catchUp.accept()
        this.#keepFrom = catchUp.keepFrom
        await shop.segments.seal()
        // Within a budget nothing more is done than what has to be; `finish` sees to it.
        if (round.budget === undefined) await this.#archive(shop)
        this.#rounds++
        this.#scanned += scanned.bytes
        return this.#summary(scanned, before)
      } catch (error) {
        if (!(error instanceof OverBudget)) throw error
        await catchUp.undo()
        Object.assign(this.#counts, before)
        return {
          state: 'over-budget',
          bytesScanned: catchUp.scanned.bytes,
          recordsScanned: catchUp.scanned.records,
        }
      }
    })
  }

  /** @throws GC_FAILED, ABORTED */
  finish(): Promise<CollectResult> {
    return this.#step('swept', async () => {
      const shop = this.#shop as Workshop
      const bytesSpilled = await shop.tables.spilledBytes()
      await this.#archive(shop)
      this.#state = 'finished'
      const segments = shop.segments.done
      return {
        segments,
        checkpoint: { number: this.#checkpoint, position: this.#job.start },
        volume: shop.archive?.written,
        stats: {
          objectsKept: this.#counts.objects,
          bytesKept: this.#counts.bytes,
          bytesArchived: shop.archive?.bytesArchived ?? 0,
          bytesScanned: this.#scanned,
          objectsHealed: this.#counts.healed,
          passes: this.#passes,
          rounds: this.#rounds,
          peakBytes: shop.memory.peakBytes,
          bytesSpilled,
          wallMs: this.#o.clock.monotonic() - this.#started,
        },
      }
    })
  }

  async close(): Promise<void> {
    this.#pace.stop(new VarveError('ABORTED', {}))
    await this.#running?.catch(() => {})
    const shop = this.#shop
    this.#shop = undefined
    if (shop === undefined) return
    await shop.chunkIndexes.settled().catch(() => {})
    shop.indexes.close()
    // Nothing depends on these handles any more, and a file that stays is a leftover that the next opening
    // deletes.
    const isGivenUp = this.#state !== 'finished'
    if (isGivenUp) await shop.archive?.discard()
    await Promise.allSettled([shop.segments.discard(), shop.tables.close(), shop.source.close()])
  }

  /** What the volume being written does not hold yet of what it is to hold. */
  async #archive(shop: Workshop): Promise<void> {
    if (shop.archive === undefined) return
    shop.pace.begin('archive')
    await shop.archive.write(shop.segments.lifted)
  }

  /** Sweeps what is marked, with all that it refers to. */
  async #sweepMarked(shop: Workshop, meter: Meter, journal: Float64List | undefined): Promise<void> {
    const { pace, tables } = shop
    const limit = this.#job.newRetire
    pace.begin('sweep')
    this.#passes += await sweepAll(shop.sweep, {
      marks: tables.marks,
      upward: tables.upward,
      kept: tables.kept,
      sink: shop.segments,
      meter,
      journal,
      onRegion: async (base) => {
        pace.bytesDone = this.#counts.bytes
        // Within a budget nothing gives way: the program's writes wait for this.
        if (journal === undefined) await pace.step(limit - base, limit)
      },
    })
  }

  #summary(scanned: ScanCounts, before: SweepCounts): RoundSummary {
    return {
      state: 'done',
      bytesScanned: scanned.bytes,
      recordsScanned: scanned.records,
      objectsCopied: this.#counts.objects - before.objects,
      bytesCopied: this.#counts.bytes - before.bytes,
    }
  }

  async #step<T>(state: 'new' | 'swept', run: () => Promise<T>): Promise<T> {
    assert(this.#state === state, 'a collection is swept once, then catches up, then is finished')
    assert(this.#running === undefined, 'a collection does one thing at a time')
    this.#pace.check()
    const running = run()
    this.#running = running
    try {
      return await running
    } catch (error) {
      this.#state = 'failed'
      // Not only when it is closed: a thread that has told of a failure is ended.
      await this.#shop?.archive?.discard()
      throw error
    } finally {
      this.#running = undefined
    }
  }
}
