import type { IdSize } from '../../git/index.ts'
import type { IdIndex } from './id-map.ts'

/** Smaller trees are converted whole in less time than it takes to compare them. */
const TREE_BYTES_MIN = 3_072
const TREES_MAX = 32
const BYTES_MAX = 16 * 1024 * 1024
/** Room for the next versions, which tend to be larger. */
const GROWTH = 1.25
/** Compared at once. */
const BLOCK_BYTES = 4_096

/** A tree object that was converted, and where its entries begin. */
export interface RecentTree {
  readonly index: IdIndex
  readonly bytes: Buffer
  /** Of each entry, and the end of the last one. */
  readonly starts: Uint32Array
}

interface KeptTree extends RecentTree {
  /** `bytes` are its beginning. */
  readonly memory: Buffer
}

/**
 * What is not the same at the beginning and at the end of two trees: entries of the one, bytes of the other.
 */
export interface DifferentPart {
  readonly firstEntry: number
  /** After the last. */
  readonly endEntry: number
  readonly start: number
  readonly end: number
}

/**
 * Large trees, as they were last seen. The versions of a directory begin with the same names, by which the
 * last one is found again: from commit to commit most of a large directory stays as it is.
 */
export class RecentTrees {
  /** In the order of their last use. */
  readonly #trees = new Map<string, KeptTree>()
  readonly #idSize: IdSize
  #bytes = 0

  constructor(idSize: IdSize) {
    this.#idSize = idSize
  }

  /** Whether such a tree is worth keeping, and looking for. */
  isLarge(size: number): boolean {
    return size >= TREE_BYTES_MIN && size * GROWTH <= BYTES_MAX
  }

  find(bytes: Buffer, start: number): RecentTree | undefined {
    return this.#trees.get(this.#key(bytes, start))
  }

  /** Takes a copy, in the place of the version before and, if it fits, in its memory. */
  keep(tree: RecentTree): void {
    const key = this.#key(tree.bytes, 0)
    const memory = this.#memoryFor(key, tree.bytes.length)
    this.#drop(key)
    tree.bytes.copy(memory)
    const bytes = memory.subarray(0, tree.bytes.length)
    this.#trees.set(key, { index: tree.index, starts: tree.starts, bytes, memory })
    this.#bytes += memory.length
    for (const oldest of this.#trees.keys()) {
      if (this.#bytes <= BYTES_MAX && this.#trees.size <= TREES_MAX) break
      this.#drop(oldest)
    }
  }

  #memoryFor(key: string, size: number): Buffer {
    const memory = this.#trees.get(key)?.memory
    if (memory !== undefined && memory.length >= size && memory.length <= size * 2) return memory
    return Buffer.allocUnsafeSlow(Math.ceil(size * GROWTH))
  }

  /** The first two names: they hardly ever change, and hardly ever are those of another large directory. */
  #key(bytes: Buffer, start: number): string {
    const firstEnd = bytes.indexOf(0, start)
    const second = firstEnd + 1 + this.#idSize
    const secondEnd = bytes.indexOf(0, second)
    return bytes.toString('latin1', start, firstEnd + 1) + bytes.toString('latin1', second, secondEnd)
  }

  #drop(key: string): void {
    this.#bytes -= this.#trees.get(key)?.memory.length ?? 0
    this.#trees.delete(key)
  }
}

/**
 * Where a tree object differs from an earlier one, with an entry more on both sides, so that the order at its
 * edges can be proved. `undefined` when less than half of it is the same.
 */
export function differentPart(
  base: RecentTree,
  tree: { readonly bytes: Buffer; readonly start: number; readonly end: number },
): DifferentPart | undefined {
  const size = tree.end - tree.start
  const shared = Math.min(size, base.bytes.length)
  const same = sameAtStart(base.bytes, tree.bytes, tree.start, shared)
  const sameEnd = sameAtEnd(base.bytes, tree.bytes, tree.end, shared - same)
  if ((same + sameEnd) * 2 < size) return undefined
  const { starts } = base
  const firstEntry = Math.max(0, lastUpTo(starts, same) - 1)
  const entryCount = starts.length - 1
  const endEntry = Math.min(entryCount, firstFrom(starts, base.bytes.length - sameEnd) + 1)
  if (endEntry < firstEntry) return undefined
  const start = tree.start + starts[firstEntry]!
  const end = tree.end - (base.bytes.length - starts[endEntry]!)
  return end < start ? undefined : { firstEntry, endEntry, start, end }
}

function sameAtStart(a: Buffer, b: Buffer, bStart: number, limit: number): number {
  let at = 0
  while (
    at + BLOCK_BYTES <= limit &&
    a.compare(b, bStart + at, bStart + at + BLOCK_BYTES, at, at + BLOCK_BYTES) === 0
  ) {
    at += BLOCK_BYTES
  }
  while (at < limit && a[at] === b[bStart + at]) at++
  return at
}

function sameAtEnd(a: Buffer, b: Buffer, bEnd: number, limit: number): number {
  let size = 0
  const aEnd = a.length
  while (size + BLOCK_BYTES <= limit) {
    const next = size + BLOCK_BYTES
    if (a.compare(b, bEnd - next, bEnd - size, aEnd - next, aEnd - size) !== 0) break
    size = next
  }
  while (size < limit && a[aEnd - size - 1] === b[bEnd - size - 1]) size++
  return size
}

/** The last entry that begins at or before the place. */
function lastUpTo(starts: Uint32Array, place: number): number {
  let low = 0
  let high = starts.length
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (starts[middle]! <= place) low = middle
    else high = middle
  }
  return low
}

/** The first entry that begins at or after the place. */
function firstFrom(starts: Uint32Array, place: number): number {
  const before = lastUpTo(starts, place)
  return starts[before]! >= place ? before : before + 1
}
