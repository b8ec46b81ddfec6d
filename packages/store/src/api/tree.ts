import { optionRule, type RulesFor } from '@varve/pack/errors'
import { type Abortable, abortableRules } from './call-options.ts'
import type { Commit } from './commit.ts'
import type { Bytes, ValueOf } from './content.ts'
import type { Cursor, Range } from './cursor.ts'
import type { Change, Entry, Mode } from './entry.ts'
import type { Hash } from './hash.ts'
import type { Path } from './path.ts'

/** How a blob is set. */
export interface SetOptions {
  /** Default 'file'. */
  readonly mode?: Mode | undefined
  /** Put it there even if a directory stands at the path, or a blob on the way to it. Default false. */
  readonly replace?: boolean | undefined
}

const modes: readonly unknown[] = ['file', 'executable', 'symlink', 'submodule'] satisfies readonly Mode[]

export const setRules: RulesFor<SetOptions> = {
  mode: { says: `one of ${modes.join(', ')}`, fits: (value) => modes.includes(value) },
  replace: optionRule.flag,
}

/**
 * Everything that reads. Absence is `undefined`; a path that leads through a blob is absent too. Every call
 * may fail with `INVALID_PATH`, with `COLLECTED` when the tree's nodes went in a collection, and with
 * `CORRUPT`.
 */
export interface TreeReader<V = Bytes> {
  /**
   * The content of a blob.
   * @throws IS_A_TREE when the path is a directory
   */
  get(path: Path, o?: Abortable): Promise<V | undefined>
  /** `get` without a promise; also reads large blobs, and blocks while it does. */
  getSync(path: Path): V | undefined
  /** One answer per path, in order; cheaper than as many calls of `get`. */
  getMany(paths: readonly Path[], o?: Abortable): Promise<(V | undefined)[]>
  /** Whether anything, blob or directory, is there. */
  has(path: Path, o?: Abortable): Promise<boolean>
  hasSync(path: Path): boolean
  /** What is there, without its content. */
  stat(path: Path, o?: Abortable): Promise<Entry | undefined>
  statSync(path: Path): Entry | undefined
  /**
   * The directory at the path, as a tree of its own.
   * @throws NOT_A_TREE when the path is a blob
   */
  getTree(path: Path, o?: Abortable): Promise<Tree<V> | undefined>
  getTreeSync(path: Path): Tree<V> | undefined
  /**
   * The entries of a directory in byte order of their names; none when the path is absent.
   * @throws NOT_A_TREE when the path is a blob
   */
  entries(path?: Path, range?: Range): Cursor<Entry>
  entriesSync(path?: Path, range?: Range): IterableIterator<Entry>
  /**
   * The blobs of a directory with their content; directories are passed over. With `recursive` the name is
   * the path joined by '/'.
   */
  values(path?: Path, range?: Range): Cursor<readonly [name: string, value: V]>
  /**
   * Entries directly in the directory, 0 when the path is absent. O(depth): the nodes of a directory hold
   * the count of its names, as `TreeEntry.count` tells it. What lies in directories further below is counted
   * nowhere; walk `entries(path, { recursive: true })` for that.
   * @throws NOT_A_TREE when the path is a blob
   */
  count(path?: Path): Promise<number>
}

/**
 * An immutable directory. Writing gives a new tree and leaves this one as it is; nothing reaches the store
 * before a commit or `putTree`. Two trees with the same content have the same hash, however they came about.
 */
export interface Tree<V = Bytes> extends TreeReader<V> {
  /**
   * The tree with this content at the path; directories on the way are made. The same tree object when that
   * changes nothing.
   * @throws IS_A_TREE when a directory is there, NOT_A_TREE when a blob is on the way (unless `replace`)
   */
  set(path: Path, value: ValueOf<V>, o?: SetOptions): Promise<Tree<V>>
  /**
   * `set` with a blob that the store holds already.
   * @throws COLLECTED when it holds no such blob; else as `set`
   */
  setBlob(path: Path, blob: Hash<'blob'>, o?: SetOptions): Promise<Tree<V>>
  /**
   * Puts a whole tree at the path, in place of whatever is there; an empty one stays as an empty directory.
   * @throws COLLECTED when the store holds no such tree, NOT_A_TREE when a blob is on the way
   */
  setTree(path: Path, tree: Tree<V> | Hash<'tree'>): Promise<Tree<V>>
  /**
   * The tree without what is at the path, and without the directories that this empties. Absent: the same
   * tree.
   */
  delete(path: Path): Promise<Tree<V>>
  /** Many writes at once: much cheaper than a chain of `set`. */
  edit(): TreeEdit<V>
  hash(): Promise<Hash<'tree'>>
  /** What is different in `newer`, in the order of the walk; costs what differs, not what is there. */
  diff(newer: Tree<V> | Commit<V>, o?: DiffOptions): Cursor<Change>
}

export interface DiffOptions extends Abortable {
  /** Compare only what is at and below this path; paths in the changes stay whole. */
  readonly path?: Path | undefined
}

export const diffRules: RulesFor<DiffOptions> = { ...abortableRules, path: optionRule.any }

/**
 * A tree being changed, in memory. Calls are cheap and apply in order; reads see the writes made so far, and
 * a cursor shows what was there when it was asked for. Listings, and whatever needs the hash of a directory,
 * cost as much as was changed since the last of them. Left alone while a commit is taking it.
 */
export interface TreeEdit<V = Bytes> extends TreeReader<V> {
  /** The content is copied at once. Throws as `Tree.set`; a call that fails changes nothing. */
  set(path: Path, value: ValueOf<V>, o?: SetOptions): this
  setBlob(path: Path, blob: Hash<'blob'>, o?: SetOptions): this
  setTree(path: Path, tree: Tree<V> | Hash<'tree'>): this
  delete(path: Path): this
  /** The tree as it is now; the edit may go on. The tree it started from when nothing changed. */
  tree(): Promise<Tree<V>>
}
