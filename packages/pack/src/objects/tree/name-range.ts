import { mustHold } from '../malformed-body.ts'
import type { RawName } from '../names/raw-name.ts'
import type { NodeReader, NodeRef } from '../node-seam.ts'
import { readOffset } from './node/field.ts'
import * as inner from './node/inner.ts'
import { draftOf, findInLeaf, leafForm } from './node/leaf.ts'
import { compareWithPrefix, digitOf } from './node/name-bits.ts'
import { type NodeTotals, nodeTotals } from './node/node-totals.ts'
import { draftNode, openNode } from './open-node.ts'

/** Names of one directory; all given bounds hold together. */
export interface NameRange {
  readonly gt?: RawName | undefined
  readonly gte?: RawName | undefined
  readonly lt?: RawName | undefined
  readonly lte?: RawName | undefined
  /** Names that begin with these bytes. */
  readonly prefix?: RawName | undefined
}

/** Positions [low, high) among the entries of a directory, in name order. */
export interface IndexRange {
  readonly low: number
  readonly high: number
}

/** Entries and blob bytes of a directory, which its root node says. */
export function directoryTotals(reader: NodeReader, root: NodeRef): NodeTotals {
  return nodeTotals(openNode(reader, root))
}

/** How many entries the range has. Reads a few nodes, whatever the number. */
export function countInRange(reader: NodeReader, root: NodeRef, range: NameRange): number {
  const { low, high } = indexRange(reader, root, range)
  return high - low
}

/** The positions of the names in the range: counts in the nodes lead there without walking. */
export function indexRange(reader: NodeReader, root: NodeRef, range: NameRange): IndexRange {
  const { gt, gte, lt, lte, prefix } = range
  const end = prefix === undefined ? undefined : endOfPrefix(prefix)
  const rank = (name: RawName | undefined, isAfter: boolean, otherwise: number): number =>
    name === undefined ? otherwise : rankOf(reader, root, { name, isAfter })
  const { count } = directoryTotals(reader, root)
  const low = Math.max(rank(gt, true, 0), rank(gte, false, 0), rank(prefix, false, 0))
  const high = Math.min(rank(lt, false, count), rank(lte, true, count), rank(end, false, count))
  return { low, high: Math.max(low, high) }
}

/** How many names come before the name, or (isAfter) before the place right after it. */
function rankOf(reader: NodeReader, root: NodeRef, to: { name: RawName; isAfter: boolean }): number {
  const { name, isAfter } = to
  let body = openNode(reader, root)
  let rank = 0
  let above = -1
  while (body.buf[body.start] !== leafForm) {
    const { buf, start, end, referenceCount: n } = body
    const at = inner.innerAt(buf, start)
    mustHold(at > above, 'the split moves on from node to node')
    above = at
    const order = compareWithPrefix(name, buf, inner.innerPrefixStart(buf, start, n), at)
    if (order !== 0) return order < 0 ? rank : rank + inner.innerCount(body)
    const slots = inner.innerSlots(buf, start)
    const slot = digitOf(name, at, inner.innerBits(buf, start))
    const index = inner.childIndex(slots, slot)
    for (let i = 0; i < index; i++) rank += inner.childCount(body, i)
    if ((slots & (1 << slot)) === 0) return rank
    const draft = draftOf(body, index)
    if (draft !== undefined) body = draftNode(draft)
    else body = reader.nodeAt(readOffset(buf, end - 8 * (n - index)), buf, inner.innerHashStart(start, index))
  }
  const found = findInLeaf(body.buf, body.start, name)
  if (found < 0) return rank + ~found
  return rank + found + (isAfter ? 1 : 0)
}

/** The smallest name after all that have the prefix; `undefined`: there is none. */
function endOfPrefix(prefix: RawName): RawName | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const byte = prefix.charCodeAt(i)
    if (byte < 255) return prefix.slice(0, i) + String.fromCharCode(byte + 1)
  }
  return undefined
}
