import type { Draft } from '../../body-view.ts'
import type { RawName } from '../../names/raw-name.ts'
import { hashSize, writeHash } from '../../raw-hash.ts'
import type { EntryTarget, TreeChange } from '../entry.ts'
import { addTotals, fieldSize, writeField, writeOffset, writeU16 } from './field.ts'
import {
  countFieldSize,
  headOf,
  headSize,
  leafForm,
  leafHashStart,
  leafHeaderSize,
  leafPrefixStart,
} from './leaf.ts'
import { sharedSize } from './name-bits.ts'
import type { Scratch } from './scratch.ts'

/** A body just made in the scratch buffer, not yet hashed. Whoever makes many fills the same one again. */
export interface NewBody {
  start: number
  end: number
  referenceCount: number
  /** Entries below, and the bytes of all blobs below. */
  count: number
  bytes: number
  children: readonly Draft[] | undefined
}

export function emptyBody(): NewBody {
  return { start: 0, end: 0, referenceCount: 0, count: 0, bytes: 0, children: undefined }
}

/** Some consecutive entries of a list in name order, all with a target. */
export interface EntryRange {
  readonly entries: readonly TreeChange[]
  readonly low: number
  readonly high: number
}

/** Makes the leaf of the entries. */
export function makeLeaf(scratch: Scratch, range: EntryRange): NewBody {
  const { entries, low, high } = range
  const n = high - low
  const prefix = sharedPrefix(range)
  const start = scratch.reserve(leafHeaderSize + n * (2 + hashSize + 8) + prefix + recordsSize(range, prefix))
  const { buf } = scratch
  writeLeafHeader(buf, start, n, prefix)
  const hashes = leafHashStart(start, n)
  const records = leafPrefixStart(start, n) + prefix
  if (n > 0) writeNameBytes(buf, records - prefix, entries[low]!.name, 0, prefix)
  let at = records
  let bytes = 0
  for (let i = 0; i < n; i++) {
    const { name, target } = entries[low + i] as { name: RawName; target: EntryTarget }
    at = writeRecord(buf, at, target, name, prefix)
    writeU16(buf, start + leafHeaderSize + 2 * i, at - records)
    writeHash(buf, target.hash, hashes + hashSize * i)
    bytes = addTotals(bytes, target.size)
  }
  for (let i = 0; i < n; i++) writeOffset(buf, at + 8 * i, entries[low + i]!.target!.offset)
  return { start, end: at + 8 * n, referenceCount: n, count: n, bytes, children: draftsOf(range) }
}

export function writeLeafHeader(buf: Buffer, start: number, count: number, prefix: number): void {
  buf[start] = leafForm
  buf[start + 1] = count
  writeU16(buf, start + 2, prefix)
}

/** Writes head, fields, and the rest of the name after the shared prefix; returns the end. */
export function writeRecord(
  buf: Buffer,
  at: number,
  target: EntryTarget,
  name: RawName,
  prefix: number,
): number {
  const head = writeHead(buf, at, target)
  return writeNameBytes(buf, at + headSize(head), name, prefix, name.length)
}

/** Writes head and fields of a record, which do not depend on the name; returns the head. */
export function writeHead(buf: Buffer, at: number, target: EntryTarget): number {
  const head = headOf(target)
  const sizeSize = (head >>> 3) & 7
  buf[at] = head
  writeField(buf, at + 1, sizeSize, target.size)
  if (head >= 64) writeField(buf, at + 1 + sizeSize, countFieldSize(head), target.count)
  return head
}

/** Writes the bytes [from, to) of the name; returns the end. */
export function writeNameBytes(buf: Buffer, at: number, name: RawName, from: number, to: number): number {
  let position = at
  for (let i = from; i < to; i++) buf[position++] = name.charCodeAt(i)
  return position
}

function sharedPrefix({ entries, low, high }: EntryRange): number {
  if (low === high) return 0
  const first = entries[low]!.name
  return high - low === 1 ? first.length : sharedSize(first, entries[high - 1]!.name)
}

function recordsSize({ entries, low, high }: EntryRange, prefix: number): number {
  let size = 0
  for (let i = low; i < high; i++) {
    const { name, target } = entries[i]!
    const countSize = fieldSize(target!.count)
    size += 1 + fieldSize(target!.size) + (countSize > 2 ? 6 : countSize) + name.length - prefix
  }
  return size
}

function draftsOf({ entries, low, high }: EntryRange): readonly Draft[] | undefined {
  let hasDraft = false
  for (let i = low; i < high && !hasDraft; i++) hasDraft = entries[i]!.target!.draft !== undefined
  return hasDraft ? entries.slice(low, high).map(({ target }) => target?.draft) : undefined
}
