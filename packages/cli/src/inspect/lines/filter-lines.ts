/** The header and the table of a file of filters, as lines, and back; see docs/format.md, "Filters". */
import { hasXxh64, tryReadU64, writeU64, writeXxh64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { formatVersion, magic } from '@varve/pack/layout'
import type { Finding } from '../finding.ts'
import type { LineFields } from './line-fields.ts'

export const filterHeaderBytes = 64
const SUMMED_BYTES = 56
const ENTRY_BYTES = 32
const SUM_BYTES = 8
const TABLE_SEED = 1
const U32_MAX = 0xffff_ffff

/** A filter in the file, and the sum over it, whose seed is the number of its pack file. */
export interface PlacedFilter {
  readonly number: number
  readonly position: number
  readonly length: number
  readonly checksum: string
}

/** `undefined` when it is not what was written. @throws NEWER_FORMAT */
export function filterHeaderLine(bytes: Buffer): Finding | undefined {
  if (bytes.length < filterHeaderBytes || bytes.toString('latin1', 0, 8) !== magic.filter) return undefined
  if (!hasXxh64(bytes, 0, SUMMED_BYTES, 0, bytes, SUMMED_BYTES)) return undefined
  const found = bytes.readUInt32LE(8)
  if (found > formatVersion) throw new VarveError('NEWER_FORMAT', { found, supported: formatVersion })
  const [volume, filters, length] = [32, 40, 48].map((at) => tryReadU64(bytes, at))
  if (volume === undefined || filters === undefined || length === undefined) return undefined
  const number = bytes.readUInt32LE(12)
  return { type: 'filters', number, storeId: bytes.toString('hex', 16, 32), volume, filters, length }
}

export function buildFilterHeader(fields: LineFields): Buffer {
  const bytes = Buffer.alloc(filterHeaderBytes)
  bytes.write(magic.filter, 0, 'latin1')
  bytes.writeUInt32LE(formatVersion, 8)
  bytes.writeUInt32LE(fields.integer('number', U32_MAX), 12)
  fields.hex('storeId', 16).copy(bytes, 16)
  writeU64(bytes, fields.integer('volume'), 32)
  writeU64(bytes, fields.integer('filters'), 40)
  writeU64(bytes, fields.integer('length'), 48)
  writeXxh64(bytes, 0, SUMMED_BYTES, 0, bytes, SUMMED_BYTES)
  return bytes
}

/** Bytes of a table of so many filters. */
export function filterTableBytes(count: number): number {
  return count * ENTRY_BYTES + SUM_BYTES
}

/** What the table places; `undefined` when it is not what was written. */
export function placedFilters(table: Buffer): PlacedFilter[] | undefined {
  const end = table.length - SUM_BYTES
  if (end < 0 || !hasXxh64(table, 0, end, TABLE_SEED, table, end)) return undefined
  const filters: PlacedFilter[] = []
  for (let at = 0; at < end; at += ENTRY_BYTES) {
    const position = tryReadU64(table, at + 8)
    const length = tryReadU64(table, at + 16)
    if (position === undefined || length === undefined) return undefined
    const checksum = table
      .readBigUInt64LE(at + 24)
      .toString(16)
      .padStart(16, '0')
    filters.push({ number: table.readUInt32LE(at), position, length, checksum })
  }
  return filters
}

export function buildFilterTable(fields: LineFields): Buffer {
  const filters = fields.list('filters')
  const table = Buffer.alloc(filterTableBytes(filters.length))
  for (const [i, filter] of filters.entries()) {
    const at = i * ENTRY_BYTES
    table.writeUInt32LE(filter.integer('number', U32_MAX), at)
    writeU64(table, filter.integer('position'), at + 8)
    writeU64(table, filter.integer('length'), at + 16)
    table.writeBigUInt64LE(filter.hex('checksum', 8).readBigUInt64BE(0), at + 24)
  }
  const end = table.length - SUM_BYTES
  writeXxh64(table, 0, end, TABLE_SEED, table, end)
  return table
}
