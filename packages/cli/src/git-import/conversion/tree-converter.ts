import { encodeName, entryMode, type ModeNumber, type TreeEntry } from '@varve/pack/objects'
import { type GitEntryKind, type IdSize, MalformedTree, TreeObjectReader } from '../../git/index.ts'
import type { ImportSink } from '../import-sink.ts'
import { type IdIndex, type IdMap, idState } from './id-map.ts'

const ARENA_BYTES_MIN = 1024 * 1024

const modeOf: Readonly<Record<GitEntryKind, ModeNumber>> = entryMode

/** One tree object that waits in the arena. */
interface WaitingTree {
  readonly index: IdIndex
  readonly start: number
  readonly end: number
  /** Needs an object that is not known yet. */
  isBlocked: boolean
}

/**
 * Turns Git's tree objects into directories of the store, children first. A commit's trees come before all of
 * what they hold has been seen, so their bytes wait (in one reused piece of memory) until the commit is
 * complete.
 */
export class TreeConverter {
  readonly #ids: IdMap
  readonly #sink: ImportSink
  readonly #idSize: IdSize
  #arena: Buffer = Buffer.allocUnsafe(ARENA_BYTES_MIN)
  #arenaEnd = 0
  readonly #waiting: WaitingTree[] = []
  /** By the place of its id. */
  readonly #byIndex = new Map<IdIndex, WaitingTree>()
  readonly #submodules = new Map<string, { hash: string; offset: number; size: number }>()
  /** What conversion found missing, by id; the flag says that a directory is expected. */
  #unknown = new Map<string, boolean>()

  constructor(ids: IdMap, sink: ImportSink, idSize: IdSize) {
    this.#ids = ids
    this.#sink = sink
    this.#idSize = idSize
  }

  /** Takes a copy of the tree object, unless it is known already. */
  add(id: Buffer, content: Buffer): void {
    if (this.#ids.find(id, 0) >= 0) return
    const index = this.#ids.add(id, 0, idState.waiting)
    const start = this.#arenaEnd
    if (start + content.length > this.#arena.length) this.#grow(start + content.length)
    content.copy(this.#arena, start)
    this.#arenaEnd += content.length
    const tree = { index, start, end: this.#arenaEnd, isBlocked: false }
    this.#waiting.push(tree)
    this.#byIndex.set(index, tree)
  }

  /**
   * Converts what waits. Gives the ids that are needed and were never added; when there are any, the trees
   * that need them still wait: add these (or mark them absent) and call again.
   */
  convert(): readonly string[] {
    this.#unknown = new Map()
    for (const tree of this.#waiting) tree.isBlocked = false
    // Trees come before what they hold: from the last to the first, hardly ever must one wait for another.
    for (let at = this.#waiting.length - 1; at >= 0; at--) this.#convertWithChildren(this.#waiting[at]!)
    if (this.#unknown.size === 0) {
      this.#waiting.length = 0
      this.#byIndex.clear()
      this.#arenaEnd = 0
    }
    return [...this.#unknown.keys()]
  }

  /** Forgets what waits, as if it had never been added. */
  drop(): void {
    for (const tree of this.#waiting) {
      if (this.#ids.state(tree.index) === idState.waiting) this.#ids.setState(tree.index, idState.unseen)
    }
    this.#waiting.length = 0
    this.#byIndex.clear()
    this.#arenaEnd = 0
  }

  #convertWithChildren(root: WaitingTree): void {
    const stack = [root]
    for (let tree = stack.at(-1); tree !== undefined; tree = stack.at(-1)) {
      if (this.#ids.state(tree.index) !== idState.waiting || tree.isBlocked) {
        stack.pop()
        continue
      }
      const before = stack.length
      this.#convertOne(tree, stack)
      if (stack.length === before) stack.pop()
    }
  }

  /** Converts the tree, or puts the trees that must come before it on the stack. */
  #convertOne(tree: WaitingTree, stack: WaitingTree[]): void {
    const reader = new TreeObjectReader(this.#arena, tree, this.#idSize)
    const entries: TreeEntry[] = []
    const facts = { isOdd: false, isBroken: false, size: 0 }
    const depth = stack.length
    try {
      while (reader.next()) {
        const entry = this.#entry(reader, tree, facts, stack)
        if (entry === undefined) continue
        facts.size += entry.size
        entries.push(entry)
      }
    } catch (cause) {
      if (!(cause instanceof MalformedTree)) throw cause
      facts.isBroken = true
    }
    if (stack.length > depth || tree.isBlocked) return
    if (facts.isBroken) {
      this.#ids.setState(tree.index, idState.broken)
      return
    }
    const sorted = reader.isAscending ? entries : sortedOnce(entries)
    const isOdd = facts.isOdd || !reader.isPlain || sorted.length < entries.length
    const size = sorted === entries ? facts.size : sorted.reduce((sum, entry) => sum + entry.size, 0)
    const ref = this.#sink.putDirectory(undefined, sorted)
    this.#ids.setTree(tree.index, ref, { count: sorted.length, size, isOdd })
  }

  /** `undefined` when there is none yet, or never: then `tree`, `facts` or the stack says so. */
  #entry(
    reader: TreeObjectReader,
    tree: WaitingTree,
    facts: { isOdd: boolean; isBroken: boolean },
    stack: WaitingTree[],
  ): TreeEntry | undefined {
    const name = reader.isNameLegal
      ? reader.bytes.toString('latin1', reader.nameStart, reader.nameEnd)
      : Buffer.from(encodeName(reader.name)).toString('latin1')
    const mode = modeOf[reader.kind]
    if (reader.kind === 'submodule') return { name, mode, count: 0, ...this.#submodule(reader.id) }
    const index = this.#ids.find(reader.bytes, reader.idAt)
    if (index < 0) {
      this.#unknown.set(reader.id, reader.kind === 'directory')
      tree.isBlocked = true
      return undefined
    }
    const ids = this.#ids
    const state = ids.state(index)
    if (state === idState.waiting) {
      const child = this.#byIndex.get(index)!
      if (child.isBlocked) tree.isBlocked = true
      else stack.push(child)
      return undefined
    }
    const isDirectory = mode === entryMode.directory
    if (state !== (isDirectory ? idState.tree : idState.blob)) {
      facts.isBroken = true
      return undefined
    }
    if (isDirectory && ids.isOdd(index)) facts.isOdd = true
    const count = isDirectory ? ids.entryCount(index) : 0
    return { name, mode, size: ids.size(index), count, hash: ids.hash(index), offset: ids.offset(index) }
  }

  /** A submodule's content is a blob that holds its id. */
  #submodule(id: string): { hash: string; offset: number; size: number } {
    let ref = this.#submodules.get(id)
    if (ref === undefined) {
      const { hash, offset, size } = this.#sink.putBlob(Buffer.from(id, 'latin1'))
      ref = { hash, offset, size }
      this.#submodules.set(id, ref)
    }
    return ref
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafe(Math.max(size, this.#arena.length * 2))
    this.#arena.copy(larger, 0, 0, this.#arenaEnd)
    this.#arena = larger
  }
}

/** By name; of entries with one name the first, which is the one that Git finds. */
function sortedOnce(entries: readonly TreeEntry[]): TreeEntry[] {
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return sorted.filter((entry, at) => at === 0 || entry.name !== sorted[at - 1]!.name)
}
