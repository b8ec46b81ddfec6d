import { assert, readU64, tryReadU64, writeU64, xxh64 } from '../../base/index.ts'
import { magic } from '../../layout/index.ts'
import { batchBytesMax, batchHeaderSize, batchTrailerSize } from './batch-sizes.ts'
import { recordAlignment, recordHeaderSize } from './record.ts'

/** What the header of a batch says. Offsets are virtual. */
export interface BatchHeader {
  readonly recordCount: number
  /** 1 for the first batch of a chunk, then one more each. */
  readonly sequence: number
  /** When the batch was closed, in ms since 1970. */
  readonly time: number
  /** Where the header itself stands. */
  readonly start: number
  /** Of the whole batch, header and trailer included. */
  readonly length: number
  /** Everything below was known to be synced when this header was written. Always the border of a batch. */
  readonly syncedTo: number
}

/** What a header must agree with to be the header of a batch here. */
export interface BatchPlace {
  readonly start: number
  /** Where the first batch of the chunk starts. */
  readonly first: number
}

export const nonceSize = 16
const checkedHeaderSize = 48
/** Of each record, its checksum and the fields with its length go into the sum of the trailer. */
const prefixSize = 16
const recordsAt = nonceSize + batchHeaderSize

const headerMagic = Buffer.from(magic.batchHeader, 'latin1').readUInt32LE(0)
const trailerMagic = Buffer.from(magic.batchTrailer, 'latin1').readUInt32LE(0)

/**
 * The bytes that the two sums of a batch cover, laid out as they are summed: the chunk's nonce, the batch's
 * header, and the first 16 bytes of each record. The nonce is random and never leaves the chunk file, and the
 * header names its own position; so no content can look like a batch, not even a copy of this very file.
 *
 * Use: `begin`, `addRecord` for each record, `encodeHeader`, `encodeTrailer`; or, to check a batch,
 * `decodeHeader`, `beginWith`, `addRecord` for each record, `trailerMatches`.
 */
export class BatchFrame {
  #bytes: Buffer = Buffer.alloc(4096)
  #length: number = recordsAt

  constructor(nonce: Buffer) {
    assert(nonce.length === nonceSize, 'a nonce has 16 bytes')
    nonce.copy(this.#bytes, 0)
  }

  /** Forgets the records of the last batch. */
  begin(): void {
    this.#length = recordsAt
  }

  /** The same, for a batch whose header stands at `at` and has been decoded. */
  beginWith(bytes: Buffer, at: number): void {
    this.begin()
    bytes.copy(this.#bytes, nonceSize, at, at + batchHeaderSize)
  }

  /** Counts in the record that starts at `at`. */
  addRecord(bytes: Buffer, at: number): void {
    const length = this.#length
    if (length + prefixSize > this.#bytes.length) this.#grow()
    const target = this.#bytes
    for (let i = 0; i < prefixSize; i++) target[length + i] = bytes[at + i] as number
    this.#length = length + prefixSize
  }

  get recordCount(): number {
    return (this.#length - recordsAt) / prefixSize
  }

  /**
   * The 56 bytes of the header: a view, valid until the next call.
   * @param recordCount of records that are yet to come; default: those that have been added
   */
  encodeHeader(header: Omit<BatchHeader, 'recordCount'>, recordCount: number = this.recordCount): Buffer {
    const bytes = this.#bytes
    bytes.writeUInt32LE(headerMagic, nonceSize)
    bytes.writeUInt32LE(recordCount, nonceSize + 4)
    writeU64(bytes, header.sequence, nonceSize + 8)
    writeU64(bytes, header.time, nonceSize + 16)
    writeU64(bytes, header.start, nonceSize + 24)
    writeU64(bytes, header.length, nonceSize + 32)
    writeU64(bytes, header.syncedTo, nonceSize + 40)
    const sum = xxh64(bytes, 0, nonceSize + checkedHeaderSize, 0)
    bytes.writeBigUInt64LE(sum, nonceSize + checkedHeaderSize)
    return bytes.subarray(nonceSize, recordsAt)
  }

  /** The 16 bytes of the trailer; after `encodeHeader`. */
  encodeTrailer(): Buffer {
    const trailer = Buffer.allocUnsafe(batchTrailerSize)
    trailer.writeUInt32LE(trailerMagic, 0)
    trailer.writeUInt32LE(0, 4)
    trailer.writeBigUInt64LE(xxh64(this.#bytes, 0, this.#length, 0), 8)
    return trailer
  }

  /** The header at `at`, or `undefined` unless one was written for exactly this place of this chunk. */
  decodeHeader(bytes: Buffer, at: number, place: BatchPlace): BatchHeader | undefined {
    if (bytes.readUInt32LE(at) !== headerMagic) return undefined
    if (tryReadU64(bytes, at + 24) !== place.start) return undefined
    this.beginWith(bytes, at)
    const sum = xxh64(this.#bytes, 0, nonceSize + checkedHeaderSize, 0)
    if (sum !== bytes.readBigUInt64LE(at + checkedHeaderSize)) return undefined
    const header = {
      recordCount: bytes.readUInt32LE(at + 4),
      sequence: readU64(bytes, at + 8),
      time: readU64(bytes, at + 16),
      start: place.start,
      length: readU64(bytes, at + 32),
      syncedTo: readU64(bytes, at + 40),
    }
    return isPlausible(header, place) ? header : undefined
  }

  /** Whether the trailer at `at` closes exactly the header and the records added since `beginWith`. */
  trailerMatches(bytes: Buffer, at: number): boolean {
    if (bytes.readUInt32LE(at) !== trailerMagic || bytes.readUInt32LE(at + 4) !== 0) return false
    return xxh64(this.#bytes, 0, this.#length, 0) === bytes.readBigUInt64LE(at + 8)
  }

  #grow(): void {
    const larger = Buffer.alloc(this.#bytes.length * 2)
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

/** The sum proves who wrote a header; this guards the scan against one that a bug wrote. */
function isPlausible(header: BatchHeader, place: BatchPlace): boolean {
  const recordBytes = header.length - batchHeaderSize - batchTrailerSize
  return (
    header.sequence >= 1 &&
    header.length % recordAlignment === 0 &&
    header.length <= batchBytesMax &&
    recordBytes >= header.recordCount * recordHeaderSize &&
    header.syncedTo >= place.first &&
    header.syncedTo <= header.start
  )
}
