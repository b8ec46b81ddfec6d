/**
 * An inner node: a subtree of more than `leafMax` entries, split at one position of their names.
 *
 *      0  u8         form: 16 + b, where b is the number of bits that the node tells apart
 *      1  u8         w + 16 * v: sizes of the fields `count` and `bytes`
 *      2  u16        at: where the names are split. The first bit in which they differ, rounded down to a
 *      multiple of b
 *      4  u32        slots in use: bit s is set when some name has the value s in its bits [at, at + b),
 *      first bit highest
 *      8  n * 32     hashes of the children, by slot; n is the number of slots in use
 *     ..  n * w      entries below each child
 *     ..  n * v      bytes of all blobs below each child
 *     ..             the first `at` bits of the names, the last byte padded with zero bits
 *     -- the canonical part ends --
 *     ..  n * u64    virtual offsets
 *
 * w and v are the fewest bytes, at least 1, that hold the largest value. Because `at` is a multiple of b, a
 * name that shares the prefix never moves the split: an insert touches one slot and its siblings stay as they
 * are.
 */
import type { BodyView } from '../../body-view.ts'
import { hashSize } from '../../raw-hash.ts'
import { addTotals, fieldSize, readField, readU16, readU32 } from './field.ts'

export const innerForm = 16
export const innerHeaderSize = 8

export function innerBits(buf: Buffer, start: number): number {
  return buf[start]! - innerForm
}

/** The position, in bits, at which the names are split. */
export function innerAt(buf: Buffer, start: number): number {
  return readU16(buf, start + 2)
}

export function innerSlots(buf: Buffer, start: number): number {
  return readU32(buf, start + 4)
}

export function innerHashStart(start: number, index: number): number {
  return start + innerHeaderSize + hashSize * index
}

export function countSize(buf: Buffer, start: number): number {
  return buf[start + 1]! & 15
}

export function bytesSize(buf: Buffer, start: number): number {
  return buf[start + 1]! >>> 4
}

/** Where the counts of the n children start; the byte totals follow them. */
export function innerCountsStart(start: number, n: number): number {
  return start + innerHeaderSize + hashSize * n
}

export function innerPrefixStart(buf: Buffer, start: number, n: number): number {
  return innerCountsStart(start, n) + n * (countSize(buf, start) + bytesSize(buf, start))
}

/** Entries below child `index`. */
export function childCount(body: BodyView, index: number): number {
  const { buf, start, referenceCount } = body
  const size = countSize(buf, start)
  return readField(buf, innerCountsStart(start, referenceCount) + index * size, size)
}

/** Bytes of all blobs below child `index`. */
export function childBytes(body: BodyView, index: number): number {
  const { buf, start, referenceCount } = body
  const size = bytesSize(buf, start)
  const bytesStart = innerCountsStart(start, referenceCount) + referenceCount * countSize(buf, start)
  return readField(buf, bytesStart + index * size, size)
}

export function innerCount(body: BodyView): number {
  let total = 0
  for (let i = 0; i < body.referenceCount; i++) total = addTotals(total, childCount(body, i))
  return total
}

export function innerBytes(body: BodyView): number {
  let total = 0
  for (let i = 0; i < body.referenceCount; i++) total = addTotals(total, childBytes(body, i))
  return total
}

/** Index of the child in a slot in use: how many lower slots are in use. */
export function childIndex(slots: number, slot: number): number {
  return bitCount(slots & ((1 << slot) - 1))
}

export function bitCount(bits: number): number {
  let sums = bits - ((bits >>> 1) & 0x5555_5555)
  sums = (sums & 0x3333_3333) + ((sums >>> 2) & 0x3333_3333)
  sums = (sums + (sums >>> 4)) & 0x0f0f_0f0f
  return Math.imul(sums, 0x0101_0101) >>> 24
}

/** Bytes of a field of an inner node: at least one. */
export function innerFieldSize(valueMax: number): number {
  return Math.max(1, fieldSize(valueMax))
}
