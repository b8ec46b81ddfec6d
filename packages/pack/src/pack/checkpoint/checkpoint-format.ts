import { tryReadU64, writeU64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { formatVersion, magic } from '../../layout/index.ts'

export const checkpointHeaderBytes = 64
/** Checksum, length, number of entries. */
export const blockHeaderBytes = 16
/** Offset, reference count, body length. */
export const entryHeaderBytes = 16
/** A block ends when it has so many bytes; the last entry may make it longer. */
export const blockBytesGoal = 65_536
/** One entry is a record's body: at most 8 MiB. */
export const blockBytesMax: number = blockBytesGoal + (9 << 20)

const checkedBytes = 56

/** What a checkpoint says about itself. */
export interface CheckpointHeader {
  readonly number: number
  /** 16 bytes. */
  readonly storeId: Buffer
  /** P: the virtual offset up to which the log has been taken in. */
  readonly position: number
  readonly entryCount: number
  readonly blockCount: number
}

export function encodeCheckpointHeader(header: CheckpointHeader): Buffer {
  const bytes = Buffer.alloc(checkpointHeaderBytes)
  bytes.write(magic.checkpoint, 0, 'latin1')
  bytes.writeUInt32LE(formatVersion, 8)
  bytes.writeUInt32LE(header.number, 12)
  header.storeId.copy(bytes, 16, 0, 16)
  writeU64(bytes, header.position, 32)
  writeU64(bytes, header.entryCount, 40)
  writeU64(bytes, header.blockCount, 48)
  bytes.writeBigUInt64LE(xxh64(bytes, 0, checkedBytes, 0), checkedBytes)
  return bytes
}

/**
 * @param bytes the first 64 bytes of the file, or fewer if it has no more
 * @throws CORRUPT, NEWER_FORMAT
 */
export function decodeCheckpointHeader(bytes: Buffer, file: string): CheckpointHeader {
  const corrupt = (): VarveError => new VarveError('CORRUPT', { file, offset: 0 })
  if (bytes.length < checkpointHeaderBytes || bytes.toString('latin1', 0, 8) !== magic.checkpoint)
    throw corrupt()
  if (xxh64(bytes, 0, checkedBytes, 0) !== bytes.readBigUInt64LE(checkedBytes)) throw corrupt()
  const found = bytes.readUInt32LE(8)
  if (found > formatVersion) throw new VarveError('NEWER_FORMAT', { found, supported: formatVersion })
  const field = (at: number): number => {
    const value = tryReadU64(bytes, at)
    if (value === undefined) throw corrupt()
    return value
  }
  return {
    number: bytes.readUInt32LE(12),
    storeId: Buffer.from(bytes.subarray(16, 32)),
    position: field(32),
    entryCount: field(40),
    blockCount: field(48),
  }
}
