import { tryReadU64, writeU64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { formatVersion, magic } from '../../layout/index.ts'

/** Pages and header alike. */
export const pageBytes = 4096
export const pageHeaderBytes = 16
export const runBytes = 16
export const runsPerPage = 255
/** Seeds the sum of the fences; pages have their numbers, the header 0. */
export const fencesSeed = 1

const checkedBytes = 64

/**
 * A stretch of virtual offsets that lie in a segment's file one behind the other. All three are multiples of
 * 8.
 */
export interface Run {
  /** Virtual offset of its first byte. */
  readonly start: number
  /** Of its first byte in the file. */
  readonly position: number
  readonly length: number
}

/** What a segment's map says about itself and about the pack file beside it. */
export interface MapHeader {
  readonly number: number
  /** 16 bytes. */
  readonly storeId: Buffer
  readonly runCount: number
  readonly pageCount: number
  /** Length of the pack file, in bytes. */
  readonly packLength: number
  readonly fencesChecksum: bigint
}

/** A page of 4,096 bytes whose rest is zero. */
export function encodeMapHeader(header: MapHeader): Buffer {
  const page = Buffer.alloc(pageBytes)
  page.write(magic.map, 0, 'latin1')
  page.writeUInt32LE(formatVersion, 8)
  page.writeUInt32LE(header.number, 12)
  header.storeId.copy(page, 16, 0, 16)
  writeU64(page, header.runCount, 32)
  writeU64(page, header.pageCount, 40)
  writeU64(page, header.packLength, 48)
  page.writeBigUInt64LE(header.fencesChecksum, 56)
  page.writeBigUInt64LE(xxh64(page, 0, checkedBytes, 0), checkedBytes)
  return page
}

/**
 * @param page the first 4,096 bytes of the file, or fewer if it has no more
 * @throws CORRUPT, NEWER_FORMAT
 */
export function decodeMapHeader(page: Buffer, file: string): MapHeader {
  const corrupt = (): VarveError => mapDamaged(file, 0)
  if (page.length < pageBytes || page.toString('latin1', 0, 8) !== magic.map) throw corrupt()
  if (xxh64(page, 0, checkedBytes, 0) !== page.readBigUInt64LE(checkedBytes)) throw corrupt()
  const found = page.readUInt32LE(8)
  if (found > formatVersion) throw new VarveError('NEWER_FORMAT', { found, supported: formatVersion })
  const field = (at: number): number => {
    const value = tryReadU64(page, at)
    if (value === undefined) throw corrupt()
    return value
  }
  return {
    number: page.readUInt32LE(12),
    storeId: Buffer.from(page.subarray(16, 32)),
    runCount: field(32),
    pageCount: field(40),
    packLength: field(48),
    fencesChecksum: page.readBigUInt64LE(56),
  }
}

/** The records of a segment do not say at which virtual offsets they lie: only its map does. */
export function mapDamaged(file: string, offset: number): VarveError<'CORRUPT'> {
  const hint =
    'The segment of this number cannot be read without its map. Put the file back from a copy of the store: ' +
    'nothing has been changed, and no collection happens until then.'
  return new VarveError('CORRUPT', { file, offset }, { hint })
}
