import type { Duration } from '@varve/pack/base'
import { optionRule, type RulesFor, type VarveError } from '@varve/pack/errors'
import type { StoredBlob } from './blob.ts'
import { type Abortable, abortableRules, progressRules, type WithProgress } from './call-options.ts'
import type { BranchReader, Commit, CommitLike, TagReader } from './commit.ts'
import type { Bytes } from './content.ts'
import type { Cursor } from './cursor.ts'
import type { Change } from './entry.ts'
import type { GcReader, GcStatus } from './gc.ts'
import type { Hash, ObjectKind } from './hash.ts'
import type { Path } from './path.ts'
import type { CheckOptions, CheckReport } from './reports/check.ts'
import type { DiffOptions, Tree } from './tree.ts'

/** How `log` walks. */
export interface LogOptions extends Abortable {
  readonly limit?: number | undefined
  /** Leave these commits and their ancestors out. */
  readonly not?: readonly CommitLike[] | undefined
  /** Only commits that changed something at or below the path. */
  readonly path?: Path | undefined
  readonly firstParent?: boolean | undefined
}

export const logRules: RulesFor<LogOptions> = {
  ...abortableRules,
  limit: optionRule.limit,
  not: optionRule.list,
  path: optionRule.any,
  firstParent: optionRule.flag,
}

/** What a copy is to hold. With neither `refs` nor `commits`: all branches and tags. */
export interface CopyOptions extends WithProgress {
  /** `heads/<name>`, `tags/<name>`, or a name alone: the branch of that name, else the tag. */
  readonly refs?: readonly string[] | undefined
  /** Without a ref in the copy, where they are found by hash. */
  readonly commits?: readonly CommitLike[] | undefined
  /** How many commits along the parents of each, itself included. Default: all that the store holds. */
  readonly depth?: number | undefined
}

