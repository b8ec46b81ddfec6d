import { optionRule, type RulesFor } from '@varve/pack/errors'
import { type Abortable, abortableRules } from './call-options.ts'
import type { Bytes } from './content.ts'
import type { Hash } from './hash.ts'
import type { Tree, TreeEdit, TreeReader } from './tree.ts'

/** A root tree with its history. */
export interface Commit<V = Bytes> {
  readonly hash: Hash<'commit'>
  readonly treeHash: Hash<'tree'>
  /** By hash only: a parent may have been collected. */
  readonly parents: readonly Hash<'commit'>[]
  readonly author: string
  /** Whole milliseconds. */
  readonly date: Date
  readonly message: string
  readonly extra: Readonly<Record<string, string>>
  /** A handle: no I/O, so no promise (awaiting it is harmless). */
  tree(): Tree<V>
}

/** A commit, whatever its tree reads as, or its hash. */
export type CommitLike = Commit<unknown> | Hash<'commit'>

/** What a commit says about itself, and how durable it must be before the call resolves. */
export interface CommitInfo extends Abortable {
  /** Default ''. */
  readonly message?: string | undefined
  /** Default: the store's `author`. */
  readonly author?: string | undefined
  /** Default: now. */
  readonly date?: Date | number | undefined
  /** Strings to keep with it; part of its hash. */
  readonly extra?: Readonly<Record<string, string>> | undefined
  /** Make a commit even if the tree is the head's. Default false. */
  readonly allowEmpty?: boolean | undefined
  /** 'commit': synced to the disk. 'flush': accepted, synced with the next sync. Default: the store's. */
  readonly durability?: 'commit' | 'flush' | undefined
}

export const commitInfoRules: RulesFor<CommitInfo> = {
  ...abortableRules,
  message: optionRule.text,
  author: optionRule.text,
  date: optionRule.date,
  extra: optionRule.texts,
  allowEmpty: optionRule.flag,
  durability: optionRule.durability,
}

/**
 * What the function given to `Branch.commit` hands back: the tree to commit, or nothing for the edit it was
 * given.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement must fit.
export type CommitOutcome<V = Bytes> = TreeEdit<V> | Tree<V> | undefined | void

/** A branch to read. Reads its head as of the time of each call; one that is not there reads as empty. */
export interface BranchReader<V = Bytes> extends TreeReader<V> {
  readonly name: string
  /** `undefined` while the branch does not exist. */
  head(): Promise<Commit<V> | undefined>
  headSync(): Commit<V> | undefined
}

/** A named pointer to a commit that moves. */
export interface Branch<V = Bytes> extends BranchReader<V> {
  /**
   * Commits what `fn` makes of the head's tree. Calls on one branch queue: `fn` runs once, in turn, unless
   * something else moves the branch (then again, at most `retries` times, default 10). Returning nothing
   * commits the edit. An unchanged tree gives back the head, with no new commit, unless `allowEmpty`.
   *
   * In `fn`, do not wait for another commit on the same branch: it is queued behind this one, and the two
   * wait for each other until `signal` aborts or the store closes. The same goes for two branches whose
   * functions wait for each other. `set` and `compareAndSet` are not queued; one of them in `fn` moves the
   * branch, so `fn` runs again.
   * @throws CONFLICT when the branch was moved more often than `retries`; COLLECTED when the tree stands on
   * nodes that are gone; WRITER_FAILED; NO_SPACE; ABORTED
   */
  commit(
    fn: (edit: TreeEdit<V>) => CommitOutcome<V> | Promise<CommitOutcome<V>>,
    o?: CommitInfo & { readonly retries?: number | undefined },
  ): Promise<Commit<V>>
  /**
   * Moves the branch, whatever it was; makes it when it is absent.
   * @throws COLLECTED when the commit is gone, UNKNOWN_COMMIT when there never was one
   */
  set(commit: CommitLike): Promise<void>
  /**
   * Moves (or, with `next` undefined, deletes) the branch if it is at `expected`; `undefined` = absent.
   * False: it was something else.
   */
  compareAndSet(expected: CommitLike | undefined, next: CommitLike | undefined): Promise<boolean>
  /** False when there was none. */
  delete(): Promise<boolean>
}

/** What an annotated tag says about itself. */
export interface TagInfo {
  readonly message?: string | undefined
  /** Default: the store's `author`. */
  readonly author?: string | undefined
  /** Default: now. */
  readonly date?: Date | number | undefined
}

export const tagInfoRules: RulesFor<TagInfo> = {
  message: optionRule.text,
  author: optionRule.text,
  date: optionRule.date,
}

/** What an annotated tag says of itself. */
export interface TagAnnotation {
  readonly message: string
  /** Empty when nobody is named. */
  readonly author: string
  /** Where the tag came from elsewhere without a date: when it was brought in. */
  readonly date: Date
}

/** A tag to read. */
export interface TagReader {
  readonly name: string
  /** `undefined` while the tag does not exist. */
  target(): Promise<Commit | undefined>
  /** `undefined` when there is no tag, or one that is not annotated. */
  annotation(): Promise<TagAnnotation | undefined>
}

/** A named pointer to a commit that stays. */
export interface Tag extends TagReader {
  /** With a message, author, or date it is an annotated tag. */
  create(commit: CommitLike, o?: TagInfo): Promise<void>
  /** False when there was none. */
  delete(): Promise<boolean>
}
