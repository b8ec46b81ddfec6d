/**
 * A leaf: all entries of a directory, or of a subtree of one, that has at most `leafMax` of them.
 *
 *      0  u8         form: 1
 *      1  u8         n, entries
 *      2  u16        p, bytes that all names share: the longest common prefix (of one name: the whole name)
 *      4  n * u16    ends of the records, from the start of the first
 *     ..  n * 32     hashes
 *     ..  p          the shared bytes
 *     ..  records, one an entry, ascending by name:
 *           u8       head: bits 0-2 mode, bits 3-5 size of the field `size`, bits 6-7 size of the field
 *           `count` (0, 1, 2, 6)
 *           ..       size: the blob's size, or the byte total of the directory
 *           ..       count: entries of the directory (no field for a blob)
 *           ..       the rest of the name
 *     -- the canonical part ends --
 *     ..  n * u64    virtual offsets
 *
 * Fields have the fewest bytes that hold their value. Hashes and offsets have fixed places, so overwriting an
 * entry is a copy of the body and a few bytes in it.
 */
import type { BodyView, Draft } from '../../body-view.ts'
import type { RawName } from '../../names/raw-name.ts'
import { hashSize } from '../../raw-hash.ts'
import type { EntryTarget, EntryView, ModeNumber } from '../entry.ts'
import { addTotals, fieldSize, readField, readOffset, readU16 } from './field.ts'

export const leafForm = 1
export const leafHeaderSize = 4

/** Bytes of the field `count` by the two top bits of a record's head. */
const countSizes = [0, 1, 2, 6] as const

export function leafCount(buf: Buffer, start: number): number {
  return buf[start + 1]!
}

export function leafPrefixSize(buf: Buffer, start: number): number {
  return readU16(buf, start + 2)
}

export function leafHashStart(start: number, count: number): number {
  return start + leafHeaderSize + 2 * count
}

export function leafPrefixStart(start: number, count: number): number {
  return start + leafHeaderSize + (2 + hashSize) * count
}

/** Where the records start: the ends of records count from here. */
export function leafRecordsStart(buf: Buffer, start: number): number {
  return leafPrefixStart(start, leafCount(buf, start)) + leafPrefixSize(buf, start)
}

/** Start of record `index` relative to the first; for index n, the end of the last. */
export function recordStart(buf: Buffer, start: number, index: number): number {
  return index === 0 ? 0 : readU16(buf, start + leafHeaderSize + 2 * (index - 1))
}

/** Bytes of head and fields in front of the rest of the name. */
export function headSize(head: number): number {
  return 1 + ((head >>> 3) & 7) + countSizes[head >>> 6]!
}

export function countFieldSize(head: number): number {
  return countSizes[head >>> 6]!
}

/** The head that describes a target. */
export function headOf({ mode, size, count }: EntryTarget): number {
  const countSize = fieldSize(count)
  const code = countSize > 2 ? 3 : countSize
  return mode | (fieldSize(size) << 3) | (code << 6)
}

/** Index of the name among the entries from `from` on; if absent, ~index of the first greater one. */
export function findInLeaf(buf: Buffer, start: number, name: RawName, from: number = 0): number {
  const count = leafCount(buf, start)
  const prefix = leafPrefixSize(buf, start)
  const prefixStart = leafPrefixStart(start, count)
  const order = comparePrefix(buf, prefixStart, prefix, name)
  if (order !== 0) return order < 0 ? ~from : ~count
  const records = prefixStart + prefix
  let low = from
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    const first = middle === 0 ? 0 : readU16(buf, start + 2 + 2 * middle)
    const order = compareRest(
      name,
      prefix,
      buf,
      records + first,
      records + readU16(buf, start + 4 + 2 * middle),
    )
    if (order === 0) return middle
    if (order < 0) high = middle
    else low = middle + 1
  }
  return ~low
}

/** Negative: the name comes before all that have the prefix; positive: after; 0: it has the prefix. */
function comparePrefix(buf: Buffer, prefixStart: number, prefix: number, name: RawName): number {
  const shared = Math.min(name.length, prefix)
  for (let i = 0; i < shared; i++) {
    const difference = name.charCodeAt(i) - buf[prefixStart + i]!
    if (difference !== 0) return difference
  }
  return shared === prefix ? 0 : -1
}

/** Compares the name from byte `shared` on with the name in the record [at, end). */
function compareRest(name: RawName, shared: number, buf: Buffer, at: number, end: number): number {
  let position = at + headSize(buf[at]!)
  let i = shared
  while (i < name.length && position < end) {
    const difference = name.charCodeAt(i++) - buf[position++]!
    if (difference !== 0) return difference
  }
  return name.length - i - (end - position)
}

/** Fills the view with entry `index`. */
export function readLeafEntry(body: BodyView, index: number, into: EntryView): void {
  const { buf, start } = body
  const count = leafCount(buf, start)
  const at = leafRecordsStart(buf, start) + recordStart(buf, start, index)
  const head = buf[at]!
  const sizeSize = (head >>> 3) & 7
  into.mode = (head & 7) as ModeNumber
  into.size = readField(buf, at + 1, sizeSize)
  into.count = head < 64 ? 0 : readField(buf, at + 1 + sizeSize, countFieldSize(head))
  into.buf = buf
  into.hashStart = leafHashStart(start, count) + index * hashSize
  into.offset = readOffset(buf, body.end - 8 * (count - index))
  into.draft = draftOf(body, index)
}

/** The draft behind reference `index`, if there is one. */
export function draftOf(body: BodyView, index: number): Draft {
  return body.children === undefined ? undefined : body.children[index]
}

/** The name of entry `index`. */
export function leafName(buf: Buffer, start: number, index: number): RawName {
  const prefixStart = leafPrefixStart(start, leafCount(buf, start))
  const prefix = leafPrefixSize(buf, start)
  const records = prefixStart + prefix
  const at = records + recordStart(buf, start, index)
  const rest = buf.toString('latin1', at + headSize(buf[at]!), records + recordStart(buf, start, index + 1))
  return prefix === 0 ? rest : buf.toString('latin1', prefixStart, records) + rest
}

/** Sum of the sizes of all entries. */
export function leafBytes(buf: Buffer, start: number): number {
  const count = leafCount(buf, start)
  const records = leafRecordsStart(buf, start)
  let total = 0
  for (let i = 0; i < count; i++) {
    const at = records + recordStart(buf, start, i)
    total = addTotals(total, readField(buf, at + 1, (buf[at]! >>> 3) & 7))
  }
  return total
}
