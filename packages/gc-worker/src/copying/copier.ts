import { join } from 'node:path'
import { assert, type Clock, Float64List } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { classifyFile } from '@varve/pack/layout'
import { chunkBaseAlignment, createChunkFile, firstControl, replaceControl } from '@varve/pack/pack'
import { CollectorMemory, MarkTables, NewSegments, Pace } from '../collector/index.ts'
import { type CollectProgress, type CopyJob, type CopyResult, memoryBytesMaxDefault } from '../job/index.ts'
import { RegionImage, SourceIndexes, SourceSpace } from '../source/index.ts'
import {
  CommitWalk,
  type FetchedRecord,
  Fetcher,
  Healer,
  Meter,
  RegionSweep,
  type SweepCounts,
  sweepAll,
} from '../sweep/index.ts'
import { BothLayers } from './both-layers.ts'
import { CopiedRefs } from './copied-refs.ts'
import { DepthWalk } from './depth-walk.ts'

export interface CopierOptions {
  readonly clock: Clock
  /** 16 random bytes for the header of each new file. */
  readonly newNonce: () => Buffer
  /** From now on the files of the source may lose their names: everything is open. */
  readonly onOpened?: (() => void) | undefined
  readonly onProgress?: ((progress: CollectProgress) => void) | undefined
}

/**
 * Makes a new store of what some commits of another one hold. It is the sweep of a collection with other
 * roots and another folder: records keep their virtual offsets, so they are copied as they are. The files of
 * the copy are a generation, its checkpoint, and one empty chunk above them; its control comes last, when all
 * the rest is synced. What a failure leaves behind is the caller's to delete.
 *
 * Knows nothing of threads, and runs once.
 */
export class Copier {
  readonly #fs: FileSystem
  readonly #job: CopyJob
  readonly #o: CopierOptions
  readonly #pace: Pace
  readonly #counts: SweepCounts = { objects: 0, bytes: 0, healed: 0 }
  /** Where the log of the copy begins; everything of the source lies below. */
  readonly #base: number
  #lastNumber = 0

  constructor(fs: FileSystem, job: CopyJob, options: CopierOptions) {
    this.#fs = fs
    this.#job = job
    this.#o = options
    this.#pace = new Pace(options.clock, options.onProgress ?? (() => {}))
    this.#base = Math.ceil(job.end / chunkBaseAlignment) * chunkBaseAlignment
  }

