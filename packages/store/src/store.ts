/** The store as its callers see it: every call checks that the store is open and goes to its room. */

import { assert } from '@varve/pack/base'
import { checkOptions, optionRule, type RulesFor } from '@varve/pack/errors'
import { indexKind, type RawHash, rawToHex } from '@varve/pack/objects'
import { addVolume } from './add-volume.ts'
import { StoreAnswers, type Toucher } from './answers/index.ts'
import {
  type Abortable,
  abortableRules,
  type BlobWriter,
  type Branch,
  type Bytes,
  type Change,
  type CheckOptions,
  type CheckReport,
  type Commit,
  type CommitInfo,
  type CommitLike,
  type Content,
  type ContentStream,
  type CopyOptions,
  type CopyReport,
  type Cursor,
  commitInfoRules,
  type DiffOptions,
  type Gc,
  type GcOptions,
  type GcResult,
  type Hash,
  type LogOptions,
  type ObjectPlace,
  type PutOptions,
  type ReaderOptions,
  type ReadOnlyStore,
  type StoredBlob,
  type StoreReader,
  type StoreStats,
  type Tag,
  type Tree,
  type WithProgress,
  type WriterOptions,
} from './api/index.ts'
import { closeRooms, openRooms, type StorePlatform, type StoreRooms, storeOptions } from './assembly/index.ts'
import {
  appendCommit,
  BranchHandle,
  CommitHandle,
  checkedInfo,
  commitHash,
  findCommit,
  storeTree,
  TagHandle,
} from './branches/index.ts'
import { Bulk } from './bulk.ts'
import { type BundleOptions, type MadeBundle, makeBundle, type TakenBundle, takeBundle } from './bundles.ts'
import { emptyTree } from './directory/index.ts'
import { openFailure } from './opening/index.ts'
import { putBlob } from './put-blob.ts'
import { FollowedStore, openReadOnly, roomsOfReader } from './read-only-store.ts'

type HasBlobsOptions = Abortable & { readonly touch?: boolean | undefined }
type NewCommit = CommitInfo & {
  readonly tree: Tree
  readonly parents?: readonly CommitLike[] | undefined
}

const hasBlobsRules: RulesFor<HasBlobsOptions> = { ...abortableRules, touch: optionRule.flag }
const newCommitRules: RulesFor<NewCommit> = {
  ...commitInfoRules,
  tree: { says: 'a tree', fits: (value) => typeof value === 'object' && value !== null, isNeeded: true },
  parents: optionRule.list,
}

/** Keeps `new Store(…)` out of everybody's reach, where no compiler does. */
const key: unique symbol = Symbol('store')

/** The doors of this file into a store, which the class alone can open. */
let newStore: (rooms: StoreRooms) => Store
let roomsOf: (store: Store) => StoreRooms

export class Store implements StoreReader, BlobWriter {
  readonly readOnly = false
  readonly #rooms: StoreRooms
  readonly #answers: StoreAnswers
  #closing: Promise<void> | undefined

  static {
    newStore = (rooms) => new Store(rooms, key)
    roomsOf = (store) => store.#rooms
  }

  private constructor(rooms: StoreRooms, given: symbol) {
    assert(given === key, 'a store comes from Store.open')
    this.#rooms = rooms
    this.#answers = new StoreAnswers(rooms)
  }

  /**
   * Opens the store in a folder only to read, whoever else has it, as it is at this moment: nothing is
   * written, nothing is locked.
   * @throws NO_STORE (also where it may not be read), NEWER_FORMAT, CORRUPT, OPTION_MISMATCH, INVALID_PATH,
   * ABORTED
   */
  static open(path: string | URL, o: ReaderOptions): Promise<ReadOnlyStore>
  /**
   * Opens the store in a folder for writing, making it if it is not there (see `create`). One writer at a
   * time has it.
   * @throws STORE_LOCKED, NO_STORE, NEWER_FORMAT, CORRUPT, OPTION_MISMATCH, INVALID_PATH, READ_ONLY_FOLDER,
   * NO_SPACE, ABORTED
   */
  static open(path: string | URL, o?: WriterOptions): Promise<Store>
  static async open(
    path: string | URL,
    o: ReaderOptions | WriterOptions = {},
  ): Promise<Store | ReadOnlyStore> {
    return o?.readOnly === true ? openReadOnly(path, o) : openStore(path, o)
  }

  get id(): string {
    return this.#rooms.id
  }

  get path(): string {
    return this.#rooms.folder
  }

  get gc(): Gc {
    return this.#rooms.gc
  }

