/**
 * What a node says of its children, held against the children: `validateNode` proves what the body alone can
 * tell. Both together, of every node from the leaves up, prove that a tree is what the writer makes of its
 * entries.
 */
import type { BodyView } from '../body-view.ts'
import { mustHold } from '../malformed-body.ts'
import type { RawName } from '../names/raw-name.ts'
import { EntryView, entryMode } from './entry.ts'
import * as inner from './node/inner.ts'
import * as leaf from './node/leaf.ts'
import { compareWithPrefix, digitOf, prefixSize } from './node/name-bits.ts'
import type { NodeTotals } from './node/node-totals.ts'
import { treeShape } from './tree-shape.ts'

/**
 * @param childTotals of a directory its totals; of a blob its size as `bytes`; `undefined`: not known
 * @throws MalformedBody
 */
export function validateTotals(body: BodyView, childTotals: (index: number) => NodeTotals | undefined): void {
  const isLeaf = body.buf[body.start] === leaf.leafForm
  const entry = new EntryView()
  for (let i = 0; i < body.referenceCount; i++) {
    const totals = childTotals(i)
    if (totals === undefined) continue
    const { count, bytes } = totals
    if (isLeaf) {
      leaf.readLeafEntry(body, i, entry)
      mustHold(entry.size === bytes, 'an entry has the size of what it names')
      const isDirectory = entry.mode === entryMode.directory
      mustHold(!isDirectory || entry.count === count, 'an entry counts the entries of its directory')
    } else {
      mustHold(inner.childCount(body, i) === count, 'an inner node counts the entries of its children')
      mustHold(inner.childBytes(body, i) === bytes, 'an inner node sums up the bytes of its children')
    }
  }
}

/**
 * Proves that the names of a part, the child at `index` of an inner node, belong into its slot.
 * @throws MalformedBody
 */
export function validatePart(parent: BodyView, index: number, part: BodyView): void {
  const { buf, start, referenceCount: n } = parent
  const at = inner.innerAt(buf, start)
  const prefixStart = inner.innerPrefixStart(buf, start, n)
  const slot = slotOf(inner.innerSlots(buf, start), index)
  for (const name of outermostNames(part, at)) {
    mustHold(compareWithPrefix(name, buf, prefixStart, at) === 0, 'names of a part share the prefix')
    mustHold(digitOf(name, at, treeShape.bits) === slot, 'names of a part belong into its slot')
  }
}

/** All other names of the part share what these share. */
function outermostNames({ buf, start, referenceCount: n }: BodyView, above: number): RawName[] {
  if (buf[start] === leaf.leafForm) return [leaf.leafName(buf, start, 0), leaf.leafName(buf, start, n - 1)]
  const at = inner.innerAt(buf, start)
  mustHold(at > above, 'the split moves on from node to node')
  const prefixStart = inner.innerPrefixStart(buf, start, n)
  return [buf.toString('latin1', prefixStart, prefixStart + prefixSize(at))]
}

/** The slot in use that comes at `index` among those in use. */
function slotOf(slots: number, index: number): number {
  let rest = slots
  for (let i = 0; i < index; i++) rest &= rest - 1
  return 31 - Math.clz32(rest & -rest)
}
