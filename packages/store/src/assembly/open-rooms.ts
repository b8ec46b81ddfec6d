/**
 * Puts the rooms of a store together: the one place where they are made and joined. Steps: folder, lock,
 * control, files, metadata, log, projections. Whatever fails gives back what was taken before it, the lock
 * last.
 */
import { IndexThread, ThreadKeeper } from '@varve/gc-worker'
import { loadXxh64 } from '@varve/pack/base'
import { throwIfAborted } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import { rawToHex } from '@varve/pack/objects'
import {
  AppendLog,
  BlockCache,
  Chunk,
  type ChunkRoll,
  type ControlState,
  CopyReader,
  FileRetirer,
  type GrowingFile,
  PackFile,
  packHeaderSize,
  RecordCache,
  RecordReader,
} from '@varve/pack/pack'
import { CommitQueues } from '../branches/index.ts'
import { StoreChecks } from '../checking/index.ts'
import { FileSet } from '../file-set/index.ts'
import { HashIndex } from '../hash-index/index.ts'
import { acquireStoreLock, type Kv, openKv, openMemoryKv, type StoreLock } from '../kv/index.ts'
import { IndexMaintenance, rebuildSegmentIndex } from '../maintenance/index.ts'
import {
  loadMetadata,
  type OpenPacks,
  openFailure,
  openPacks,
  prepareFolder,
  removeLeftovers,
  takeControl,
} from '../opening/index.ts'
import { Projections } from '../projections/index.ts'
import { BlobReader, ObjectReader } from '../reader/index.ts'
import { type RefStore, refsFrom } from '../refs/index.ts'
import { ArchivedReferences, ObjectWriter, PinRegistry, WriteQueue } from '../writer/index.ts'
import { collectorFor } from './collector-rooms.ts'
import { copiesFor } from './copies-rooms.ts'
import { LowerLayer } from './lower-layer.ts'
import { BLOCK_CACHE_PART, type StoreOptions } from './store-options.ts'
import type { StoreRooms } from './store-rooms.ts'
import { projectionSource, StoreStorage } from './store-storage.ts'
import { ToldOnce } from './told-once.ts'

/**
 * @throws STORE_LOCKED, NO_STORE, NEWER_FORMAT, CORRUPT, READ_ONLY_FOLDER, NO_SPACE, WRITER_FAILED, ABORTED
 */
export async function openRooms(o: StoreOptions): Promise<StoreRooms> {
  await loadXxh64()
  let lock: StoreLock | undefined
  let opening: Opening | undefined
  try {
    throwIfAborted(o.signal)
    await prepareFolder(o.fs, o.folder, o.create, o.lower?.path)
    lock = await acquireStoreLock({
      ...{ fileSystem: o.fs, root: o.folder, clock: o.clock, waitMs: o.lockWaitMs, signal: o.signal },
      memoryKey: o.memoryKey,
    })
    opening = new Opening(o, lock)
    return await opening.run()
  } catch (error) {
    await opening?.drained()
    // What went wrong first is what to tell; a lock that cannot be given back ends with the process.
    await lock?.release().catch(() => undefined)
    throw openFailure(error, o.folder)
  }
}

/** What has been opened so far; each step adds to it. */
class Opening {
  readonly #o: StoreOptions
  readonly #lock: StoreLock
  readonly #folder: string
  readonly #cache: BlockCache
  readonly #recordCache: RecordCache
  readonly #retirer: FileRetirer
  readonly #lower: LowerLayer
  /** Places of damage, and objects that a copy stood in for. */
  readonly #told = new ToldOnce()