export const copyRules: RulesFor<CopyOptions> = {
  ...progressRules,
  refs: {
    says: 'an array of text',
    fits: (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
  },
  commits: optionRule.list,
  depth: {
    says: 'a whole number from 1 on, or Infinity',
    fits: (value) => value !== 0 && optionRule.limit.fits(value),
  },
}

/** What a copy holds. */
export interface CopyReport {
  readonly objects: number
  /** Of their records. */
  readonly bytes: number
  /** `heads/<name>` and `tags/<name>`, in byte order. */
  readonly refs: readonly string[]
}

/** Everything a store answers. Any call may fail with `STORE_CLOSED` and with `CORRUPT`. */
export interface StoreReader extends AsyncDisposable {
  /** 32 hexadecimal digits, given at creation. */
  readonly id: string
  /** The real path of the store's folder. */
  readonly path: string
  readonly readOnly: boolean
  getBlob(hash: Hash<'blob'>, o?: Abortable): Promise<Bytes | undefined>
  getBlobSync(hash: Hash<'blob'>): Bytes | undefined
  /** For large blobs: ranges and streams. */
  openBlob(hash: Hash<'blob'>, o?: Abortable): Promise<StoredBlob | undefined>
  /** One answer per hash, in order. */
  hasBlobs(hashes: readonly Hash<'blob'>[], o?: Abortable): Promise<boolean[]>
  getTree(hash: Hash<'tree'>): Promise<Tree | undefined>
  getCommit(hash: Hash<'commit'>, o?: Abortable): Promise<Commit | undefined>
  /**
   * A commit by what people call it: 'main', 'v1', 'main~3', a unique prefix of ≥ 7 digits, 'git:<id>'.
   * @throws AMBIGUOUS with the candidates
   */
  resolve(text: string): Promise<Commit | undefined>
  /** A handle: the branch need not exist. */
  branch(name: string): BranchReader
  tag(name: string): TagReader
  /**
   * In byte order of the names.
   * @throws CORRUPT after the last one that is known, where damage of the log may have taken others
   */
  branches(o?: { readonly prefix?: string | undefined }): AsyncIterable<BranchReader>
  /** As `branches`. */
  tags(o?: { readonly prefix?: string | undefined }): AsyncIterable<TagReader>
  /** Commits, every one before its parents; ends at the horizon that a collection left. */
  log(from: CommitLike | readonly CommitLike[], o?: LogOptions): Cursor<Commit>
  diff(older: CommitLike | Tree | undefined, newer: CommitLike | Tree, o?: DiffOptions): Cursor<Change>
  mergeBases(a: CommitLike, b: CommitLike): Promise<Commit[]>
  isAncestor(older: CommitLike, newer: CommitLike): Promise<boolean>
  /**
   * Where an object of that hash lies, whatever its kind: `present` in the store's own folder, `archived` in
   * a volume; `unavailable`: perhaps in a volume that cannot be read now; `unknown`: nowhere. File, offset,
   * and size (bytes) are those of its record.
   */
  locate(hash: Hash): Promise<ObjectPlace>
  stats(): StoreStats
  /**
   * Whether every file is what was written and every reference leads somewhere, as of now; on a thread of its
   * own, while the store goes on. Changes nothing.
   * @throws OPTION_MISMATCH, ABORTED, GC_FAILED (the thread died, or the disk fails)
   */
  check(o?: CheckOptions): Promise<CheckReport>
  /**
   * Makes another store, with an id of its own, in a folder that is empty or not there yet: what some
   * branches, tags, and commits hold, as they stand when it is called, while this one goes on. After a
   * failure nothing is left there.
   * @throws OPTION_MISMATCH (also when the folder is not empty), REF_NOT_FOUND, UNKNOWN_COMMIT, COLLECTED,
   * COPY_FAILED, NO_SPACE, READ_ONLY_FOLDER, INVALID_PATH, ABORTED
   */
  copyTo(dir: string, o?: CopyOptions): Promise<CopyReport>
  /**
   * Makes this store once more in another folder, with everything that was accepted before the call, while it
   * goes on. Files that never change again are linked where that is possible. In a folder that holds an
   * earlier backup of this store only what is new is added, and what is outdated goes; it stays whole
   * whatever fails.
   * @throws OPTION_MISMATCH (also when the folder holds anything else), COPY_FAILED, NO_SPACE,
   * READ_ONLY_FOLDER, INVALID_PATH, ABORTED
   */
  backup(dir: string, o?: WithProgress): Promise<void>
  close(): Promise<void>
}

/** What `locate` answers. */
export interface ObjectPlace {
  readonly state: 'present' | 'archived' | 'unavailable' | 'unknown'
  /** Below the folder of the layer it lies in. */
  readonly file?: string | undefined
  readonly offset?: number | undefined
  readonly size?: number | undefined
}

/** A ref that is not where it was. */
export interface RefChange<V = Bytes> {
  /** `heads/<name>` of a branch, `tags/<name>` of a tag. */
  readonly ref: string
  /** `undefined`: there was none. Reading it @throws CORRUPT when it is damaged. */
  readonly before: Commit<V> | undefined
  /** `undefined`: there is none any more. Reading it @throws CORRUPT when it is damaged. */
  readonly after: Commit<V> | undefined
  /** What is different in the tree after. The first step @throws COLLECTED when the one before is gone */
  changes(): Cursor<Change>
}

/**
 * A store opened only to read, as of the opening or the latest reload, whatever its writer does: nothing is
 * written, nothing is locked. There may be any number of them, in any process.
 */
export interface ReadOnlyStore extends StoreReader {
  readonly readOnly: true
  readonly gc: GcReader
  /**
   * Goes on to the latest state that is whole in the files, in time proportional to what is new, and gives
   * the refs that moved. Handles of before go on, and what a collection has taken meanwhile is `COLLECTED`
   * for them.
   * @throws CORRUPT, NEWER_FORMAT, NO_STORE (the store is gone), STORE_CLOSED; then everything stays as it
   * was
   */
  reload(): Promise<readonly RefChange[]>
}

export interface OpenOptions extends Abortable {
  /**
   * The folder of the lower layer: where collections archive what leaves the store, instead of deleting it.
   * The store remembers it; given again, it says where the folder is now. `missing`: whether an opening is
   * refused (LOWER_UNAVAILABLE) while the volumes in it cannot be read. Default 'read-upper-only'.
   */
  readonly lower?:
    | string
    | { readonly path: string; readonly missing?: 'refuse' | 'read-upper-only' | undefined }
    | undefined
  /** The most that cached blocks of files may take. Default 64 MiB. */
  readonly cacheBytes?: number | undefined
  readonly onEvent?: ((event: StoreEvent) => void) | undefined
}

export interface WriterOptions extends OpenOptions {
  readonly readOnly?: false | undefined
  /** Default 'if-missing'. */
  readonly create?: 'if-missing' | 'never' | 'must' | { readonly hash?: 'sha256' | undefined } | undefined
  /** How long to wait for another writer to leave. Default: not at all. */
  readonly lock?: { readonly wait?: Duration | undefined } | undefined
  /** 'commit': a call that changes refs resolves once synced. 'flush': once accepted. Default 'commit'. */
  readonly durability?: 'commit' | 'flush' | undefined
  /** Default author of commits. Default ''. */
  readonly author?: string | undefined
  /** The clock: ms since 1970. */
  readonly now?: (() => number) | undefined
}

export interface ReaderOptions extends OpenOptions {
  readonly readOnly: true
  /** Reload by itself, soon after the store has changed. Default false. */
  readonly follow?: boolean | undefined
}

/** What opening may be asked for in a later version. To open without it could harm what the caller has. */
interface LaterOptions {
  readonly control?: undefined
}

const later = { says: 'left out', fits: () => false, hint: 'It is not in this version: leave it out.' }

export const readerRules: RulesFor<ReaderOptions & LaterOptions> = {
  ...abortableRules,
  cacheBytes: optionRule.count,
  onEvent: optionRule.listener,
  readOnly: { says: 'true', fits: (value) => value === true },
  follow: optionRule.flag,
  lower: optionRule.any,
  control: later,
}

export const writerRules: RulesFor<WriterOptions & LaterOptions & { readonly follow?: undefined }> = {
  ...abortableRules,
  cacheBytes: optionRule.count,
  onEvent: optionRule.listener,
  readOnly: { says: 'true, false or left out', fits: (value) => value === false },
  create: optionRule.any,
  lock: optionRule.any,
  durability: optionRule.durability,
  author: optionRule.text,
  now: optionRule.listener,
  lower: optionRule.any,
  follow: {
    says: 'left out',
    fits: () => false,
    hint: 'Only a store that is opened with readOnly: true follows another writer.',
  },
  control: later,
}

export interface StoreStats {
  /**
   * Every file that the store consists of: control and all that it names, with the indexes that are there.
   * Projections, which can be deleted at any time, and the lock are not among them.
   */
  readonly files: readonly {
    readonly name: string
    readonly bytes: number
    /** What is not known to be garbage: in what was written since the latest collection, all of it. */
    readonly liveBytes: number
  }[]
  /** Objects in pack files; one that was written twice counts twice. */
  readonly objects: Readonly<Record<ObjectKind, number>>
  readonly openReaders: number
  /** Of the lower layer, as control knows them: also while it is away. Oldest first. */
  readonly volumes: readonly VolumeStats[]
}

export interface VolumeStats {
  readonly id: number
  /** The range of the log that it holds, in virtual offsets: [low, high); empty in one that is new. */
  readonly low: number
  readonly high: number
  /** Of its pack files. */
  readonly bytes: number
}

/** What a store tells `onEvent`. */
export type StoreEvent =
  | { readonly type: 'recovered'; readonly bytesCut: number; readonly batchesCut: number }
  /**
   * Bytes that are not what was written, at opening: of the log (nothing of it is cut), or of one copy of
   * control.
   */
  | { readonly type: 'damaged'; readonly file: string; readonly offset: number; readonly bytes: number }
  /** An index that was damaged or gone; nothing is missing from the new one. */
  | { readonly type: 'index-rebuilt'; readonly file: string; readonly reason: string }
  | { readonly type: 'projections-rebuilt'; readonly reason: string }
  | { readonly type: 'gc'; readonly status: GcStatus }
  /** `follow` went on to a later state: the refs that moved. */
  | { readonly type: 'reloaded'; readonly changes: readonly RefChange[] }
  /** What `follow` could not do; it tries again, and tells of the same failure once. */
  | { readonly type: 'reload-failed'; readonly error: Error }
  /** A whole copy stood in for a damaged object; told of each object once in an opening. */
  | { readonly type: 'healed'; readonly hash: Hash }
  | { readonly type: 'writer-failed'; readonly error: VarveError }
