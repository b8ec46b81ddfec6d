import { assert, tryReadU64, writeU64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { type FileHandle, type FileSystem, hasCode, readFullySync } from '../../fs/index.ts'
import { fileName, formatVersion, magic } from '../../layout/index.ts'
import { writeNewFile } from '../blocks/index.ts'
import { BloomFilter } from '../index/index.ts'

const headerSize = 64
const checkedSize = 56
const entrySize = 32
const filterAlignment = 64
/** Of a filter file, in bytes: filters of 700 million objects. More is damage. */
const fileBytesMax = 1 << 30
const entriesSeed = 1

/** The filter of a pack file's index: which hashes are not in it. */
export interface PackFilter {
  /** Of the pack file. */
  readonly number: number
  readonly filter: BloomFilter
}

export interface FilterPlace {
  readonly folder: string
  readonly number: number
  /** 16 bytes. */
  readonly storeId: Buffer
  /** Id of the volume whose files it is about. */
  readonly volume: number
}

/**
 * Writes and syncs a filter file; the folder is the caller's to sync. See docs/format.md, "Filters".
 * @throws what the file system throws
 */
export async function writeFilters(
  fs: FileSystem,
  place: FilterPlace,
  filters: readonly PackFilter[],
): Promise<void> {
  await writeNewFile(fs, pathOf(place), encodePieces(place, filters))
}

/** The bytes of a filter file. */
export function encodeFilters(place: FilterPlace, filters: readonly PackFilter[]): Buffer {
  return Buffer.concat([...encodePieces(place, filters)])
}

/** @throws CORRUPT when it is missing, damaged, or another file's; NEWER_FORMAT; what the file system says */
export function readFilters(fs: FileSystem, place: FilterPlace): PackFilter[] {
  const handle = open(fs, place)
  try {
    const size = handle.sizeSync()
    if (size > fileBytesMax) throw corruptAt(place, fileBytesMax)
    const bytes = Buffer.allocUnsafeSlow(size)
    const read = readFullySync(handle, bytes, 0, bytes.length, 0)
    return decodeFilters(bytes.subarray(0, read), place)
  } finally {
    handle.closeSync()
  }
}

/** @throws CORRUPT, NEWER_FORMAT */
export function decodeFilters(bytes: Buffer, place: FilterPlace): PackFilter[] {
  const corrupt = (offset: number): VarveError => corruptAt(place, offset)
  const field = (at: number): number => {
    const value = at + 8 <= bytes.length ? tryReadU64(bytes, at) : undefined
    if (value === undefined) throw corrupt(at)
    return value
  }
  if (bytes.length < headerSize || bytes.toString('latin1', 0, 8) !== magic.filter) throw corrupt(0)
  if (xxh64(bytes, 0, checkedSize, 0) !== bytes.readBigUInt64LE(checkedSize)) throw corrupt(0)
  const version = bytes.readUInt32LE(8)
  if (version > formatVersion)
    throw new VarveError('NEWER_FORMAT', { found: version, supported: formatVersion })
  if (version !== formatVersion) throw corrupt(8)
  const isOurs = bytes.readUInt32LE(12) === place.number && bytes.subarray(16, 32).equals(place.storeId)
  const count = field(40)
  if (!isOurs || field(32) !== place.volume) throw corrupt(0)
  if (field(48) !== bytes.length) throw corrupt(bytes.length)
  const entriesEnd = headerSize + count * entrySize
  if (entriesEnd + 8 > bytes.length) throw corrupt(headerSize)
  if (xxh64(bytes, headerSize, entriesEnd, entriesSeed) !== bytes.readBigUInt64LE(entriesEnd)) {
    throw corrupt(headerSize)
  }
  const packs = new Set<number>()
  let position = bodiesStart(count)
  const filters = Array.from({ length: count }, (_, i) => {
    const at = headerSize + i * entrySize
    const number = bytes.readUInt32LE(at)
    const start = position
    position += field(at + 16)
    if (packs.has(number) || field(at + 8) !== start || position > bytes.length) throw corrupt(at)
    packs.add(number)
    if (xxh64(bytes, start, position, number) !== bytes.readBigUInt64LE(at + 24)) throw corrupt(start)
    const filter = BloomFilter.ofBytes(bytes.subarray(start, position))
    if (filter === undefined) throw corrupt(start)
    return { number, filter }
  })
  if (position !== bytes.length) throw corrupt(position)
  return filters
}

function* encodePieces(place: FilterPlace, filters: readonly PackFilter[]): Generator<Buffer> {
  const bodies = filters.map(({ filter }) => filter.toBytes())
  const tableEnd = headerSize + filters.length * entrySize + 8
  const table = Buffer.alloc(bodiesStart(filters.length))
  let position = table.length
  for (const [i, { number }] of filters.entries()) {
    const body = bodies[i] as Buffer
    const at = headerSize + i * entrySize
    table.writeUInt32LE(number, at)
    writeU64(table, position, at + 8)
    writeU64(table, body.length, at + 16)
    table.writeBigUInt64LE(xxh64(body, 0, body.length, number), at + 24)
    position += body.length
  }
  assert(position <= fileBytesMax, 'a filter file is read as a whole')
  table.write(magic.filter, 0, 'latin1')
  table.writeUInt32LE(formatVersion, 8)
  table.writeUInt32LE(place.number, 12)
  place.storeId.copy(table, 16, 0, 16)
  writeU64(table, place.volume, 32)
  writeU64(table, filters.length, 40)
  writeU64(table, position, 48)
  table.writeBigUInt64LE(xxh64(table, 0, checkedSize, 0), checkedSize)
  table.writeBigUInt64LE(xxh64(table, headerSize, tableEnd - 8, entriesSeed), tableEnd - 8)
  yield table
  yield* bodies
}

/** Where the first filter begins: blocks of a filter have 64 bytes. */
function bodiesStart(count: number): number {
  return Math.ceil((headerSize + count * entrySize + 8) / filterAlignment) * filterAlignment
}

function open(fs: FileSystem, place: FilterPlace): FileHandle {
  try {
    return fs.openSync(pathOf(place), 'read')
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    const file = fileName.filter(place.number)
    throw new VarveError('CORRUPT', { file, offset: 0 }, { message: `${file} is missing`, cause: error })
  }
}

function corruptAt({ number }: FilterPlace, offset: number): VarveError {
  return new VarveError('CORRUPT', { file: fileName.filter(number), offset })
}

function pathOf({ folder, number }: FilterPlace): string {
  return `${folder}/${fileName.filter(number)}`
}