  constructor(o: StoreOptions, lock: StoreLock) {
    this.#o = o
    this.#lock = lock
    this.#folder = lock.root
    const cache = new BlockCache({ bytesMax: o.cacheBytes })
    this.#cache = cache
    this.#recordCache = new RecordCache({
      bytesMax: o.cacheBytes * (1 - BLOCK_CACHE_PART),
      onGrown: (bytes) => cache.resize(o.cacheBytes - bytes),
    })
    // A file that cannot be unlinked stays as a leftover, which the next opening removes.
    this.#retirer = new FileRetirer(o.fs, () => undefined)
    this.#lower = new LowerLayer({
      ...{ fs: o.fs, folder: this.#folder, cache, retirer: this.#retirer, clock: o.clock, option: o.lower },
      onDamage: (file) => this.#tellDamage(file, 0, 0),
    })
  }

  async run(): Promise<StoreRooms> {
    const { fs } = this.#o
    const { control, isNew, wasDamaged } = await takeControl({ ...this.#o, folder: this.#folder })
    if (wasDamaged) this.#tellDamage(fileName.control, 0, 0)
    const storeId = Buffer.from(control.storeId, 'hex')
    let files: FileSet | undefined
    // The index is filled while the files are opened, so its reader gets the address space afterwards.
    const records = new RecordReader(this.#cache, () => (files as FileSet).space, this.#recordCache)
    const below = new CopyReader(this.#cache, () => files?.space.lower)
    const index = new HashIndex(records, below)
    const lower = this.#lower.space(control)
    this.#lower.assertAsWanted(control)
    const packs = await this.#openPacks(control, storeId, index)
    try {
      files = new FileSet({
        ...{
          fs,
          folder: this.#folder,
          control,
          chunks: packs.chunks,
          segments: packs.segments,
          index,
          lower,
        },
        openChunk: (opened) => this.#openChunk(opened),
        verifyLock: () => this.#lock.verifyStillHeld(),
      })
    } catch (error) {
      for (const file of [...packs.indexes, ...packs.segments, ...packs.chunks.map((chunk) => chunk.file)])
        file.release()
      throw error
    }
    try {
      return await this.#join({ control, isNew, storeId, files, records, below, packs })
    } catch (error) {
      await files.close()
      throw error
    }
  }

  /** Files that a failed opening has let go of are closed. */
  drained(): Promise<void> {
    return this.#retirer.drained()
  }

  #openPacks(control: ControlState, storeId: Buffer, index: HashIndex): Promise<OpenPacks> {
    const { fs } = this.#o
    const open = control.chunks.at(-1)
    index.beginTable(open?.number ?? 0, open?.base ?? 0, this.#seed())
    return openPacks({
      ...{ fs, folder: this.#folder, storeId, control, cache: this.#cache, retirer: this.#retirer },
      rebuildIndex: (pack) =>
        pack.kind === 'segment'
          ? rebuildSegmentIndex({ fs, folder: this.#folder, storeId, segment: pack.segment })
          : this.#withIndexThread((thread) =>
              thread.build({ dir: this.#folder, storeId: control.storeId, chunk: pack }),
            ),
      onProved: () => removeLeftovers({ fs, folder: this.#folder }, control),
      onRebuilt: (file, reason) => this.#o.onEvent({ type: 'index-rebuilt', file, reason }),
      onOpenObject: (kind, record) =>
        index.addBytes(kind, record.bytes, { hashStart: record.hashStart, offset: record.offset }),
      onIndex: (file) => index.attach(file),
    })
  }

  async #withIndexThread(work: (thread: IndexThread) => Promise<void>): Promise<void> {
    const thread = this.#newIndexThread(false)
    try {
      await work(thread)
    } finally {
      await thread.close()
    }
  }

  #newIndexThread(givesWay: boolean): IndexThread {
    return new IndexThread({ fileSystem: this.#o.fs, where: this.#o.collectorWhere, givesWay })
  }

  async #join(parts: OpenedParts): Promise<StoreRooms> {
    const { control, storeId, packs, records } = parts
    const { fs, onEvent } = this.#o
    const { recovered } = packs
    throwIfAborted(this.#o.signal)
    for (const { chunk, error } of packs.lost) parts.files.index.noteLost(chunk, error)
    if (recovered.bytesCut > 0) {
      onEvent({ type: 'recovered', bytesCut: recovered.bytesCut, batchesCut: recovered.batchesCut })
    }
    for (const { start, end } of recovered.damage) {
      this.#tellDamage(recovered.file, start - recovered.base, end - start)
    }
    const { state, doubt } = await loadMetadata({
      ...{ fs, folder: this.#folder, storeId, control, packs, records },
      onDamage: ({ details }) => this.#tellDamage(details.file, details.offset, 0),
    })
    const refs = refsFrom(state, doubt)
    const kv = await this.#openKv(control.storeId)
    try {
      return await this.#start(parts, refs, kv)
    } catch (error) {
      await kv.close()
      throw error
    }
  }

  /** Of one place once, by whoever meets it first. */
  #tellDamage(file: string, offset: number, bytes: number): void {
    if (!this.#told.isNew(`${file} ${offset}`)) return
    this.#o.onEvent({ type: 'damaged', file, offset, bytes })
  }

  #openKv(storeId: string): Promise<Kv> {
    const { fs, memoryKey } = this.#o
    if (memoryKey !== undefined) return Promise.resolve(openMemoryKv(storeId))
    return openKv({ fileSystem: fs, path: `${this.#folder}/${fileName.projections}`, storeId })
  }

  async #start(parts: OpenedParts, refs: RefStore, kv: Kv): Promise<StoreRooms> {
    const { control, storeId, files, records, below } = parts
    const { clock, onEvent } = this.#o
    const { index } = files
    throwIfAborted(this.#o.signal)
    const objects = new ObjectReader({
      records,
      index,
      below,
      epoch: () => files.epoch,
      onHealed: (kind, hash) => {
        if (this.#told.isNew(`${kind} ${hash}`)) onEvent({ type: 'healed', hash: rawToHex(hash) as never })
      },
    })
    const onRebuilt = (reason: string): void => onEvent({ type: 'projections-rebuilt', reason })
    const projections = new Projections(kv, { turn: () => clock.turn(), onRebuilt })
    await projections.catchUp(projectionSource({ files, objects, records, refs: () => refs }), parts.isNew)
    const { log, indexing } = await this.#startLog(parts)
    let isClosed = false
    const queue = new WriteQueue({ log, clock, isClosed: () => isClosed })
    const turn = (): Promise<void> => clock.turn()
    const blobs = new BlobReader({ cache: this.#cache, files, objects, turn })
    const storage = new StoreStorage({ files, objects, blobs })
    const pins = new PinRegistry()
    const archived = new ArchivedReferences(() => files.space, records)
    const branchRooms = {
      ...{ storage, objects, queue, writer: new ObjectWriter(log, index, archived), refs, projections },
      now: this.#o.now,
      author: this.#o.author,
      durability: this.#o.durability,
      assertOpen: () => queue.assertOpenForReading(),
    }
    const threads = new ThreadKeeper()
    const gc = collectorFor({
      ...{ options: this.#o, folder: this.#folder, storeId, cache: this.#cache, retirer: this.#retirer },
      ...{ files, log, queue, pins, branchRooms, projections, threads, indexing },
    })
    const { fs, collectorWhere: where } = this.#o
    const checks = new StoreChecks({ fs, folder: this.#folder, where, clock, files, log, projections })
    const copies = copiesFor({
      ...{ platform: this.#o, rooms: { ...branchRooms, folder: this.#folder, files }, log, threads },
      lowerPath: () => files.lowerPath,
    })
    return {
      ...branchRooms,
      ...{
        fs: this.#o.fs,
        random: this.#o.random,
        id: control.storeId,
        folder: this.#folder,
        cache: this.#cache,
        retirer: this.#retirer,
        files,
        log,
        blobs,
        pins,
        copies,
      },
      ...{ queues: new CommitQueues(), gc, checks, threads, indexing, turn },
      markClosed: () => {
        isClosed = true
      },
      releaseLock: () => this.#lock.release(),
    }
  }

  /** The last step that can fail: the log, and what gives its sealed chunks their indexes. */
  async #startLog(
    parts: OpenedParts,
  ): Promise<{ readonly log: AppendLog; readonly indexing: IndexMaintenance }> {
    const { fs } = this.#o
    const opened: { log?: AppendLog } = {}
    const indexing = new IndexMaintenance({
      ...{ fs, folder: this.#folder, storeId: parts.storeId, cache: this.#cache, retirer: this.#retirer },
      files: parts.files,
      thread: this.#newIndexThread(true),
      onProgress: () => opened.log?.wake(),
      onFailed: (error) => void opened.log?.fail(error, this.#folder),
    })
    try {
      const log = await this.#openLog(parts, indexing)
      opened.log = log
      return { log, indexing }
    } catch (error) {
      await indexing.close()
      throw error
    }
  }

  #openLog(parts: OpenedParts, indexing: IndexMaintenance): Promise<AppendLog> {
    const { files, packs, storeId } = parts
    const { fs, clock, random, onEvent, chunkBytes } = this.#o
    const growing = packs.chunks.at(-1)?.file as GrowingFile
    return AppendLog.open({
      ...{
        fs,
        folder: this.#folder,
        storeId,
        tail: packs.recovered,
        cache: this.#cache,
        growing,
        clock,
        chunkBytes,
      },
      nextFileNumber: () => files.nextFileNumber(),
      newNonce: () => random(16),
      chunkCount: () => files.control.chunks.length,
      indexBacklog: () => indexing.backlog,
      switchControl: async (roll: ChunkRoll) => {
        const opened = await files.roll(roll)
        files.index.beginTable(roll.opened.number, roll.opened.base, this.#seed())
        indexing.schedule(roll.sealed)
        return opened
      },
      onFailed: (error) => {
        indexing.stop()
        onEvent({ type: 'writer-failed', error })
      },
    })
  }

  #openChunk(opened: { readonly number: number; readonly base: number }): Chunk {
    const name = fileName.chunk(opened.number)
    const file = PackFile.openSync(this.#o.fs, {
      ...{
        folder: this.#folder,
        name,
        number: opened.number,
        kind: 'pack',
        cache: this.#cache,
        retirer: this.#retirer,
      },
      growsFrom: packHeaderSize,
    })
    return new Chunk({ ...opened, file })
  }

  #seed(): number {
    return this.#o.random(4).readUInt32LE(0)
  }
}

interface OpenedParts {
  readonly isNew: boolean
  readonly control: ControlState
  readonly storeId: Buffer
  readonly files: FileSet
  readonly records: RecordReader
  readonly below: CopyReader
  readonly packs: OpenPacks
}
