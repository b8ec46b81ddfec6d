/** A store opened only to read, as its callers see it. It has no call that writes, not even a hidden one. */

import { assert } from '@varve/pack/base'
import { StoreAnswers } from './answers/index.ts'
import type {
  Abortable,
  BranchReader,
  Bytes,
  Change,
  CheckOptions,
  CheckReport,
  Commit,
  CommitLike,
  CopyOptions,
  CopyReport,
  Cursor,
  DiffOptions,
  GcReader,
  Hash,
  LogOptions,
  ObjectPlace,
  ReaderOptions,
  ReadOnlyStore,
  RefChange,
  StoredBlob,
  StoreStats,
  TagReader,
  Tree,
  WithProgress,
} from './api/index.ts'
import { FollowingRooms, readingOptions, type StorePlatform } from './assembly/index.ts'
import { BranchView, TagView } from './branches/index.ts'

/** The door of this file into a store, which the class alone can open. */
let roomsOf: (store: FollowedStore) => FollowingRooms

export class FollowedStore implements ReadOnlyStore {
  readonly readOnly = true
  readonly gc: GcReader
  readonly #rooms: FollowingRooms
  readonly #answers: StoreAnswers

  static {
    roomsOf = (store) => store.#rooms
  }

  constructor(rooms: FollowingRooms) {
    assert(rooms instanceof FollowingRooms, 'a store comes from Store.open')
    this.#rooms = rooms
    this.#answers = new StoreAnswers(rooms)
    this.gc = rooms.gc
  }

  get id(): string {
    return this.#rooms.id
  }

  get path(): string {
    return this.#rooms.folder
  }

  reload(): Promise<readonly RefChange[]> {
    return this.#rooms.reload()
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

  hasBlobs(hashes: readonly Hash<'blob'>[], o?: Abortable): Promise<boolean[]> {
    return this.#answers.hasBlobs(hashes, o)
  }

  getTree(hash: Hash<'tree'>): Promise<Tree | undefined> {
    return this.#answers.getTree(hash)
  }

  getCommit(hash: Hash<'commit'>, o?: Abortable): Promise<Commit | undefined> {
    return this.#answers.getCommit(hash, o)
  }

  resolve(text: string): Promise<Commit | undefined> {
    return this.#answers.resolve(text)
  }

  branch(name: string): BranchReader {
    return new BranchView(this.#rooms, name)
  }

  tag(name: string): TagReader {
    return new TagView(this.#rooms, name)
  }

  async *branches(o?: {
    readonly prefix?: string | undefined
  }): AsyncGenerator<BranchReader, void, undefined> {
    for (const name of this.#answers.refNames('heads', o)) yield this.branch(name)
  }

  async *tags(o?: { readonly prefix?: string | undefined }): AsyncGenerator<TagReader, void, undefined> {
    for (const name of this.#answers.refNames('tags', o)) yield this.tag(name)
  }

  log(from: CommitLike | readonly CommitLike[], o?: LogOptions): Cursor<Commit> {
    return this.#answers.log(from, o)
  }

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

  copyTo(dir: string, o?: CopyOptions): Promise<CopyReport> {
    return this.#answers.copyTo(dir, o)
  }

  backup(dir: string, o?: WithProgress): Promise<void> {
    return this.#answers.backup(dir, o)
  }

  stats(): StoreStats {
    return this.#answers.stats()
  }

  /** Of the latest state in the folder, whichever this reader has read. */
  check(o: CheckOptions = {}): Promise<CheckReport> {
    return this.#rooms.check(o)
  }

  close(): Promise<void> {
    return this.#rooms.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** The parts of one, for tools of this project. */
export function roomsOfReader(store: FollowedStore): FollowingRooms {
  return roomsOf(store)
}

/** `Store.open` to read, with parts of the platform replaced: for tests and tools. */
export async function openReadOnly(
  path: string | URL,
  o: ReaderOptions,
  platform: StorePlatform = {},
): Promise<ReadOnlyStore> {
  return new FollowedStore(await FollowingRooms.open(readingOptions(path, o, platform)))
}
