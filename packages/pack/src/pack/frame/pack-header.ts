import { assert, tryReadU64, writeU64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { fileNumberMax, formatVersion, type magic } from '../../layout/index.ts'
import { nonceSize } from './batch-frame.ts'

/** The header of a chunk or a segment has this many bytes. */
export const packHeaderSize = 64

export const storeIdSize = 16
const checkedSize = 56

/** What the header of a pack file says. */
export interface PackHeader {
  readonly number: number
  /** 16 random bytes, of this file only. */
  readonly nonce: Buffer
  /** 16 bytes, the same in all files of a store. */
  readonly storeId: Buffer
  /** Chunk: the virtual offset of its byte 0. Segment: the lowest virtual offset in it. */
  readonly base: number
}

/** What the opener of a pack file knows of it from control. */
export interface ExpectedPack {
  readonly file: string
  readonly magic: typeof magic.chunk | typeof magic.segment
  readonly number: number
  readonly storeId: Buffer
  readonly base: number
}

/** The 64 bytes; see docs/format.md, "Header of a pack file". */
export function encodePackHeader(fileMagic: ExpectedPack['magic'], header: PackHeader): Buffer {
  assert(header.number >= 0 && header.number <= fileNumberMax, 'a file number is a u32')
  assert(header.nonce.length === nonceSize, 'a nonce has 16 bytes')
  assert(header.storeId.length === storeIdSize, 'a store id has 16 bytes')
  const bytes = Buffer.alloc(packHeaderSize)
  bytes.write(fileMagic, 0, 'latin1')
  bytes.writeUInt32LE(formatVersion, 8)
  bytes.writeUInt32LE(header.number, 12)
  header.nonce.copy(bytes, 16)
  header.storeId.copy(bytes, 32)
  writeU64(bytes, header.base, 48)
  bytes.writeBigUInt64LE(xxh64(bytes, 0, checkedSize, 0), checkedSize)
  return bytes
}

/**
 * Reads the header out of the first bytes of a file (fewer than 64 when the file is shorter) and proves it to
 * be the file that control means: not damaged, not another file under its name, not a file of another store.
 * @throws CORRUPT, NEWER_FORMAT
 */
export function decodePackHeader(bytes: Buffer, expected: ExpectedPack): PackHeader {
  const corrupt = (offset: number, what: string): VarveError =>
    new VarveError('CORRUPT', { file: expected.file, offset }, { message: `${expected.file}: ${what}` })
  if (bytes.length < packHeaderSize) throw corrupt(bytes.length, 'the file ends inside its header')
  if (bytes.toString('latin1', 0, 8) !== expected.magic)
    throw corrupt(0, 'the file is not of the kind its name says')
  if (xxh64(bytes, 0, checkedSize, 0) !== bytes.readBigUInt64LE(checkedSize)) {
    throw corrupt(checkedSize, 'the header does not match its checksum')
  }
  const version = bytes.readUInt32LE(8)
  if (version > formatVersion) {
    throw new VarveError('NEWER_FORMAT', { found: version, supported: formatVersion })
  }
  if (version !== formatVersion) throw corrupt(8, `format ${version} never existed`)
  if (bytes.readUInt32LE(12) !== expected.number) throw corrupt(12, 'this is another file of the store')
  if (!bytes.subarray(32, 48).equals(expected.storeId)) throw corrupt(32, 'the file belongs to another store')
  if (tryReadU64(bytes, 48) !== expected.base)
    throw corrupt(48, 'the file has another base than control says')
  return {
    number: expected.number,
    nonce: Buffer.from(bytes.subarray(16, 32)),
    storeId: Buffer.from(bytes.subarray(32, 48)),
    base: expected.base,
  }
}
