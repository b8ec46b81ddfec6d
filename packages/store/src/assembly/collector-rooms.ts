/** Joins the collector to the store that it collects. */
import { CollectorThread, type ThreadKeeper } from '@varve/gc-worker'
import { assert } from '@varve/pack/base'
import { fileName } from '@varve/pack/layout'
import { hexToRaw, indexKind } from '@varve/pack/objects'
import type { AppendLog, BlockCache, FileRetirer } from '@varve/pack/pack'
import { type BranchRooms, findCommit } from '../branches/index.ts'
import type { FileSet } from '../file-set/index.ts'
import { type CollectionHost, type CommitPlace, GarbageCollector, type StallMeter } from '../gc/index.ts'
import { type IndexMaintenance, StoreCollection, sealAndSetAside } from '../maintenance/index.ts'
import { openFailure } from '../opening/index.ts'
import type { Projections } from '../projections/index.ts'
import type { PinRegistry, WriteQueue } from '../writer/index.ts'
import { assertSpaceFor } from './space-needed.ts'
import type { StoreOptions } from './store-options.ts'

export interface CollectorParts {
  readonly options: StoreOptions
  readonly folder: string
  readonly storeId: Buffer
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  readonly files: FileSet
  readonly log: AppendLog
  readonly queue: WriteQueue
  readonly pins: PinRegistry
  readonly branchRooms: BranchRooms
  readonly projections: Projections
  readonly threads: ThreadKeeper
  readonly indexing: IndexMaintenance
}

export function collectorFor(parts: CollectorParts): GarbageCollector {
  const { options } = parts
  return new GarbageCollector({
    host: new StoreCollectionHost(parts),
    findCommit: (commit) => {
      const { hash, offset } = findCommit(parts.branchRooms, commit)
      return { hash, offset }
    },
    onStatus: (status) => options.onEvent({ type: 'gc', status }),
  })
}

class StoreCollectionHost implements CollectionHost {
  readonly #parts: CollectorParts
  #fileNumbers: { readonly from: number; readonly to: number } | undefined

  constructor(parts: CollectorParts) {
    this.#parts = parts
  }

  get clock(): CollectionHost['clock'] {
    return this.#parts.options.clock
  }

  assertWritable(): void {
    this.#parts.queue.assertOpen()
  }

  isArchiving(): boolean {
    return this.#parts.files.control.volumes.length > 0
  }

  assertLowerThere(): void {
    this.#parts.files.assertLowerThere()
  }

  latestTarget(): CommitPlace | undefined {
    const { target } = this.#parts.files.control
    return target === null ? undefined : { hash: hexToRaw(target.hash), offset: target.offset }
  }

  assertSpaceFor(target: CommitPlace | undefined, stalls: StallMeter): Promise<void> {
    const { branchRooms, files, options, folder } = this.#parts
    const { objects, refs } = branchRooms
    const { fs, clock } = options
    return assertSpaceFor({ objects, refs, files, fs, folder, clock }, target, stalls)
  }

  warmUp(): void {
    const { options, threads } = this.#parts
    if (options.collectorWhere !== 'inline' && options.fs.origin !== undefined) threads.warm()
  }

  async sealLog(): Promise<void> {
    try {
      const { log, files, indexing } = this.#parts
      // What is archived takes its indexes along: those that are being built are waited for.
      if (this.isArchiving()) await indexing.settled()
      this.#fileNumbers = await indexing.lend(() => sealAndSetAside(log, files))
    } catch (error) {
      throw openFailure(error, this.#parts.folder)
    }
  }

  abandon(): void {
    this.#parts.indexing.takeBack()
  }

  holdLog(): Promise<() => void> {
    return this.#parts.log.hold()
  }

  logEnd(): number {
    return this.#parts.log.end
  }

  slowWrites(pauseMs: number): void {
    this.#parts.queue.slow(pauseMs)
  }

  async syncLog(): Promise<number> {
    await this.#parts.log.sync()
    return this.#parts.log.syncedTo
  }

  startWorker(order: Parameters<CollectionHost['startWorker']>[0]): StoreCollection {
    const { options, log, projections, branchRooms, threads, indexing } = this.#parts
    const { folder, storeId, cache, retirer, files, pins } = this.#parts
    const fileNumbers = this.#fileNumbers
    assert(fileNumbers !== undefined, 'the log is sealed before a worker starts')
    return new StoreCollection(
      {
        ...{ fs: options.fs, folder, storeId, cache, retirer, files, pins, fileNumbers },
        lowerPath: files.lowerPath,
        unindexed: indexing.lent,
        now: () => options.clock.now(),
        startThread: (job, { onProgress }) =>
          CollectorThread.start(job, {
            ...{ fileSystem: options.fs, where: options.collectorWhere, clock: options.clock, threads },
            onProgress,
            onIndexed: (chunk, isThere) => indexing.returned(chunk, isThere),
          }),
        onIndexingEnded: () => indexing.takeBack(),
        onSwitchFailed: (cause) => log.fail(cause, fileName.control),
        onSwitched: () =>
          projections.startPruning(
            (hash) => branchRooms.objects.find(indexKind.commit, hexToRaw(hash)) !== 0,
          ),
      },
      order,
    )
  }
}
