/**
 * The pages of maps and indexes, and the lists behind them, as lines, and back. They have no codec by
 * themselves elsewhere: the store reads and writes them entry by entry.
 */
import { hasXxh64, tryReadU64, writeU64, writeXxh64 } from '@varve/pack/base'
import { indexKind } from '@varve/pack/objects'
import { entriesPerPage, mapPageBytes, runsPerPage } from '@varve/pack/pack'
import type { Finding } from '../finding.ts'
import { type LineFields, UnbuildableLine } from './line-fields.ts'
import { nameOf, numberOf } from './records/body-lines.ts'

/** Of a map and of an index; see docs/format.md. */
export const pageBytes: number = mapPageBytes
const HEADER_BYTES = 16
const ITEM_BYTES = 16
const UNIT = 8
/** The kind of an index entry stands above the 56 bits of its offset. */
const OFFSET_TOP_BITS = 0xff_ffff
const TWO_TO_32 = 0x1_0000_0000
const U32_MAX = 0xffff_ffff
const NUMBER_BYTES = 8

/** A page of a map: `undefined` when it is not what was written as the page of that number. */
export function runsLine(page: Buffer, number: number): Finding | undefined {
  const count = countOf(page, number, runsPerPage)
  if (count === undefined) return undefined
  const runs: number[][] = []
  for (let i = 0; i < count; i++) {
    const at = HEADER_BYTES + i * ITEM_BYTES
    const start = tryReadU64(page, at)
    if (start === undefined) return undefined
    runs.push([start, page.readUInt32LE(at + 8) * UNIT, page.readUInt32LE(at + 12) * UNIT])
  }
  return { type: 'runs', page: number, runs }
}

export function buildRuns(fields: LineFields): Buffer {
  const runs = fields.integers('runs')
  return builtPage(fields, runs.length / 3, runsPerPage, (page, at, i) => {
    writeU64(page, runs[i * 3] as number, at)
    page.writeUInt32LE(word((runs[i * 3 + 1] as number) / UNIT), at + 8)
    page.writeUInt32LE(word((runs[i * 3 + 2] as number) / UNIT), at + 12)
  })
}

/** A page of an index, likewise. */
export function entriesLine(page: Buffer, number: number): Finding | undefined {
  const count = countOf(page, number, entriesPerPage)
  if (count === undefined) return undefined
  const entries: unknown[] = []
  for (let i = 0; i < count; i++) {
    const at = HEADER_BYTES + i * ITEM_BYTES
    const top = page.readUInt32LE(at + 12)
    const kind = nameOf(indexKind, top >>> 24)
    const offset = (top & OFFSET_TOP_BITS) * TWO_TO_32 + page.readUInt32LE(at + 8)
    if (!Number.isSafeInteger(offset)) return undefined
    entries.push({ hash: page.toString('hex', at, at + 8), kind, offset })
  }
  return { type: 'entries', page: number, entries }
}

export function buildEntries(fields: LineFields): Buffer {
  const entries = fields.list('entries')
  return builtPage(fields, entries.length, entriesPerPage, (page, at, i) => {
    const entry = entries[i] as LineFields
    const offset = entry.integer('offset')
    entry.hex('hash', 8).copy(page, at)
    page.writeUInt32LE(offset >>> 0, at + 8)
    const kind = numberOf<number>(indexKind, entry.text('kind'))
    page.writeUInt32LE(word(Math.floor(offset / TWO_TO_32) + kind * (OFFSET_TOP_BITS + 1)), at + 12)
  })
}

/** `u64` numbers; `undefined` when one of them is none below 2^53. */
export function numbersOf(bytes: Buffer): number[] | undefined {
  const numbers: number[] = []
  for (let at = 0; at + NUMBER_BYTES <= bytes.length; at += NUMBER_BYTES) {
    const number = tryReadU64(bytes, at)
    if (number === undefined) return undefined
    numbers.push(number)
  }
  return bytes.length % NUMBER_BYTES === 0 ? numbers : undefined
}

export function buildNumbers(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * NUMBER_BYTES)
  for (const [i, number] of numbers.entries()) writeU64(bytes, number, i * NUMBER_BYTES)
  return bytes
}

/** The fences of an index: for each page the first eight bytes of its first hash. */
export function hashFences(bytes: Buffer): string[] {
  const words = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % NUMBER_BYTES))).swap32()
  return Array.from({ length: words.length / NUMBER_BYTES }, (_, i) =>
    words.toString('hex', i * NUMBER_BYTES, (i + 1) * NUMBER_BYTES),
  )
}

export function buildHashFences(fields: LineFields): Buffer {
  return Buffer.concat(fields.hexes('hashes', NUMBER_BYTES)).swap32()
}

/** The number of items, once the page is proved. */
function countOf(page: Buffer, number: number, most: number): number | undefined {
  if (page.length < pageBytes || !hasXxh64(page, 8, pageBytes, number, page, 0)) return undefined
  const count = page.readUInt32LE(8)
  return count <= most ? count : undefined
}

function builtPage(
  fields: LineFields,
  count: number,
  most: number,
  put: (page: Buffer, at: number, i: number) => void,
): Buffer {
  if (!Number.isInteger(count) || count > most) throw new UnbuildableLine('a page cannot hold so much')
  const page = Buffer.alloc(pageBytes)
  page.writeUInt32LE(count, 8)
  for (let i = 0; i < count; i++) put(page, HEADER_BYTES + i * ITEM_BYTES, i)
  writeXxh64(page, 8, pageBytes, fields.integer('page'), page, 0)
  return page
}

function word(value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= U32_MAX) return value
  throw new UnbuildableLine(`${value} is not an integer of 32 bits`)
}
