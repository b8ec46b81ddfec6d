import { assert } from '../../base/index.ts'
import type { BodyView, Draft } from '../body-view.ts'
import { mustHold } from '../malformed-body.ts'
import type { RawName } from '../names/raw-name.ts'
import type { NodeReader, NodeRef } from '../node-seam.ts'
import { EntryView } from './entry.ts'
import { indexRange, type NameRange } from './name-range.ts'
import { readOffset } from './node/field.ts'
import { childCount, innerAt, innerHashStart } from './node/inner.ts'
import { draftOf, leafCount, leafForm, leafName, readLeafEntry } from './node/leaf.ts'
import { draftNode, openNode } from './open-node.ts'

export interface CursorOptions extends NameRange {
  /** From the last name to the first. */
  readonly reverse?: boolean | undefined
  /** At most so many entries. */
  readonly limit?: number | undefined
  /** Leaves out the first so many (in the direction of the walk) without visiting them. */
  readonly skip?: number | undefined
}

/**
 * Walks over the entries of one directory in name order. Bounds and `skip` are turned into positions at once,
 * so the walk itself compares no names; it holds one node of each level, copied, and reads each node once.
 */
export class TreeCursor {
  readonly #reader: NodeReader
  readonly #root: NodeRef
  readonly #step: 1 | -1
  /** Position of the next entry, and how many are to come. */
  #next: number
  #left: number
  readonly #levels: Level[] = []
  /** Levels in use; the last is the leaf, whose `index` is the entry. */
  #depth = 0

  /** The entry after a successful `next`; reused: valid until the following one. */
  readonly entry: EntryView = new EntryView()

  /** @throws COLLECTED | CORRUPT from the reader; MalformedBody */
  constructor(reader: NodeReader, root: NodeRef, options: CursorOptions = {}) {
    this.#reader = reader
    this.#root = root
    const { reverse = false, limit = Number.POSITIVE_INFINITY, skip = 0 } = options
    assert(limit >= 0 && skip >= 0, 'limit and skip are not negative')
    const { low, high } = indexRange(reader, root, options)
    this.#step = reverse ? -1 : 1
    this.#next = reverse ? high - 1 - skip : low + skip
    this.#left = Math.max(0, Math.min(high - low - skip, limit))
  }

  /** How many entries `next` will still find. */
  get left(): number {
    return this.#left
  }

  /** Moves to the next entry; false when there is none. */
  next(): boolean {
    if (this.#left === 0) return false
    this.#left--
    if (this.#depth === 0) this.#seek(this.#next)
    else this.#move()
    this.#next += this.#step
    const leaf = this.#levels[this.#depth - 1] as Level
    readLeafEntry(leaf, leaf.index, this.entry)
    return true
  }

  /** The name of the entry. */
  name(): RawName {
    const leaf = this.#levels[this.#depth - 1] as Level
    return leafName(leaf.buf, leaf.start, leaf.index)
  }

  /** Goes down to the entry at a position, by the counts of the children. */
  #seek(position: number): void {
    let rest = position
    let level = this.#push(openNode(this.#reader, this.#root))
    while (!level.isLeaf) {
      level.index = 0
      for (let count = childCount(level, 0); rest >= count; count = childCount(level, level.index)) {
        rest -= count
        level.index++
        mustHold(level.index < level.referenceCount, 'the counts of the children are true')
      }
      level = this.#push(this.#openChild(level))
    }
    mustHold(rest < level.count, 'the counts of the children are true')
    level.index = rest
  }

  /** One entry on: within the leaf, or over the nearest node above that has a next child. */
  #move(): void {
    let level = this.#levels[this.#depth - 1] as Level
    level.index += this.#step
    while (level.index < 0 || level.index >= level.count) {
      this.#depth--
      mustHold(this.#depth > 0, 'the counts of the children are true')
      level = this.#levels[this.#depth - 1] as Level
      level.index += this.#step
    }
    while (!level.isLeaf) {
      level = this.#push(this.#openChild(level))
      mustHold(level.count > 0, 'no node but the root is empty')
      level.index = this.#step === 1 ? 0 : level.count - 1
    }
  }

  #openChild(level: Level): BodyView {
    const { buf, start, end, referenceCount, index } = level
    const draft = draftOf(level, index)
    if (draft !== undefined) return draftNode(draft)
    return this.#reader.nodeAt(
      readOffset(buf, end - 8 * (referenceCount - index)),
      buf,
      innerHashStart(start, index),
    )
  }

  #push(body: BodyView): Level {
    let level = this.#levels[this.#depth]
    if (level === undefined) {
      level = new Level()
      this.#levels.push(level)
    }
    level.take(body)
    const above = this.#levels[this.#depth - 1]
    if (above !== undefined && !level.isLeaf) {
      mustHold(
        innerAt(level.buf, level.start) > innerAt(above.buf, above.start),
        'the split moves on from node to node',
      )
    }
    this.#depth++
    return level
  }
}

/** A copy of a node on the way, and the child or entry where the walk is. */
class Level implements BodyView {
  buf: Buffer = Buffer.alloc(0)
  readonly start = 0
  end = 0
  referenceCount = 0
  children: readonly Draft[] | undefined = undefined
  isLeaf = true
  /** Children or entries. */
  count = 0
  index = 0

  take(body: BodyView): void {
    const size = body.end - body.start
    if (this.buf.length < size) this.buf = Buffer.allocUnsafe(size * 2)
    body.buf.copy(this.buf, 0, body.start, body.end)
    this.end = size
    this.referenceCount = body.referenceCount
    this.children = body.children
    this.isLeaf = this.buf[0] === leafForm
    this.count = this.isLeaf ? leafCount(this.buf, 0) : body.referenceCount
  }
}
