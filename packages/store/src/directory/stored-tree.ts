import { checkOptions, throwIfAborted } from '@varve/pack/errors'
import {
  DraftSink,
  type EntryTarget,
  type NodeRef,
  type RawName,
  rawNameText,
  rawToHex,
  TreeWriter,
  treeShape,
} from '@varve/pack/objects'
import {
  type Abortable,
  type Bytes,
  type Change,
  type Commit,
  type Content,
  type Cursor,
  type DiffOptions,
  type Entry,
  type Hash,
  type Path,
  type Range,
  rangeRules,
  type SetOptions,
  type Tree,
  type TreeEdit,
} from '../api/index.ts'
import { OverlayEdit } from './overlay/index.ts'
import {
  entryAt,
  entryIn,
  followNames,
  type HasTreeState,
  isDirectory,
  LazyCursor,
  loadContent,
  loadMany,
  nodeOf,
  notATree,
  parsePath,
  readContent,
  type TreeState,
  type TreeStorage,
} from './reading/index.ts'
import { diffTrees } from './tree-diff.ts'
import { firstOf, type Walked, walkEntries } from './walk-entries.ts'

/**
 * A tree by its root node, in a store or in memory. Reading is synchronous inside: most nodes are in the
 * cache, and an awaited read of the others would cost more than it frees. Only blobs stored in pieces are
 * waited for.
 */
export class StoredTree implements Tree, HasTreeState {
  readonly #state: TreeState

  constructor(state: TreeState) {
    this.#state = state
  }

  get treeState(): TreeState {
    return this.#state
  }

  async get(path: Path, o: Abortable = {}): Promise<Bytes | undefined> {
    return this.#load(path, o.signal)
  }

  getSync(path: Path): Bytes | undefined {
    return readContent(this.#state.storage, this.#find(parsePath(path)), path)
  }

  getMany(paths: readonly Path[], o: Abortable = {}): Promise<(Bytes | undefined)[]> {
    return loadMany(paths, (path) => this.#load(path, o.signal))
  }

  async has(path: Path, o: Abortable = {}): Promise<boolean> {
    throwIfAborted(o.signal)
    return this.hasSync(path)
  }

  hasSync(path: Path): boolean {
    return this.#find(parsePath(path)) !== undefined
  }

  async stat(path: Path, o: Abortable = {}): Promise<Entry | undefined> {
    throwIfAborted(o.signal)
    return this.statSync(path)
  }

  statSync(path: Path): Entry | undefined {
    const names = parsePath(path)
    const target = this.#find(names)
    return target === undefined ? undefined : entryAt(names, target)
  }

  async getTree(path: Path, o: Abortable = {}): Promise<Tree | undefined> {
    throwIfAborted(o.signal)
    return this.getTreeSync(path)
  }

  getTreeSync(path: Path): Tree | undefined {
    const names = parsePath(path)
    if (names.length === 0) return this
    const target = this.#directory(names, path)
    // What is below a tree is known to be live as long as the tree itself is.
    return target === undefined ? undefined : this.#treeAt(nodeOf(target), this.#state.epoch)
  }

  entries(path: Path = '', range: Range = {}): Cursor<Entry> {
    checkOptions(range, rangeRules)
    return new LazyCursor(this.#entries(path, range), range.signal)
  }

  entriesSync(path: Path = '', range: Range = {}): IterableIterator<Entry> {
    checkOptions(range, rangeRules)
    return this.#entries(path, range)
  }

  values(path: Path = '', range: Range = {}): Cursor<readonly [name: string, value: Bytes]> {
    checkOptions(range, rangeRules)
    return new LazyCursor(this.#values(path, range), range.signal)
  }

  async count(path: Path = ''): Promise<number> {
    return this.#directory(parsePath(path), path)?.count ?? 0
  }

  async set(path: Path, value: Content, o?: SetOptions): Promise<Tree> {
    return this.edit().set(path, value, o).tree()
  }

  async setBlob(path: Path, blob: Hash<'blob'>, o?: SetOptions): Promise<Tree> {
    return this.edit().setBlob(path, blob, o).tree()
  }

  async setTree(path: Path, tree: Tree | Hash<'tree'>): Promise<Tree> {
    return this.edit().setTree(path, tree).tree()
  }

  async delete(path: Path): Promise<Tree> {
    return this.edit().delete(path).tree()
  }

  edit(): TreeEdit {
    const { storage, root, epoch } = this.#state
    return new OverlayEdit({ storage, root, epoch, treeAt: (newRoot, at) => this.#treeAt(newRoot, at) })
  }

  async hash(): Promise<Hash<'tree'>> {
    return rawToHex(this.#state.root.hash) as Hash<'tree'>
  }

  diff(newer: Tree | Commit, o?: DiffOptions): Cursor<Change> {
    return diffTrees(this, newer, o)
  }

  /** The tree with this root: this one when nothing has changed. */
  #treeAt(root: NodeRef, epoch: number): Tree {
    const { storage, root: own } = this.#state
    return root.hash === own.hash ? this : new StoredTree({ storage, root, epoch })
  }

  #find(names: readonly RawName[]): EntryTarget | undefined {
    return followNames(this.#state.storage, this.#state.root, names)
  }

  /** @throws NOT_A_TREE */
  #directory(names: readonly RawName[], path: Path): EntryTarget | undefined {
    const target = this.#find(names)
    if (target !== undefined && !isDirectory(target)) throw notATree(path)
    return target
  }

  #load(path: Path, signal: AbortSignal | undefined): Bytes | undefined | Promise<Bytes> {
    throwIfAborted(signal)
    return loadContent(this.#state.storage, this.#find(parsePath(path)), { path, signal })
  }

  *#entries(path: Path, range: Range): Generator<Entry, undefined, undefined> {
    for (const { directory, name, target } of firstOf(this.#walk(path, range), range.limit)) {
      yield entryIn(directory, name, target)
    }
    return undefined
  }

  *#values(path: Path, range: Range): Generator<ValueItem | Promise<ValueItem>, void, undefined> {
    const { storage } = this.#state
    const depth = parsePath(path).length
    for (const walked of firstOf(blobsOf(this.#walk(path, range)), range.limit)) {
      const { directory, name, target } = walked
      const shownName = [...directory.slice(depth), rawNameText(name)].join('/')
      const content = loadContent(storage, target, { path: shownName, signal: range.signal }) as Loaded
      if (content instanceof Promise) yield content.then((value) => [shownName, value] as const)
      else yield [shownName, content]
    }
  }

  *#walk(path: Path, range: Range): Generator<Walked, void, undefined> {
    const names = parsePath(path)
    const target = this.#directory(names, path)
    if (target === undefined) return
    const start = { storage: this.#state.storage, root: nodeOf(target), directory: names.map(rawNameText) }
    yield* walkEntries(start, range)
  }
}

type ValueItem = readonly [name: string, value: Bytes]
type Loaded = Bytes | Promise<Bytes>

/** The empty tree, which is nowhere until it is written. */
export function emptyTree(storage: TreeStorage): StoredTree {
  const root = new TreeWriter(storage.nodes, new DraftSink(), treeShape).apply(undefined, [])
  return new StoredTree({ storage, root, epoch: storage.epoch() })
}

function* blobsOf(walk: Iterable<Walked>): Generator<Walked, void, undefined> {
  for (const walked of walk) if (!isDirectory(walked.target)) yield walked
}
