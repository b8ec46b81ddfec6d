import type { BodyView } from '../body-view.ts'
import { malformed } from '../malformed-body.ts'
import type { RawName } from '../names/raw-name.ts'
import type { NodeReader, NodeRef } from '../node-seam.ts'
import { type EntryView, entryMode } from './entry.ts'
import { readOffset } from './node/field.ts'
import { childIndex, innerAt, innerBits, innerHashStart, innerSlots } from './node/inner.ts'
import { draftOf, findInLeaf, leafForm, readLeafEntry } from './node/leaf.ts'
import { digitOf } from './node/name-bits.ts'
import { draftNode, openDirectory, openNode } from './open-node.ts'
import { bitsMax, bitsMin } from './tree-shape.ts'

/**
 * Finds a name in a directory. The split positions alone lead to the leaf that could hold it, so prefixes are
 * not even looked at on the way.
 * @returns whether it is there; then `into` is its entry.
 * @throws COLLECTED | CORRUPT from the reader; MalformedBody
 */
export function lookup(reader: NodeReader, root: NodeRef, name: RawName, into: EntryView): boolean {
  return find(reader, openNode(reader, root), name, into)
}

/**
 * Follows names from a directory down.
 * @returns how many of them were found, one after another; `into` is the entry of the last that was. A blob
 * ends the way as absence does: compare with `names.length` and look at `into.mode`.
 */
export function lookupPath(
  reader: NodeReader,
  root: NodeRef,
  names: readonly RawName[],
  into: EntryView,
): number {
  if (names.length === 0 || !find(reader, openNode(reader, root), names[0]!, into)) return 0
  let found = 1
  while (found < names.length && into.mode === entryMode.directory) {
    if (!find(reader, openDirectory(reader, into), names[found]!, into)) break
    found++
  }
  return found
}

function find(reader: NodeReader, root: BodyView, name: RawName, into: EntryView): boolean {
  let body = root
  let above = -1
  while (body.buf[body.start] !== leafForm) {
    const { buf, start, end, referenceCount } = body
    const bits = innerBits(buf, start)
    const at = innerAt(buf, start)
    if (bits < bitsMin || bits > bitsMax || at <= above) malformed('the split moves on from node to node')
    above = at
    const slots = innerSlots(buf, start)
    const slot = digitOf(name, at, bits)
    if ((slots & (1 << slot)) === 0) return false
    const index = childIndex(slots, slot)
    const draft = draftOf(body, index)
    if (draft !== undefined) body = draftNode(draft)
    else
      body = reader.nodeAt(
        readOffset(buf, end - 8 * (referenceCount - index)),
        buf,
        innerHashStart(start, index),
      )
  }
  const index = findInLeaf(body.buf, body.start, name)
  if (index < 0) return false
  readLeafEntry(body, index, into)
  return true
}