  /**
   * For those who know why. `split` begins a new chunk; nobody needs it, since collections do so themselves.
   * `addVolume` makes the next archive begin a new volume of the lower layer: those before it are never
   * written to again.
   */
  get advanced(): { split(): Promise<void>; addVolume(): Promise<void> } {
    return {
      split: async () => beginChunk(this.#writable()),
      addVolume: async () => addVolume(this.#writable()),
    }
  }

  getBlob(hash: Hash<'blob'>, o?: Abortable): Promise<Bytes | undefined> {
    return this.#answers.getBlob(hash, o)
  }

  getBlobSync(hash: Hash<'blob'>): Bytes | undefined {
    return this.#answers.getBlobSync(hash)
  }

  openBlob(hash: Hash<'blob'>, o?: Abortable): Promise<StoredBlob | undefined> {
    return this.#answers.openBlob(hash, o)
  }

  /**
   * One answer per hash, in order. `touch` makes those that are there young again for the grace of
   * collections.
   */
  async hasBlobs(hashes: readonly Hash<'blob'>[], o: HasBlobsOptions = {}): Promise<boolean[]> {
    checkOptions(o, hasBlobsRules)
    const { signal, touch } = o
    return this.#answers.hasBlobs(
      hashes,
      { signal },
      touch === true ? toucherOf(this.#writable()) : undefined,
    )
  }

  getTree(hash: Hash<'tree'>): Promise<Tree | undefined> {
    return this.#answers.getTree(hash)
  }

  getCommit(hash: Hash<'commit'>, o?: Abortable): Promise<Commit | undefined> {
    return this.#answers.getCommit(hash, o)
  }

  /** What a text means: 'main', 'v1', 'main~3', a unique start of a hash, 'git:<id>'. @throws AMBIGUOUS */
  resolve(text: string): Promise<Commit | undefined> {
    return this.#answers.resolve(text)
  }

  /** A handle; the branch itself need not exist. @throws INVALID_PATH for a name that no branch can have */
  branch(name: string): Branch {
    return new BranchHandle(this.#rooms, this.#rooms.queues, name)
  }

  /** A handle; the tag itself need not exist. @throws INVALID_PATH */
  tag(name: string): Tag {
    return new TagHandle(this.#rooms, name)
  }

  async *branches(o?: { readonly prefix?: string | undefined }): AsyncGenerator<Branch, void, undefined> {
    for (const name of this.#answers.refNames('heads', o)) yield this.branch(name)
  }

  async *tags(o?: { readonly prefix?: string | undefined }): AsyncGenerator<Tag, void, undefined> {
    for (const name of this.#answers.refNames('tags', o)) yield this.tag(name)
  }

  /**
   * Newest first, up to where the store's history begins. The first step @throws UNKNOWN_COMMIT, COLLECTED
   */
  log(from: CommitLike | readonly CommitLike[], o?: LogOptions): Cursor<Commit> {
    return this.#answers.log(from, o)
  }

  /** What is different in the newer. The first step @throws UNKNOWN_COMMIT, COLLECTED, INVALID_PATH */
  diff(older: CommitLike | Tree | undefined, newer: CommitLike | Tree, o?: DiffOptions): Cursor<Change> {
    return this.#answers.diff(older, newer, o)
  }

  mergeBases(a: CommitLike, b: CommitLike): Promise<Commit[]> {
    return this.#answers.mergeBases(a, b)
  }

  isAncestor(older: CommitLike, newer: CommitLike): Promise<boolean> {
    return this.#answers.isAncestor(older, newer)
  }

  locate(hash: Hash): Promise<ObjectPlace> {
    return this.#answers.locate(hash)
  }

  stats(): StoreStats {
    return this.#answers.stats()
  }

  async check(o: CheckOptions = {}): Promise<CheckReport> {
    return this.#open().checks.run(o)
  }

  /** See `StoreReader.copyTo`. */
  copyTo(dir: string, o?: CopyOptions): Promise<CopyReport> {
    return this.#answers.copyTo(dir, o)
  }

  /** See `StoreReader.backup`. */
  backup(dir: string, o?: WithProgress): Promise<void> {
    return this.#answers.backup(dir, o)
  }

  /**
   * Resolves when the content is accepted into the log; durable with the next commit, `flush`, or `close`.
   * Kept by collections while something refers to it, and for their `grace` after the put.
   * @throws DIGEST_MISMATCH (hash or size), ABORTED, WRITER_FAILED, and what the source throws
   */
  async putBlob(content: Content | ContentStream, o: PutOptions = {}): Promise<Hash<'blob'>> {
    return putBlob(this.#writable(), content, o)
  }

  /** Stores a tree that nobody commits yet; kept like a bare blob. @throws COLLECTED when its base is gone */
  async putTree(tree: Tree): Promise<Hash<'tree'>> {
    const rooms = this.#writable()
    return storeTree(rooms, tree, {
      signal: undefined,
      finish: (root) => {
        rooms.writer.touch(indexKind.tree, root)
        return rawToHex(root.hash) as Hash<'tree'>
      },
    })
  }

  emptyTree(): Tree {
    return emptyTree(this.#open().storage)
  }

  /** A commit on no branch: kept while something refers to it, and for the `grace` of collections. */
  async commit(o: NewCommit): Promise<Commit> {
    checkOptions(o, newCommitRules)
    const rooms = this.#writable()
    const info = checkedInfo(o)
    const stored = await storeTree(rooms, o.tree, {
      signal: o.signal,
      finish: (tree) => {
        const parents = (o.parents ?? []).map((parent) => this.#parentHash(parent))
        return appendCommit(rooms, { tree, parents, info, isBare: true })
      },
    })
    await rooms.queue.settle(o.durability ?? rooms.durability)
    return new CommitHandle(stored, rooms.storage)
  }

  /**
   * Starts a collection; false when one is running or waits to be finalised. One whose sweep has failed does
   * not stand in the way; `finaliseGc` tells its failure until then.
   * @throws NO_SPACE (there is plainly no room for it; nothing was written), UNKNOWN_COMMIT, COLLECTED,
   * TARGET_TOO_OLD, OPTION_MISMATCH, STORE_CLOSED
   */
  startGc(target?: CommitLike, o?: GcOptions): Promise<boolean> {
    return this.#rooms.gc.startGc(target, o)
  }

  /**
   * Waits for the collection (unless `wait` is false) and switches to its result.
   * @throws GC_FAILED (reason `disk` where the disk is full by now), CORRUPT, WRITER_FAILED, STORE_CLOSED
   */
  finaliseGc(o?: { readonly wait?: boolean | undefined }): Promise<GcResult> {
    return this.#rooms.gc.finaliseGc(o)
  }

  /**
   * Everything that was accepted before this call survives a power cut when it resolves. @throws
   * WRITER_FAILED
   */
  async flush(): Promise<void> {
    await this.#writable().log.sync()
  }

  /** Cancels a collection, syncs, and gives everything back; calling it again waits for the same end. */
  close(): Promise<void> {
    this.#closing ??= closeRooms(this.#rooms)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #open(): StoreRooms {
    this.#rooms.assertOpen()
    return this.#rooms
  }

  #writable(): StoreRooms {
    this.#rooms.queue.assertOpen()
    return this.#rooms
  }

  /** Parents are weak: one that was collected may still be named. */
  #parentHash(parent: CommitLike): RawHash {
    return typeof parent === 'string' ? findCommit(this.#rooms, parent).hash : commitHash(parent)
  }
}

/** Touches belong to the write queue, and wait while it is blocked. */
function toucherOf({ queue, writer }: StoreRooms): Toucher {
  return {
    ready: async () => {
      while (queue.isBlocked) await queue.unblocked()
    },
    touch: (blob) => void writer.touch(indexKind.blob, blob),
  }
}

/** @throws NO_SPACE, READ_ONLY_FOLDER when only the new file could not be made; else WRITER_FAILED */
async function beginChunk(rooms: StoreRooms): Promise<void> {
  try {
    await rooms.log.seal()
  } catch (error) {
    throw openFailure(error, rooms.folder)
  }
}

/** `Store.open` with parts of the platform replaced: for tests and tools. */
export async function openStore(
  path: string | URL,
  o: WriterOptions = {},
  platform: StorePlatform = {},
): Promise<Store> {
  return newStore(await openRooms(storeOptions(path, o, platform)))
}

/** Begins a bulk of writes; see `Bulk`. @throws STORE_CLOSED, WRITER_FAILED */
export async function openBulk(store: Store): Promise<Bulk> {
  const rooms = roomsOf(store)
  while (rooms.queue.isBlocked) await rooms.queue.unblocked()
  return new Bulk(rooms)
}

/** A bundle of the store's commits; see `makeBundle`. */
export function bundleOf(store: Store | ReadOnlyStore, o?: BundleOptions): Promise<MadeBundle> {
  return makeBundle(store instanceof FollowedStore ? roomsOfReader(store) : roomsOf(store as Store), o)
}

/** Takes a bundle in; see `takeBundle`. */
export async function takeBundleInto(
  store: Store,
  pieces: AsyncIterable<Uint8Array>,
  o: WithProgress & { readonly name: string },
): Promise<TakenBundle> {
  return takeBundle(store, await openBulk(store), pieces, o)
}
