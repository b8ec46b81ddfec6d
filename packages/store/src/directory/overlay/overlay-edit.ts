import { assert } from '@varve/pack/base'
import { checkOptions, throwIfAborted, VarveError } from '@varve/pack/errors'
import { hexToRaw, type NodeRef, type NodeSink, type RawName, storeDraftInSlices } from '@varve/pack/objects'
import {
  type Abortable,
  type Bytes,
  type Content,
  type Cursor,
  type Entry,
  type Hash,
  type Path,
  type Range,
  type SetOptions,
  setRules,
  type Tree,
  type TreeEdit,
} from '../../api/index.ts'
import {
  copyOfContent,
  entryAt,
  formatPath,
  isDirectory,
  loadContent,
  loadMany,
  modeNumber,
  notATree,
  parsePath,
  readContent,
  type TreeState,
  type TreeStorage,
  totalsOf,
} from '../reading/index.ts'
import { contentInMemory, followFound, openFound, targetOfFound, touch } from './found.ts'
import { namedTree } from './named-tree.ts'
import { type BlobChange, type Found, OverlayDirectory } from './overlay-directory.ts'
import { revalidateOverlay } from './revalidate.ts'
import { restartable, SharedSteps, type Steps } from './steps.ts'
import { OverlayWriter } from './write-overlay.ts'

/** Where an edit starts, and how its results become trees. */
export interface EditStart extends TreeState {
  /** The tree with this root; the tree that the edit starts from when that is its root. */
  treeAt(root: NodeRef, epoch: number): Tree
}

/** The whole as nodes in memory, and the epoch in which what they refer to was live. */
interface Drafted {
  readonly root: NodeRef
  readonly epoch: number
}

/**
 * A tree being changed: maps of names over the nodes of the tree it started from. Single names are read from
 * the maps; whatever lists or hashes a directory first turns the changes so far into nodes in memory, which
 * costs as much as was changed since the last time.
 */
export class OverlayEdit implements TreeEdit {
  readonly #start: EditStart
  readonly #storage: TreeStorage
  #root: OverlayDirectory
  /** In which everything that the overlay stands on was live. */
  #epoch: number
  /** Whether some of that is in memory only. */
  #standsOnDrafts: boolean
  /** A `tree()` that is not done yet. */
  #drafting: SharedSteps<Drafted> | undefined
  #isBeingWritten = false

  constructor(start: EditStart) {
    this.#start = start
    this.#storage = start.storage
    // An empty draft is as good as nothing, and nothing does not have to be drafted first.
    const isNothing = start.root.draft !== undefined && totalsOf(start.storage, start.root).count === 0
    this.#root = new OverlayDirectory(isNothing ? undefined : start.root, true)
    this.#epoch = start.epoch
    this.#standsOnDrafts = start.root.draft !== undefined && !isNothing
  }

  get storage(): TreeStorage {
    return this.#storage
  }

  set(path: Path, value: Content, o?: SetOptions): this {
    return this.#setBlob(path, o, { content: copyOfContent(value), blob: undefined })
  }

  setBlob(path: Path, blob: Hash<'blob'>, o?: SetOptions): this {
    const found = this.#storage.findBlob(hexToRaw(blob))
    if (found === undefined) throw new VarveError('COLLECTED', { hash: blob })
    return this.#setBlob(path, o, { content: undefined, blob: found })
  }

