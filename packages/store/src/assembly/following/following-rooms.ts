/**
 * The rooms of a store that is opened only to read: made, brought up to what the writer has done since, and
 * taken apart. One reload at a time; between two of them everything says the same.
 */
import { loadXxh64, Mutex, nextTurn } from '@varve/pack/base'
import { throwIfAborted, VarveError } from '@varve/pack/errors'
import { hasCode } from '@varve/pack/fs'
import { rawToHex } from '@varve/pack/objects'
import { BlockCache, CopyReader, FileRetirer, RecordCache, RecordReader } from '@varve/pack/pack'
import type { CheckOptions, CheckReport, RefChange } from '../../api/index.ts'
import type { GitCommits } from '../../branches/index.ts'
import { FolderChecks } from '../../checking/index.ts'
import type { StoreCopies } from '../../copies/index.ts'
import { FollowedFiles, FollowedRefs, Follower, GitCommitMap } from '../../following/index.ts'
import { HashIndex } from '../../hash-index/index.ts'
import { readFailure } from '../../opening/index.ts'
import { BlobReader, ObjectReader } from '../../reader/index.ts'
import type { RefStore } from '../../refs/index.ts'
import { copiesOfFollowed } from '../copies-rooms.ts'
import { LowerLayer } from '../lower-layer.ts'
import type { ReaderRooms } from '../reader-rooms.ts'
import { BLOCK_CACHE_PART, type ReadingOptions } from '../store-options.ts'
import { projectionSource, StoreStorage } from '../store-storage.ts'
import { ToldOnce } from '../told-once.ts'
import { FollowingGc } from './following-gc.ts'
import { commitsBefore, refChanges } from './ref-changes.ts'

export class FollowingRooms implements ReaderRooms {
  readonly folder: string
  readonly files: FollowedFiles
  readonly objects: ObjectReader
  readonly blobs: BlobReader
  readonly storage: StoreStorage
  readonly projections: GitCommits
  readonly gc: FollowingGc
  readonly copies: StoreCopies
  readonly #o: ReadingOptions
  readonly #refs = new FollowedRefs()
  readonly #retirer: FileRetirer
  readonly #lower: LowerLayer
  /** Places of damage, objects that a copy stood in for, and reloads that failed. */
  readonly #told = new ToldOnce()
  /** Held while the files are not to change. */
  readonly #lock = new Mutex()
  readonly #checks: FolderChecks
  #follower: Follower | undefined
  #isClosed = false
  #closing: Promise<void> | undefined

