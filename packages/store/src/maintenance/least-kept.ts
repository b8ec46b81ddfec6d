import { VarveError } from '@varve/pack/errors'
import {
  type BodyView,
  type ChunkEntry,
  chunkBytesMax,
  chunksInRange,
  type EntryTarget,
  entryMode,
  indexKind,
  MalformedBody,
  type NodeRef,
  TreeCursor,
} from '@varve/pack/objects'
import { recordSize } from '@varve/pack/pack'
import { bodyOf, type ObjectReader } from '../reader/index.ts'

/** Objects that are counted before the walk is given up: it must not take as long as the collection. */
const OBJECTS_MAX = 65_536
/** Objects between two turns of the event loop. */
const SLICE_OBJECTS = 256

export interface LeastKeptOptions {
  readonly objects: ObjectReader
  /** Records from here on stay where they are. */
  readonly limit: number
  /** With more than this the question is answered. */
  readonly enough: number
}

/**
 * How many bytes a collection that keeps these trees copies at least: the records of different contents that
 * a walk finds, each once, until it has found enough or has gone far enough. Nodes are left out. What is
 * damaged is for the collection to tell.
 */
export function* leastKept(
  roots: Iterable<NodeRef>,
  o: LeastKeptOptions,
): Generator<void, number, undefined> {
  const walk = new Walk(o)
  try {
    for (const root of roots) yield* walk.tree(root)
  } catch (error) {
    const isDamage = error instanceof MalformedBody || VarveError.is(error, 'CORRUPT')
    if (!isDamage && !VarveError.is(error, 'COLLECTED')) throw error
  }
  return walk.bytes
}

class Walk {
  bytes = 0
  readonly #o: LeastKeptOptions
  readonly #seen = new Set<number>()

  constructor(o: LeastKeptOptions) {
    this.#o = o
  }

  get #isOver(): boolean {
    return this.bytes > this.#o.enough || this.#seen.size >= OBJECTS_MAX
  }

  *tree(root: NodeRef): Generator<void, void, undefined> {
    const waiting: NodeRef[] = this.#isNew(root.offset) ? [root] : []
    for (let next = waiting.pop(); next !== undefined && !this.#isOver; next = waiting.pop()) {
      yield
      const cursor = new TreeCursor(this.#o.objects, next)
      while (cursor.next() && !this.#isOver) {
        const entry = cursor.entry.target()
        if (!this.#isNew(entry.offset)) continue
        if (entry.mode === entryMode.directory) waiting.push({ hash: entry.hash, offset: entry.offset })
        else if (entry.size <= chunkBytesMax) this.#add(entry.offset, entry.size)
        else yield* this.#chunks(entry)
        if (this.#seen.size % SLICE_OBJECTS === 0) yield
      }
    }
  }

  /** Of a large blob; equal chunks are stored once. */
  *#chunks({ hash, offset, size }: EntryTarget): Generator<void, void, undefined> {
    const { objects } = this.#o
    const root = bodyOf(objects.record(indexKind.blob, hash, offset))
    const readList = (list: ChunkEntry): BodyView =>
      bodyOf(objects.record(indexKind.list, list.hash, list.offset))
    for (const chunk of chunksInRange(root, { from: 0, to: size }, readList)) {
      if (this.#isOver) return
      if (this.#isNew(chunk.offset)) this.#add(chunk.offset, chunk.length)
      if (this.#seen.size % SLICE_OBJECTS === 0) yield
    }
  }

  #isNew(offset: number): boolean {
    if (this.#seen.has(offset)) return false
    this.#seen.add(offset)
    return true
  }

  #add(offset: number, contentBytes: number): void {
    if (offset < this.#o.limit) this.bytes += recordSize(contentBytes)
  }
}
