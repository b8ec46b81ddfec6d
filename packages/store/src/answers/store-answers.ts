/** The reading calls of a store. Each one checks that the store is open and goes to its room. */
import { checkOptions, optionRule, type RulesFor, throwIfAborted } from '@varve/pack/errors'
import { type BlobRef, hexToRaw } from '@varve/pack/objects'
import {
  type Abortable,
  abortableRules,
  type Bytes,
  type Change,
  type Commit,
  type CommitLike,
  type CopyOptions,
  type CopyReport,
  type Cursor,
  type DiffOptions,
  diffRules,
  type Hash,
  type LogOptions,
  logRules,
  type ObjectPlace,
  type StoredBlob,
  type StoreStats,
  type Tree,
  type WithProgress,
} from '../api/index.ts'
import type { ReaderRooms } from '../assembly/index.ts'
import { CommitHandle, findCommit, resolveRevision } from '../branches/index.ts'
import { changesOf, LazyCursor, paceSteps, StoredTree } from '../directory/index.ts'
import { type CommitLookup, isAncestor, mergeBases } from '../history/index.ts'
import { type RefKind, refNameOf } from '../refs/index.ts'
import { BlobHandle } from './blob-handle.ts'
import { hasBlobs, type Toucher } from './has-blobs.ts'
import { locate } from './locate.ts'
import { storeLog } from './store-log.ts'
import { storeStats } from './store-stats.ts'

interface ListOptions {
  readonly prefix?: string | undefined
}

const listRules: RulesFor<ListOptions> = { prefix: optionRule.text }

export class StoreAnswers {
  readonly #rooms: ReaderRooms

  constructor(rooms: ReaderRooms) {
    this.#rooms = rooms
  }

  async getBlob(hash: Hash<'blob'>, o: Abortable = {}): Promise<Bytes | undefined> {
    throwIfAborted(o.signal)
    const blob = this.#findBlob(hash)
    return blob === undefined ? undefined : this.#rooms.blobs.bytesAsync(blob, o.signal)
  }

  getBlobSync(hash: Hash<'blob'>): Bytes | undefined {
    const blob = this.#findBlob(hash)
    return blob === undefined ? undefined : this.#rooms.blobs.bytes(blob)
  }

  async openBlob(hash: Hash<'blob'>, o: Abortable = {}): Promise<StoredBlob | undefined> {
    throwIfAborted(o.signal)
    const blob = this.#findBlob(hash)
    return blob === undefined ? undefined : new BlobHandle(this.#rooms.blobs, blob)
  }

  async hasBlobs(
    hashes: readonly Hash<'blob'>[],
    o: Abortable = {},
    toucher: Toucher | undefined = undefined,
  ): Promise<boolean[]> {
    checkOptions(o, abortableRules)
    throwIfAborted(o.signal)
    const wanted = Array.isArray(hashes) ? [...hashes] : [hashes as never]
    return hasBlobs(this.#open(), wanted, { signal: o.signal, toucher })
  }

  async getTree(hash: Hash<'tree'>): Promise<Tree | undefined> {
    const { storage } = this.#open()
    const root = storage.findTree(hexToRaw(hash))
    return root === undefined ? undefined : new StoredTree({ storage, root, epoch: storage.epoch() })
  }

  async getCommit(hash: Hash<'commit'>, o: Abortable = {}): Promise<Commit | undefined> {
    throwIfAborted(o.signal)
    const { objects, storage } = this.#open()
    const stored = objects.commit(hexToRaw(hash))
    return stored === undefined ? undefined : new CommitHandle(stored, storage)
  }

  async resolve(text: string): Promise<Commit | undefined> {
    const rooms = this.#open()
    const stored = await resolveRevision(rooms, rooms.files.index, text)
    return stored === undefined ? undefined : new CommitHandle(stored, rooms.storage)
  }

  /**
   * Names in byte order: of the branches, or of the tags, that there are at the first step.
   * @throws CORRUPT after the last one, where there may be more
   */
  *refNames(kind: RefKind, o: ListOptions = {}): Generator<string, void, undefined> {
    checkOptions(o, listRules)
    const { refs } = this.#open()
    for (const ref of refs.keys(kind, o.prefix)) yield refNameOf(ref)
    refs.assertAllKnown()
  }

  log(from: CommitLike | readonly CommitLike[], o: LogOptions = {}): Cursor<Commit> {
    checkOptions(o, logRules)
    return new LazyCursor(storeLog(this.#open(), from, o), o.signal)
  }

  diff(older: CommitLike | Tree | undefined, newer: CommitLike | Tree, o: DiffOptions = {}): Cursor<Change> {
    checkOptions(o, diffRules)
    return new LazyCursor(this.#changes(this.#open(), [older, newer], o), o.signal)
  }

  async mergeBases(a: CommitLike, b: CommitLike): Promise<Commit[]> {
    const rooms = this.#open()
    const lookup: CommitLookup = (hash) => rooms.objects.commit(hash)
    const bases = await paceSteps(mergeBases(lookup, findCommit(rooms, a), findCommit(rooms, b)))
    return bases.map((stored) => new CommitHandle(stored, rooms.storage))
  }

  async isAncestor(older: CommitLike, newer: CommitLike): Promise<boolean> {
    const rooms = this.#open()
    const lookup: CommitLookup = (hash) => rooms.objects.commit(hash)
    return paceSteps(isAncestor(lookup, findCommit(rooms, older), findCommit(rooms, newer)))
  }

  async locate(hash: Hash): Promise<ObjectPlace> {
    return locate(this.#open(), hash)
  }

  stats(): StoreStats {
    return storeStats(this.#open())
  }

  #open(): ReaderRooms {
    this.#rooms.assertOpen()
    return this.#rooms
  }

  copyTo(dir: string, o?: CopyOptions): Promise<CopyReport> {
    return this.#rooms.copies.copyTo(dir, o)
  }

  backup(dir: string, o?: WithProgress): Promise<void> {
    return this.#rooms.copies.backup(dir, o)
  }

  #findBlob(hash: Hash<'blob'>): BlobRef | undefined {
    return this.#open().blobs.find(hexToRaw(hash))
  }

  /** Found at the first step, like all that a cursor gives. */
  *#changes(
    rooms: ReaderRooms,
    [older, newer]: readonly [CommitLike | Tree | undefined, CommitLike | Tree],
    o: DiffOptions,
  ): Generator<Change, void, undefined> {
    const before = older === undefined ? undefined : treeOf(rooms, older)
    yield* changesOf(before, treeOf(rooms, newer), o)
  }
}

function treeOf(rooms: ReaderRooms, given: CommitLike | Tree): Tree {
  if (given instanceof StoredTree) return given
  return new CommitHandle(findCommit(rooms, given as CommitLike), rooms.storage).tree()
}