  private constructor(o: ReadingOptions, folder: string) {
    this.#o = o
    this.folder = folder
    const { fs, cacheBytes, onEvent, random } = o
    this.#retirer = new FileRetirer(fs, () => undefined)
    const cache = new BlockCache({ bytesMax: cacheBytes })
    const recordCache = new RecordCache({
      bytesMax: cacheBytes * (1 - BLOCK_CACHE_PART),
      onGrown: (bytes) => cache.resize(cacheBytes - bytes),
    })
    const records = new RecordReader(cache, () => this.files.space, recordCache)
    const below = new CopyReader(cache, () => this.files.space.lower)
    const index = new HashIndex(records, below)
    this.#lower = new LowerLayer({
      ...{ fs, folder, cache, retirer: this.#retirer, clock: o.clock, option: o.lower },
      onDamage: (file, { cause }) => {
        // One that control named when it was read may have given way to another since.
        if (!hasCode(cause, 'ENOENT')) this.#tellDamage(file, 0, 0)
      },
    })
    this.files = new FollowedFiles({
      ...{ fs, folder, cache, retirer: this.#retirer, index },
      newSeed: () => random(4).readUInt32LE(0),
      lowerOf: (control) => this.#lower.view(control),
      onDamage: (file, offset, bytes) => this.#tellDamage(file, offset, bytes),
      onRebuilt: (file, reason) => onEvent({ type: 'index-rebuilt', file, reason }),
    })
    this.objects = new ObjectReader({
      records,
      index,
      below,
      epoch: () => this.files.epoch,
      onHealed: (kind, hash) => {
        if (this.#told.isNew(`${kind} ${hash}`)) onEvent({ type: 'healed', hash: rawToHex(hash) as never })
      },
    })
    const { files, objects } = this
    this.blobs = new BlobReader({ cache, files, objects, turn: nextTurn })
    this.storage = new StoreStorage({ files, objects, blobs: this.blobs })
    this.projections = new GitCommitMap({
      source: projectionSource({ files, objects, records, refs: () => this.refs }),
      lock: this.#lock,
      assertOpen: () => this.assertOpen(),
    })
    this.gc = new FollowingGc(this, o)
    this.#checks = new FolderChecks(folder, { fileSystem: fs, clock: o.clock, lower: o.lower?.path })
    this.copies = copiesOfFollowed({
      ...{ platform: o, rooms: this, end: () => files.end },
      lowerPath: () => this.#lower.space(files.control)?.path,
    })
  }

  /** @throws NO_STORE, NEWER_FORMAT, CORRUPT, INVALID_PATH, ABORTED */
  static async open(o: ReadingOptions): Promise<FollowingRooms> {
    await loadXxh64()
    let rooms: FollowingRooms | undefined
    try {
      throwIfAborted(o.signal)
      rooms = new FollowingRooms(o, await o.fs.realPath(o.folder))
      await rooms.#reload(o.signal)
      rooms.#lower.assertAsWanted(rooms.files.control)
      throwIfAborted(o.signal)
    } catch (error) {
      await rooms?.close()
      throw readFailure(error, o.folder)
    }
    if (o.follow) rooms.#follow()
    return rooms
  }

  get id(): string {
    return this.files.control.storeId
  }

  get refs(): RefStore {
    return this.#refs.refs
  }

  get turn(): () => Promise<void> {
    return nextTurn
  }

  /** @throws STORE_CLOSED */
  assertOpen(): void {
    if (this.#isClosed) throw new VarveError('STORE_CLOSED', {})
  }

  /** Goes on to the latest state; a failure leaves everything as it was. */
  async reload(): Promise<readonly RefChange[]> {
    this.assertOpen()
    try {
      return (await this.#lock.run(() => this.#reload())) ?? []
    } catch (error) {
      throw readFailure(error, this.folder)
    }
  }

  /** @throws OPTION_MISMATCH, ABORTED, STORE_CLOSED, GC_FAILED (the thread died, or the disk fails) */
  async check(o: CheckOptions): Promise<CheckReport> {
    this.assertOpen()
    return this.#checks.run(o)
  }

  /** Calling it again waits for the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    await this.#checks.close()
    await this.#follower?.close()
    await this.copies.close()
    await this.#lock.run(() => {
      this.blobs.close()
      this.files.close()
      this.#lower.close()
    })
    await this.#retirer.drained()
  }

  /** `undefined`: there was nothing new. */
  async #reload(signal?: AbortSignal): Promise<readonly RefChange[] | undefined> {
    this.assertOpen()
    const next = await this.files.readNext(signal)
    if (next === undefined) return undefined
    const refs = this.#refs.next(next)
    const befores = commitsBefore(this, refs.moves)
    this.files.install(next)
    refs.install()
    return refChanges(this, befores)
  }

  /** Of one place once, by whoever meets it first. */
  #tellDamage(file: string, offset: number, bytes: number): void {
    if (this.#told.isNew(`${file} ${offset}`)) this.#o.onEvent({ type: 'damaged', file, offset, bytes })
  }

  #follow(): void {
    const { fs, clock } = this.#o
    this.#follower = new Follower({ fs, folder: this.folder, clock, reload: () => this.#reloadItself() })
  }

  async #reloadItself(): Promise<void> {
    const { onEvent } = this.#o
    try {
      const changes = await this.#lock.run(() => this.#reload())
      if (changes !== undefined) onEvent({ type: 'reloaded', changes })
    } catch (error) {
      if (VarveError.is(error, 'STORE_CLOSED')) return
      const failure = readFailure(error, this.folder) as Error
      if (this.#told.isNew(`reload ${failure.message}`)) onEvent({ type: 'reload-failed', error: failure })
    }
  }
}
