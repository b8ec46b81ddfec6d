/**
 * The first bytes of the record at which the chain of a batch breaks, when no more than one of their fields
 * is damaged: the trailer sums up those of all records together with the file's nonce, so that nothing but
 * what was written matches it.
 */
import { writeXxh64 } from '@varve/pack/base'
import {
  BatchFrame,
  batchTrailerSize,
  bodyBytesMax,
  parseRecordHeader,
  type RecordHeader,
  recordAlignment,
  recordHeaderSize,
  recordSize,
  recordSumMatches,
  type ScannedBatch,
  verifyRecord,
} from '@varve/pack/pack'
import type { Reframed } from './reframed.ts'

/** Checksum, kind, flags, reference count, and length of the body. */
const prefixSize = 16
const checkedFrom = 8
const kindMax = 31
const flagsMax = 255
const referencesMax = 0xffff

/** Summed at most for one break. */
const summedBytesMax = 64 << 20

/** @returns the bytes, and whether the record is whole with them; `undefined`: more is damaged */
export function mendedPrefix(
  batch: ScannedBatch,
  nonce: Buffer,
): (Reframed & { readonly isWhole: boolean }) | undefined {
  const offset = batch.recordsEnd
  const at = batch.at + offset - batch.start
  const end = batch.at + batch.header.length - batchTrailerSize
  // A file that is cut short has no trailer.
  if (end + batchTrailerSize > batch.bytes.length || at + recordHeaderSize > end) return undefined
  // In a copy, as the prefix is tried in its place.
  const bytes = Buffer.from(batch.bytes.subarray(at, end + batchTrailerSize))
  const broken = new BrokenRecord(bytes, { offset, end: end - at })
  for (const prefix of broken.prefixes()) {
    prefix.copy(bytes, 0)
    if (!closes(batch, nonce, bytes)) continue
    const header = broken.parsed()
    const isWhole = header !== undefined && recordSumMatches(bytes, 0, header.bodyLength, offset)
    return { offset, bytes: Buffer.from(prefix), isWhole, isLost: !isWhole }
  }
  return undefined
}

/** Whether the trailer is that of the records before the break and those from it on. */
function closes(batch: ScannedBatch, nonce: Buffer, bytes: Buffer): boolean {
  const frame = new BatchFrame(nonce)
  frame.beginWith(batch.bytes, batch.at)
  for (const record = batch.records(); record.next(); ) frame.addRecord(record.bytes, record.at)
  const header: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
  const end = bytes.length - batchTrailerSize
  let at = 0
  while (at + recordHeaderSize <= end && parseRecordHeader(bytes, at, header)) {
    frame.addRecord(bytes, at)
    at += recordSize(header.bodyLength)
  }
  return at === end && frame.recordCount === batch.header.recordCount && frame.trailerMatches(bytes, end)
}

/** Of bodies whose records end there. */
function* lengthsTo(end: number): Generator<number, void, undefined> {
  const longest = end - recordHeaderSize
  for (let length = longest; length > longest - recordAlignment && length >= 0; length--) {
    if (length <= bodyBytesMax) yield length
  }
}

class BrokenRecord {
  readonly #bytes: Buffer
  readonly #stored: Buffer
  readonly #offset: number
  readonly #end: number
  readonly #header: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
  #left = summedBytesMax

  /** @param bytes from the record on; @param o.end of the batch's records in them */
  constructor(bytes: Buffer, o: { readonly offset: number; readonly end: number }) {
    this.#bytes = bytes
    this.#stored = Buffer.from(bytes.subarray(0, prefixSize))
    this.#offset = o.offset
    this.#end = o.end
  }

  /** `undefined`: no record can begin so, or it does not fit. */
  parsed(): RecordHeader | undefined {
    const isPossible = parseRecordHeader(this.#bytes, 0, this.#header)
    return isPossible && recordSize(this.#header.bodyLength) <= this.#end ? this.#header : undefined
  }

  /**
   * Those with one field other than stored under which the record is what its checksum says. Of lengths also
   * those that lead to the next whole record: its body may be damaged besides.
   */
  *prefixes(): Generator<Buffer, void, undefined> {
    yield* this.#withSum()
    for (const length of this.#lengths()) yield* this.#ifWhole((p) => p.writeUInt32LE(length, 12))
    this.#stored.copy(this.#bytes, 0)
    for (const length of [...this.#nearestLengths()]) {
      const prefix = Buffer.from(this.#stored)
      prefix.writeUInt32LE(length, 12)
      yield prefix
    }
    for (let kind = 0; kind <= kindMax; kind++) yield* this.#ifWhole((p) => p.writeUInt8(kind, 8))
    for (let flags = 0; flags <= flagsMax; flags++) yield* this.#ifWhole((p) => p.writeUInt8(flags, 9))
    for (let count = 0; count <= referencesMax; count++) {
      if (count * 8 > this.#end) return
      yield* this.#ifWhole((p) => p.writeUInt16LE(count, 10))
    }
  }

  *#withSum(): Generator<Buffer, void, undefined> {
    this.#stored.copy(this.#bytes, 0)
    const header = this.parsed()
    if (header === undefined) return
    const prefix = Buffer.from(this.#stored)
    writeXxh64(this.#bytes, checkedFrom, recordHeaderSize + header.bodyLength, this.#offset, prefix, 0)
    yield prefix
  }

  *#ifWhole(change: (prefix: Buffer) => void): Generator<Buffer, void, undefined> {
    const prefix = Buffer.from(this.#stored)
    change(prefix)
    prefix.copy(this.#bytes, 0)
    const header = this.parsed()
    if (header === undefined) return
    this.#left -= header.bodyLength
    if (this.#left > 0 && recordSumMatches(this.#bytes, 0, header.bodyLength, this.#offset)) yield prefix
  }

  /** Of a body that ends where a whole record begins, or the trailer. */
  *#lengths(): Generator<number, void, undefined> {
    for (const next of this.#boundaries()) yield* lengthsTo(next)
  }

  *#nearestLengths(): Generator<number, void, undefined> {
    for (const next of this.#boundaries()) return yield* lengthsTo(next)
  }

  *#boundaries(): Generator<number, void, undefined> {
    for (let next = recordHeaderSize; next <= this.#end && this.#left > 0; next += recordAlignment) {
      if (next === this.#end || this.#isRecordAt(next)) yield next
    }
  }

  #isRecordAt(position: number): boolean {
    const available = this.#end - position
    const size = verifyRecord(this.#bytes, position, available, this.#offset + position, this.#header)
    // What does not fit has not been summed.
    if (this.#header.bodyLength < available) this.#left -= this.#header.bodyLength
    return size > 0
  }
}
