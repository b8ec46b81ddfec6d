import type { BodyView, Draft } from '../../body-view.ts'
import type { RawName } from '../../names/raw-name.ts'
import { hashSize, writeHash } from '../../raw-hash.ts'
import { addTotals, fieldSize, writeField, writeOffset, writeU16, writeU32 } from './field.ts'
import * as inner from './inner.ts'
import type { NewBody } from './leaf-writer.ts'
import { prefixSize, writePrefix } from './name-bits.ts'
import type { Scratch } from './scratch.ts'
import type { Subtree } from './subtree.ts'

/** Where an inner node splits names: `name` is any name below it, for its first `at` bits. */
export interface Split {
  readonly name: RawName
  readonly at: number
  readonly bits: number
}

/** Makes the inner node over at least two children, all nodes, ascending by slot. */
export function makeInner(
  scratch: Scratch,
  { name, at, bits }: Split,
  children: readonly Subtree[],
): NewBody {
  const n = children.length
  const countSize = inner.innerFieldSize(largest(children, 'count'))
  const bytesSize = inner.innerFieldSize(largest(children, 'bytes'))
  const size = inner.innerHeaderSize + n * (hashSize + countSize + bytesSize + 8) + prefixSize(at)
  const start = scratch.reserve(size)
  const { buf } = scratch
  const counts = inner.innerCountsStart(start, n)
  const totals = counts + n * countSize
  const offsets = writePrefix(buf, totals + n * bytesSize, name, at)
  let slots = 0
  let count = 0
  let bytes = 0
  for (let i = 0; i < n; i++) {
    const child = children[i]!
    slots |= 1 << child.slot
    writeHash(buf, child.hash, inner.innerHashStart(start, i))
    writeField(buf, counts + i * countSize, countSize, child.count)
    writeField(buf, totals + i * bytesSize, bytesSize, child.bytes)
    writeOffset(buf, offsets + 8 * i, child.offset)
    count = addTotals(count, child.count)
    bytes = addTotals(bytes, child.bytes)
  }
  buf[start] = inner.innerForm + bits
  buf[start + 1] = countSize | (bytesSize << 4)
  writeU16(buf, start + 2, at)
  writeU32(buf, start + 4, slots >>> 0)
  return { start, end: start + size, referenceCount: n, count, bytes, children: draftsOf(children) }
}

/**
 * Puts new children in the place of old ones, in a copy of the node at `start` of the scratch buffer.
 * @returns whether `into` is the new node. If not, it has to be made anew, as a slot appears or empties, or a
 * field changes its size; the copy then is as readable as before, with some of the new children in it.
 */
export function patchInner(
  scratch: Scratch,
  old: {
    readonly start: number
    readonly end: number
    readonly n: number
    readonly children?: readonly Draft[] | undefined
  },
  touched: readonly Subtree[],
  into: NewBody,
): boolean {
  const { buf } = scratch
  const { start, end, n } = old
  const slots = inner.innerSlots(buf, start)
  const countSize = inner.countSize(buf, start)
  const bytesSize = inner.bytesSize(buf, start)
  const counts = inner.innerCountsStart(start, n)
  let hasDraft = old.children !== undefined
  for (const child of touched) {
    const isInUse = (slots & (1 << child.slot)) !== 0
    if (child.kind !== 'node' || !isInUse) return false
    if (fieldSize(child.count) > countSize || fieldSize(child.bytes) > bytesSize) return false
    const i = inner.childIndex(slots, child.slot)
    writeHash(buf, child.hash, inner.innerHashStart(start, i))
    writeField(buf, counts + i * countSize, countSize, child.count)
    writeField(buf, counts + n * countSize + i * bytesSize, bytesSize, child.bytes)
    writeOffset(buf, end - 8 * (n - i), child.offset)
    if (child.draft !== undefined) hasDraft = true
  }
  if (!sumChildren({ buf, start, end, referenceCount: n }, into)) return false
  into.start = start
  into.end = end
  into.referenceCount = n
  into.children = hasDraft ? patchedDrafts(old.children, n, slots, touched) : undefined
  return true
}

/** Adds the children up; false when the largest of their fields needs less room than the node gives it. */
function sumChildren(body: BodyView, into: NewBody): boolean {
  const { buf, start } = body
  let count = 0
  let bytes = 0
  let countMax = 0
  let bytesMax = 0
  for (let i = 0; i < body.referenceCount; i++) {
    const childCount = inner.childCount(body, i)
    const childBytes = inner.childBytes(body, i)
    count = addTotals(count, childCount)
    bytes = addTotals(bytes, childBytes)
    if (childCount > countMax) countMax = childCount
    if (childBytes > bytesMax) bytesMax = childBytes
  }
  into.count = count
  into.bytes = bytes
  if (inner.innerFieldSize(countMax) !== inner.countSize(buf, start)) return false
  return inner.innerFieldSize(bytesMax) === inner.bytesSize(buf, start)
}

function patchedDrafts(
  old: readonly Draft[] | undefined,
  n: number,
  slots: number,
  touched: readonly Subtree[],
): readonly Draft[] | undefined {
  const drafts: Draft[] = Array.from({ length: n }, (_, i) => old?.[i])
  for (const child of touched) drafts[inner.childIndex(slots, child.slot)] = child.draft
  return drafts.some((draft) => draft !== undefined) ? drafts : undefined
}

function draftsOf(children: readonly Subtree[]): readonly Draft[] | undefined {
  const hasDraft = children.some((child) => child.draft !== undefined)
  return hasDraft ? children.map((child) => child.draft) : undefined
}

function largest(children: readonly Subtree[], field: 'count' | 'bytes'): number {
  let value = 0
  for (const child of children) if (child[field] > value) value = child[field]
  return value
}
