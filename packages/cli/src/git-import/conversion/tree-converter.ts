import type { IdSize } from '../../git/index.ts'
import type { ImportSink } from '../import-sink.ts'
import { DirectoryConverter } from './directory-converter.ts'
import { type IdIndex, type IdMap, idState } from './id-map.ts'

const ARENA_BYTES_MIN = 1024 * 1024

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
  readonly #directories: DirectoryConverter
  #arena: Buffer = Buffer.allocUnsafe(ARENA_BYTES_MIN)
  #arenaEnd = 0
  readonly #waiting: WaitingTree[] = []
  /** By the place of its id. */
  readonly #byIndex = new Map<IdIndex, WaitingTree>()
  /** Ids that conversion found to be needed. */
  #unknown = new Set<string>()

  constructor(ids: IdMap, sink: ImportSink, idSize: IdSize) {
    this.#ids = ids
    this.#directories = new DirectoryConverter(ids, sink, idSize)
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
    this.#unknown = new Set()
    for (const tree of this.#waiting) tree.isBlocked = false
    // Trees come before what they hold: from the last to the first, hardly ever must one wait for another.
    for (let at = this.#waiting.length - 1; at >= 0; at--) this.#convertWithChildren(this.#waiting[at]!)
    if (this.#unknown.size === 0) this.#forget()
    return [...this.#unknown]
  }

  /** Forgets what waits, as if it had never been added. */
  drop(): void {
    for (const tree of this.#waiting) {
      if (this.#ids.state(tree.index) === idState.waiting) this.#ids.setState(tree.index, idState.unseen)
    }
    this.#forget()
  }

  #forget(): void {
    this.#waiting.length = 0
    this.#byIndex.clear()
    this.#arenaEnd = 0
  }

  #convertWithChildren(root: WaitingTree): void {
    const stack = [root]
    for (let tree = stack.at(-1); tree !== undefined; tree = stack.at(-1)) {
      const isDone = this.#ids.state(tree.index) !== idState.waiting || tree.isBlocked
      if (isDone || !this.#convertOne(tree, stack)) stack.pop()
    }
  }

  /** True when other trees, now on the stack, must come first. */
  #convertOne(tree: WaitingTree, stack: WaitingTree[]): boolean {
    const depth = stack.length
    const { index, start, end } = tree
    for (const obstacle of this.#directories.convert({ index, start, end, bytes: this.#arena })) {
      if (obstacle.obstacle === 'unknown') {
        this.#unknown.add(obstacle.id)
        tree.isBlocked = true
      } else if (obstacle.obstacle === 'waiting') {
        const child = this.#byIndex.get(obstacle.index)!
        if (child.isBlocked) tree.isBlocked = true
        else stack.push(child)
      }
    }
    return stack.length > depth
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafe(Math.max(size, this.#arena.length * 2))
    this.#arena.copy(larger, 0, 0, this.#arenaEnd)
    this.#arena = larger
  }
}