  setTree(path: Path, tree: Tree | Hash<'tree'>): this {
    const names = parsePath(path)
    this.#beginWrite()
    const root = namedTree(this.#storage, tree)
    this.#standsOnDrafts ||= root.draft !== undefined
    const name = names.at(-1)
    if (name === undefined) {
      this.#root = new OverlayDirectory(root, true)
      return this
    }
    const directory = this.#makeDirectory(names, false)
    directory.putTree(name, directory.find(this.#storage, name), root)
    directory.touch(name)
    return this
  }

  delete(path: Path): this {
    const names = parsePath(path)
    this.#beginWrite()
    const name = names.at(-1)
    if (name === undefined) {
      this.#root = new OverlayDirectory(undefined, true)
      return this
    }
    const chain = this.#openDirectories(names)
    const directory = chain?.at(-1)
    const found = directory?.find(this.#storage, name)
    if (chain === undefined || directory === undefined || found === undefined) return this
    directory.remove(name, found)
    this.#prune(chain, names)
    touch(chain, names)
    return this
  }

  async get(path: Path, o: Abortable = {}): Promise<Bytes | undefined> {
    throwIfAborted(o.signal)
    return this.#load(path, o.signal)
  }

  getSync(path: Path): Bytes | undefined {
    const found = this.#find(parsePath(path))
    if (found === undefined) return undefined
    return contentInMemory(found, path) ?? readContent(this.#storage, targetOfFound(found), path)
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
    const found = this.#find(names)
    if (found === undefined) return undefined
    return found.kind === 'tree' ? this.#snapshot().statSync(path) : entryAt(names, targetOfFound(found))
  }

  async getTree(path: Path, o: Abortable = {}): Promise<Tree | undefined> {
    throwIfAborted(o.signal)
    return this.getTreeSync(path)
  }

  getTreeSync(path: Path): Tree | undefined {
    return this.#snapshot().getTreeSync(path)
  }

  entries(path: Path = '', range?: Range): Cursor<Entry> {
    return this.#snapshot().entries(path, range)
  }

  entriesSync(path: Path = '', range?: Range): IterableIterator<Entry> {
    return this.#snapshot().entriesSync(path, range)
  }

  values(path: Path = '', range?: Range): Cursor<readonly [name: string, value: Bytes]> {
    return this.#snapshot().values(path, range)
  }

  async count(path: Path = ''): Promise<number> {
    const found = this.#find(parsePath(path))
    if (found === undefined) return 0
    if (found.kind === 'tree') return found.directory.count(this.#storage)
    if (found.kind === 'blob' || !isDirectory(found.target)) throw notATree(path)
    return found.target.count
  }

  async tree(): Promise<Tree> {
    this.#refresh()
    this.#drafting ??= new SharedSteps(this.#draft())
    const { root, epoch } = await this.#drafting.pace()
    return this.#start.treeAt(root, epoch)
  }

  /**
   * Gives the whole to a store's sink, see `writeTree`.
   * @throws COLLECTED
   */
  *write(sink: NodeSink): Steps<NodeRef> {
    this.#beginWrite()
    this.#isBeingWritten = true
    try {
      return yield* restartable(
        () => this.#storage.epoch(),
        () => this.#writeOnce(sink),
      )
    } finally {
      this.#isBeingWritten = false
    }
  }

  /**
   * The whole as nodes in memory, for another store. It must not be written to meanwhile.
   * @throws COLLECTED, STORE_CLOSED
   */
  *drafted(): Steps<NodeRef> {
    this.#beginWrite()
    this.#isBeingWritten = true
    try {
      return (yield* this.#draft()).root
    } finally {
      this.#isBeingWritten = false
    }
  }

  *#writeOnce(sink: NodeSink): Steps<NodeRef> {
    this.#refresh()
    if (!this.#standsOnDrafts) return yield* new OverlayWriter(this.#storage, sink).write(this.#root)
    // Only what is left in the end goes to the store, not the nodes in between.
    const drafted = yield* new OverlayWriter(this.#storage, 'draft').write(this.#root)
    return yield* storeDraftInSlices(sink, drafted)
  }

  *#draft(): Steps<Drafted> {
    const root = yield* restartable(
      () => this.#storage.epoch(),
      () => {
        this.#refresh()
        return new OverlayWriter(this.#storage, 'draft').write(this.#root)
      },
    )
    return { root, epoch: this.#epoch }
  }

  /** The tree as it is now, at once. */
  #snapshot(): Tree {
    this.#refresh()
    const { root, epoch } = (this.#drafting ?? new SharedSteps(this.#draft())).finish()
    this.#drafting = undefined
    return this.#start.treeAt(root, epoch)
  }

  #beginWrite(): void {
    assert(!this.#isBeingWritten, 'an edit is left alone while it is being committed')
    // A tree() that is still at it wants the state before this write.
    this.#drafting?.finish()
    this.#drafting = undefined
    this.#refresh()
  }

  /** After a collection, what the overlay stands on may be elsewhere, or gone. */
  #refresh(): void {
    const epoch = this.#storage.epoch()
    if (epoch === this.#epoch) return
    // What has been drafted is of no use; what is being drafted starts over by itself.
    if (this.#drafting?.isDone === true) this.#drafting = undefined
    revalidateOverlay(this.#storage, this.#root)
    this.#epoch = epoch
  }

  #setBlob(path: Path, o: SetOptions | undefined, blob: Pick<BlobChange, 'content' | 'blob'>): this {
    if (o !== undefined) checkOptions(o, setRules)
    const replace = o?.replace ?? false
    const mode = modeNumber(o?.mode ?? 'file')
    const names = parsePath(path)
    this.#beginWrite()
    const name = names.at(-1)
    if (name === undefined) throw new VarveError('IS_A_TREE', { path })
    const directory = this.#makeDirectory(names, replace)
    const standing = directory.standing(this.#storage, name)
    if (!replace && standing === 'tree') throw new VarveError('IS_A_TREE', { path })
    directory.putBlob(name, standing, { mode, content: blob.content, blob: blob.blob })
    directory.touch(name)
    return this
  }

  /**
   * The directory of the last name; missing ones on the way are made. Where one is missing, so is all below,
   * and nothing can fail any more: a failed call leaves no empty directories behind. Notes in each directory
   * above that something below it has changed.
   */
  #makeDirectory(names: readonly RawName[], replace: boolean): OverlayDirectory {
    let directory = this.#root
    for (let at = 0; at < names.length - 1; at++) {
      const name = names[at] as RawName
      const found = directory.find(this.#storage, name)
      const below = openFound(directory, name, found)
      if (below === undefined && found !== undefined && !replace)
        throw notATree(formatPath(names.slice(0, at + 1)))
      directory.touch(name)
      directory = below ?? directory.putTree(name, found, undefined)
    }
    return directory
  }

  /** The same directories if all are there. */
  #openDirectories(names: readonly RawName[]): OverlayDirectory[] | undefined {
    const chain = [this.#root]
    let directory = this.#root
    for (let at = 0; at < names.length - 1; at++) {
      const name = names[at] as RawName
      const below = openFound(directory, name, directory.find(this.#storage, name))
      if (below === undefined) return undefined
      directory = below
      chain.push(directory)
    }
    return chain
  }

  /** Removes directories that a removal has emptied, from the lowest up; the root stays. */
  #prune(chain: readonly OverlayDirectory[], names: readonly RawName[]): void {
    for (let at = chain.length - 1; at > 0; at--) {
      const directory = chain[at] as OverlayDirectory
      if (directory.count(this.#storage) > 0) return
      const name = names[at - 1] as RawName
      const above = chain[at - 1] as OverlayDirectory
      above.remove(name, above.find(this.#storage, name) as Found)
    }
  }

  #find(names: readonly RawName[]): Found | undefined {
    this.#refresh()
    let directory = this.#root
    for (let at = 0; at < names.length; at++) {
      const found = directory.find(this.#storage, names[at] as RawName)
      if (found === undefined || at === names.length - 1) return found
      if (found.kind !== 'tree') return followFound(this.#storage, found, names.slice(at + 1))
      directory = found.directory
    }
    return { kind: 'tree', directory, isOver: false }
  }

  #load(path: Path, signal: AbortSignal | undefined): Bytes | undefined | Promise<Bytes> {
    const found = this.#find(parsePath(path))
    if (found === undefined) return undefined
    return contentInMemory(found, path) ?? loadContent(this.#storage, targetOfFound(found), { path, signal })
  }
}
