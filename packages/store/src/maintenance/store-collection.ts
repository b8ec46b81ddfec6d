/**
 * One collection of one store: hands the worker what control names now, passes on rounds with the pins of the
 * moment, and puts the result in place. Whatever fails before control is replaced leaves the store as it was
 * and no file behind; what fails while it is replaced leaves the writer failed, since the outcome is unknown.
 */

import { type CollectJob, type CollectorThread, type CollectResult, lastRoundBudget } from '@varve/gc-worker'
import { assert } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { indexKind, writeHash } from '@varve/pack/objects'
import { type BlockCache, type FileRetirer, IndexFile, namedFiles, Segment } from '@varve/pack/pack'
import type { FileSet } from '../file-set/index.ts'
import type { CollectionFigures, CollectionOrder, CollectionWorker, CommitPlace } from '../gc/index.ts'
import type { PinRegistry } from '../writer/index.ts'

export interface StoreCollectionParts {
  readonly fs: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  readonly files: FileSet
  readonly pins: PinRegistry
  /** Set aside for this collection, and never given out again. */
  readonly fileNumbers: CollectJob['fileNumbers']
  /** The folder of the lower layer, absolute, of a store that has one. */
  readonly lowerPath: string | undefined
  /** Numbers of sealed chunks that have no index: the collection builds it. */
  readonly unindexed: readonly number[]
  readonly now: () => number
  readonly startThread: (job: CollectJob, order: CollectionOrder) => CollectorThread
  /** The outcome of a sync or of the switch is unknown: nothing more may be written. */
  readonly onSwitchFailed: (cause: unknown) => VarveError
  /** Nothing more is done about chunks without an index. */
  readonly onIndexingEnded: () => void
  /** The old files are no longer part of the store. */
  readonly onSwitched: () => void
}

export class StoreCollection implements CollectionWorker {
  readonly startPosition: number
  readonly #parts: StoreCollectionParts
  readonly #order: CollectionOrder
  readonly #job: CollectJob
  readonly #thread: CollectorThread
  #result: CollectResult | undefined

  constructor(parts: StoreCollectionParts, order: CollectionOrder) {
    this.#parts = parts
    this.#order = order
    this.#job = jobFor(parts, order)
    this.startPosition = this.#job.start
    this.#thread = parts.startThread(this.#job, order)
  }

  async sweep(): Promise<void> {
    await this.#guard(this.#thread.sweep())
  }

  async catchUp(round: {
    readonly from: number
    readonly to: number
    readonly isBudgeted: boolean
  }): Promise<boolean> {
    const { files, pins } = this.#parts
    const request = this.#order.stalls.section(() => ({
      from: round.from,
      to: round.to,
      chunks: files.control.chunks
        .filter(
          (chunk) =>
            chunk.base < round.to && chunk.base + (chunk.length ?? Number.MAX_SAFE_INTEGER) > round.from,
        )
        .map((chunk) => ({
          number: chunk.number,
          base: chunk.base,
          length: chunk.length ?? round.to - chunk.base,
        })),
      pins: pins.offsets(),
      pinFrom: pins.keptFrom(),
      budget: round.isBudgeted ? lastRoundBudget : undefined,
    }))
    const summary = await this.#guard(this.#thread.catchUp(request))
    return summary.state === 'done'
  }

  async switchOver(): Promise<void> {
    const result = await this.#guard(this.#thread.finish())
    const opened: (Segment | IndexFile)[] = []
    try {
      await this.#openAll(result, opened)
    } catch (error) {
      for (const file of opened) file.release()
      await this.#removeFiles(result)
      throw error
    }
    await this.#install(result, opened)
    this.#result = result
  }

  async end(): Promise<CollectionFigures> {
    const result = this.#result
    assert(result !== undefined, 'a collection ends after its switch')
    await this.#thread.close()
    this.#parts.onIndexingEnded()
    await this.#removeOldFiles()
    this.#order.stalls.section(() => this.#parts.onSwitched())
    const { objectsKept, bytesKept, bytesArchived, peakBytes } = result.stats
    // What was copied up from volumes may be more than what has gone.
    const bytesFreed = Math.max(0, retiredBytes(this.#job) - bytesKept)
    return { objectsKept, bytesKept, bytesArchived, peakBytes, bytesFreed }
  }

  async cancel(): Promise<void> {
    await this.#thread.cancel()
    this.#parts.onIndexingEnded()
  }

  /** A failed sync of the store's folder is final for the writer, also when the worker met it. */
  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw VarveError.is(error, 'WRITER_FAILED') ? this.#parts.onSwitchFailed(error) : error
    }
  }

  async #openAll(result: CollectResult, opened: (Segment | IndexFile)[]): Promise<void> {
    const { fs, folder, storeId, cache, retirer } = this.#parts
    const { stalls } = this.#order
    const section = <T>(work: () => T): T => stalls.section(work)
    const place = { folder, storeId, cache, retirer, section }
    for (const info of result.segments) {
      const segment = await Segment.open(fs, { ...place, info })
      opened.push(segment)
      const name = fileName.segmentIndex(info.number)
      const index = await IndexFile.open(fs, { ...place, name, number: info.number })
      if (index === undefined) throw new VarveError('CORRUPT', { file: name, offset: 0 })
      opened.push(index)
    }
  }

  async #install(result: CollectResult, opened: readonly (Segment | IndexFile)[]): Promise<void> {
    const { files, now, onSwitchFailed } = this.#parts
    const generation = {
      retire: this.#job.newRetire,
      retireTime: now(),
      segments: opened.filter((file) => file instanceof Segment),
      indexes: opened.filter((file) => file instanceof IndexFile),
      checkpoint: result.checkpoint,
      target: this.#order.target,
      volume: result.volume,
    }
    try {
      await files.switchOver(generation, this.#order)
    } catch (error) {
      // Which control a crash would leave is not known: the files stay where they are.
      for (const file of opened) file.release()
      throw onSwitchFailed(error)
    }
  }

  /** One that stays is a leftover, which the next open for writing removes. */
  async #removeOldFiles(): Promise<void> {
    if (!this.#order.unlink) return
    const { fs, folder, files } = this.#parts
    const { checkpoint, lower } = this.#job.previous
    const named = namedFiles(files.control).filters
    const filters = (lower?.volumes ?? []).flatMap((volume) => volume.filters)
    const names = filters.filter((number) => !named.has(number)).map((number) => fileName.filter(number))
    if (checkpoint !== undefined) names.push(fileName.checkpoint(checkpoint.number))
    for (const name of names) await fs.remove(`${folder}/${name}`).catch(() => undefined)
  }

  /** Only for files that were never given to control. One that stays is a leftover for the next opening. */
  async #removeFiles(result: CollectResult): Promise<void> {
    const { fs, folder } = this.#parts
    for (const name of namesOf(result, this.#job)) await fs.remove(`${folder}/${name}`).catch(() => undefined)
  }
}

