import type { TreeChange, TreeEntry } from '@varve/pack/objects'
import { type IdSize, MalformedTree, TreeObjectReader } from '../../git/index.ts'
import type { ImportSink } from '../import-sink.ts'
import { EntrySource, type Obstacle } from './entry-source.ts'
import { type IdIndex, type IdMap, idState } from './id-map.ts'
import { type DifferentPart, differentPart, type RecentTree, RecentTrees } from './recent-trees.ts'

/** A tree object among other bytes. */
export interface TreeBytes {
  readonly index: IdIndex
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

const none: readonly Obstacle[] = []

/**
 * Makes one directory from one tree object: whole, or, when it is large and its last version is at hand, by
 * what has changed. Both ways give the same directory.
 */
export class DirectoryConverter {
  readonly #ids: IdMap
  readonly #sink: ImportSink
  readonly #idSize: IdSize
  readonly #entries: EntrySource
  readonly #recent: RecentTrees

  constructor(ids: IdMap, sink: ImportSink, idSize: IdSize) {
    this.#ids = ids
    this.#sink = sink
    this.#idSize = idSize
    this.#entries = new EntrySource(ids, sink)
    this.#recent = new RecentTrees(idSize)
  }

  /** What has to be known first; none when the tree is converted, or is known to be broken. */
  convert(tree: TreeBytes): readonly Obstacle[] {
    try {
      return this.#change(tree) ?? this.#whole(tree)
    } catch (cause) {
      if (!(cause instanceof MalformedTree)) throw cause
      this.#ids.setState(tree.index, idState.broken)
      return none
    }
  }

  #whole(tree: TreeBytes): readonly Obstacle[] {
    const reader = new TreeObjectReader(tree.bytes, tree, this.#idSize)
    const entries: TreeEntry[] = []
    const obstacles: Obstacle[] = []
    const starts: number[] = []
    const isLarge = this.#recent.isLarge(tree.end - tree.start)
    this.#entries.hasOdd = false
    let size = 0
    while (reader.next()) {
      if (isLarge) starts.push(reader.start - tree.start)
      const entry = this.#entries.entry(reader)
      if ('obstacle' in entry) obstacles.push(entry)
      else {
        size += entry.size
        entries.push(entry)
      }
    }
    if (obstacles.length > 0) return this.#hindered(tree, obstacles)
    const sorted = reader.isAscending ? entries : sortedOnce(entries)
    if (sorted.length < entries.length) size = sorted.reduce((sum, entry) => sum + entry.size, 0)
    const isOdd = this.#entries.hasOdd || !reader.isPlain || sorted.length < entries.length
    const ref = this.#sink.putDirectory(undefined, sorted)
    this.#ids.setTree(tree.index, ref, { count: sorted.length, size, isOdd })
    if (isLarge) this.#keep(tree, Uint32Array.from([...starts, tree.end - tree.start]))
    return none
  }