  /** @throws REF_NOT_FOUND, CORRUPT, NEWER_FORMAT, GC_FAILED, and what the file system throws */
  async run(): Promise<CopyResult> {
    const { dir, storeId, previous, output } = this.#job
    const chunk = { number: this.#nextNumber(), base: this.#base }
    await this.#createChunk(chunk)
    const files = { fs: this.#fs, dir, storeId: Buffer.from(storeId, 'hex') }
    const source = await SourceSpace.open(files, previous)
    const indexes = new SourceIndexes(source, previous)
    try {
      const shop = new CopyShop(this.#fs, this.#job, {
        ...{ source, indexes, limit: this.#base, counts: this.#counts },
        ...{ nextNumber: () => this.#nextNumber(), newNonce: this.#o.newNonce },
      })
      try {
        const { refs, checkpoint } = await this.#copy(shop)
        await this.#removeScratch()
        const control = {
          ...firstControl({ storeId: output.storeId, chunk }),
          ...{ fileCounter: this.#lastNumber, epoch: 1, retire: this.#base, retireTime: this.#job.timeMs },
          ...{ segments: shop.segments.done, checkpoint },
        }
        this.#pace.check()
        await replaceControl(this.#fs, output.dir, control)
        return { objects: this.#counts.objects, bytes: this.#counts.bytes, refs }
      } finally {
        await shop.close()
      }
    } finally {
      indexes.close()
      await source.close()
    }
  }

  /** Gives up at the next step: `run` rejects with the reason. */
  stop(reason: VarveError): void {
    this.#pace.stop(reason)
  }

  async #copy(shop: CopyShop): Promise<{
    readonly refs: readonly string[]
    readonly checkpoint: { readonly number: number; readonly position: number }
  }> {
    const { job, o, tables, segments } = shop
    const { source, indexes } = o
    await indexes.complete()
    const checkpoint = { number: this.#nextNumber(), position: this.#base }
    const roots = Float64List.of(job.commits)
    this.#pace.begin('metadata')
    const refs = new CopiedRefs({
      ...{ job, source, indexes },
      batchEnd: (end) => this.#pace.step(end - job.previous.retire, job.end - job.previous.retire),
    })
    await refs.write(checkpoint, (offset) => roots.push(offset))
    this.#o.onOpened?.()
    await this.#walk(shop, roots)
    await this.#sweep(shop)
    // Without a ref they are to the copy what a commit off all branches is that was made just now.
    for (const offset of job.commits) segments.addTouched(offset, job.timeMs)
    await tables.close()
    // The checkpoint and the chunk need the folder synced even where no object was copied.
    if (!(await segments.seal())) await this.#fs.syncFolder(job.output.dir)
    return { refs: refs.keys, checkpoint }
  }

  async #walk(shop: CopyShop, roots: Float64List): Promise<void> {
    const { source } = shop.o
    const { healer, tables, mark } = shop
    const indexes = new BothLayers(source, shop.o.indexes)
    const { ahead, above, visited } = tables
    this.#pace.begin('commits')
    const onStep = async (): Promise<void> => {
      await tables.marks.relieve()
      await this.#pace.step(0, undefined)
    }
    const { depth } = this.#job
    if (depth !== undefined) {
      return new DepthWalk({ source, indexes, healer, reached: mark }).run(roots, depth, onStep)
    }
    const walk = new CommitWalk({ source, indexes, healer, ahead, above, visited, reached: mark })
    for (const offset of roots) walk.add(offset)
    await walk.run(new Meter(this.#o.clock, undefined), undefined, onStep)
  }

  async #sweep({ sweep, tables, segments }: CopyShop): Promise<void> {
    const { marks, upward, kept } = tables
    this.#pace.begin('sweep')
    await sweepAll(sweep, {
      ...{ marks, upward, kept, sink: segments, meter: new Meter(this.#o.clock, undefined) },
      onRegion: async (base) => {
        this.#pace.bytesDone = this.#counts.bytes
        await this.#pace.step(this.#base - base, this.#base)
      },
    })
  }

  async #createChunk(chunk: { readonly number: number; readonly base: number }): Promise<void> {
    const { dir, storeId } = this.#job.output
    const header = { ...chunk, nonce: this.#o.newNonce(), storeId: Buffer.from(storeId, 'hex') }
    await (await createChunkFile(this.#fs, dir, header)).close()
  }

  async #removeScratch(): Promise<void> {
    const { dir } = this.#job.output
    for (const name of await this.#fs.list(dir)) {
      if (classifyFile(name).kind === 'spill') await this.#fs.remove(join(dir, name))
    }
  }

  #nextNumber(): number {
    this.#lastNumber++
    return this.#lastNumber
  }
}

interface CopyShopOptions {
  readonly source: SourceSpace
  readonly indexes: SourceIndexes
  readonly limit: number
  readonly counts: SweepCounts
  readonly nextNumber: () => number
  readonly newNonce: () => Buffer
}

/** What the steps of one copy work on. */
class CopyShop {
  readonly job: CopyJob
  readonly o: CopyShopOptions
  readonly healer: Healer
  readonly tables: MarkTables
  readonly sweep: RegionSweep
  readonly segments: NewSegments

  constructor(fs: FileSystem, job: CopyJob, o: CopyShopOptions) {
    const { source, indexes, limit, counts, nextNumber, newNonce } = o
    const { dir } = job.output
    this.job = job
    this.o = o
    this.healer = new Healer(source, indexes)
    const memory = new CollectorMemory(job.memoryBytesMax ?? memoryBytesMaxDefault)
    this.tables = new MarkTables({ fs, dir, nextNumber, memory })
    const { marks, upward, kept } = this.tables
    const image = new RegionImage(source)
    const fetcher = new Fetcher(source, this.healer, undefined)
    const fetch = (offset: number): Promise<FetchedRecord> => fetcher.fetch(offset)
    this.sweep = new RegionSweep({ marks, upward, kept, image, limit, fetch }, counts)
    const storeId = Buffer.from(job.output.storeId, 'hex')
    this.segments = new NewSegments({
      ...{ fs, dir, storeId, nextNumber, newNonce },
      // Nothing of the source depends on the folder of the copy.
      syncFolder: () => fs.syncFolder(dir),
    })
    memory.watch({
      marks: () => this.tables.bytes,
      others: () => image.memoryBytes + source.memoryBytes + this.segments.bytes + indexes.bytes,
    })
  }

  readonly mark = (offset: number): void => {
    assert(offset > 0 && offset < this.o.limit, 'a root lies in the source')
    if ((offset & 7) !== 0) throw new VarveError('CORRUPT', this.o.source.placeOf(offset))
    this.tables.marks.add(offset)
  }

  /** Files stay; whoever gives up deletes them. */
  async close(): Promise<void> {
    await Promise.allSettled([this.segments.discard(), this.tables.close()])
  }
}