function segmentNames(number: number): string[] {
  return [fileName.segment(number), fileName.segmentMap(number), fileName.segmentIndex(number)]
}

/** Of the pack files that go. */
function retiredBytes({ previous, newRetire }: CollectJob): number {
  let bytes = 0
  for (const { base, length } of previous.chunks) if (base < newRetire) bytes += length
  for (const segment of previous.segments) bytes += segment.bytes
  return bytes
}

function namesOf(result: CollectResult, job: CollectJob): string[] {
  const isNew = (number: number): boolean => number >= job.fileNumbers.from && number < job.fileNumbers.to
  return [
    fileName.checkpoint(result.checkpoint.number),
    ...(result.volume?.filters ?? []).filter(isNew).map((number) => fileName.filter(number)),
    ...result.segments.flatMap(({ number }) => segmentNames(number)),
  ]
}

function jobFor(parts: StoreCollectionParts, order: CollectionOrder): CollectJob {
  const { control } = parts.files
  const open = control.chunks.at(-1)
  const start = open?.base ?? control.retire
  return {
    dir: parts.folder,
    storeId: parts.storeId.toString('hex'),
    previous: {
      retire: control.retire,
      chunks: control.chunks
        .slice(0, -1)
        .map(({ number, base, length }) => ({ number, base, length: length ?? 0 })),
      segments: control.segments,
      checkpoint: control.checkpoint ?? undefined,
      lower: parts.lowerPath === undefined ? undefined : { path: parts.lowerPath, volumes: control.volumes },
    },
    unindexed: parts.unindexed,
    start,
    newRetire: boundaryFor(order.target, parts.files, start),
    target: order.target,
    keep: objectList(order.keep),
    pins: parts.pins.offsets(),
    pinFrom: parts.pins.keptFrom(),
    youngAfterMs: order.youngAfterMs,
    fileNumbers: parts.fileNumbers,
  }
}

/** The end of the chunk that holds the target; without a target, where the collection starts. */
export function boundaryFor(
  target: CommitPlace | undefined,
  files: Pick<FileSet, 'control'>,
  start: number,
): number {
  if (target === undefined) return start
  const { retire, chunks } = files.control
  if (target.offset < retire) return retire
  return chunks.find((chunk) => chunk.base > target.offset)?.base ?? start
}

function objectList(keep: readonly CommitPlace[]): CollectJob['keep'] {
  const hashes = Buffer.alloc(keep.length * 32)
  for (const [i, place] of keep.entries()) writeHash(hashes, place.hash, i * 32)
  return {
    kinds: new Uint8Array(keep.length).fill(indexKind.commit),
    hashes: new Uint8Array(hashes),
    offsets: Float64Array.from(keep, (place) => place.offset),
  }
}