  /** Gives `undefined` where this way does not lead to the directory. */
  #change(tree: TreeBytes): readonly Obstacle[] | undefined {
    if (!this.#recent.isLarge(tree.end - tree.start)) return undefined
    const base = this.#recent.find(tree.bytes, tree.start)
    if (base === undefined || this.#ids.isOdd(base.index)) return undefined
    const part = differentPart(base, tree)
    if (part === undefined) return undefined
    const found = this.#changesIn(tree, base, part)
    if (found === undefined) return undefined
    if (found.obstacles.length > 0) return this.#hindered(tree, found.obstacles)
    const ids = this.#ids
    const from = { hash: ids.hash(base.index), offset: ids.offset(base.index) }
    const ref = this.#sink.changeDirectory(from, found.changes)
    const { count, size } = this.#sink.totals(ref)
    // A file and a directory of one name may stand far apart in Git's order: then a name was there before.
    if (count !== ids.entryCount(base.index) + found.addedCount - found.removedCount) return undefined
    ids.setTree(tree.index, ref, { count, size, isOdd: this.#entries.hasOdd })
    this.#keep(tree, joinedStarts(base, part, found.starts, tree))
    return none
  }

  #changesIn(tree: TreeBytes, base: RecentTree, part: DifferentPart): FoundChanges | undefined {
    const before = this.#entriesIn(base, part)
    const reader = new TreeObjectReader(tree.bytes, part, this.#idSize)
    const found: FoundChanges = { changes: [], obstacles: [], starts: [], addedCount: 0, removedCount: 0 }
    this.#entries.hasOdd = false
    while (reader.next()) {
      found.starts.push(reader.start - tree.start)
      const name = tree.bytes.toString('latin1', reader.nameStart, reader.nameEnd)
      const old = before.get(name)
      before.delete(name)
      const end = reader.idAt + this.#idSize
      if (old !== undefined && base.bytes.compare(tree.bytes, reader.start, end, old.start, old.end) === 0)
        continue
      const entry = this.#entries.entry(reader)
      if ('obstacle' in entry) found.obstacles.push(entry)
      else found.changes.push({ name, target: entry })
      if (old === undefined) found.addedCount++
    }
    if (!reader.isPlain) return undefined
    for (const name of before.keys()) found.changes.push({ name, target: undefined })
    found.removedCount = before.size
    found.changes.sort((a, b) => (a.name < b.name ? -1 : 1))
    const isTwice = found.changes.some(({ name }, at) => name === found.changes[at - 1]?.name)
    return isTwice ? undefined : found
  }

  /** The places of the base's entries in the part, by name. */
  #entriesIn(
    base: RecentTree,
    part: DifferentPart,
  ): Map<string, { readonly start: number; readonly end: number }> {
    const places = new Map<string, { readonly start: number; readonly end: number }>()
    const range = { start: base.starts[part.firstEntry]!, end: base.starts[part.endEntry]! }
    const reader = new TreeObjectReader(base.bytes, range, this.#idSize)
    while (reader.next()) {
      const name = base.bytes.toString('latin1', reader.nameStart, reader.nameEnd)
      places.set(name, { start: reader.start, end: reader.idAt + this.#idSize })
    }
    return places
  }

  /** What cannot be mended counts only when nothing else has to be waited for. */
  #hindered(tree: TreeBytes, obstacles: readonly Obstacle[]): readonly Obstacle[] {
    const passing = obstacles.filter(({ obstacle }) => obstacle !== 'broken')
    if (passing.length === 0) this.#ids.setState(tree.index, idState.broken)
    return passing
  }

  #keep({ index, bytes, start, end }: TreeBytes, starts: Uint32Array): void {
    this.#recent.keep({ index, bytes: bytes.subarray(start, end), starts })
  }
}

interface FoundChanges {
  readonly changes: TreeChange[]
  readonly obstacles: Obstacle[]
  /** Of the entries in the part. */
  readonly starts: number[]
  addedCount: number
  removedCount: number
}

/** Where the entries of the new version begin: as before, those of the part, and as before but moved. */
function joinedStarts(
  base: RecentTree,
  part: DifferentPart,
  inPart: readonly number[],
  tree: TreeBytes,
): Uint32Array {
  const rest = base.starts.subarray(part.endEntry)
  const shift = tree.end - tree.start - base.bytes.length
  const starts = new Uint32Array(part.firstEntry + inPart.length + rest.length)
  starts.set(base.starts.subarray(0, part.firstEntry))
  starts.set(inPart, part.firstEntry)
  const at = part.firstEntry + inPart.length
  for (let i = 0; i < rest.length; i++) starts[at + i] = rest[i]! + shift
  return starts
}

/** By name; of entries with one name the first, which is the one that Git finds. */
function sortedOnce(entries: readonly TreeEntry[]): TreeEntry[] {
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return sorted.filter((entry, at) => at === 0 || entry.name !== sorted[at - 1]!.name)
}
