import { assert, hasXxh64, Views, viewOf, writeXxh64, writeXxh64Of } from '../../base/index.ts'
import { hashSize, type RawHash, readHash, writeHash } from '../../objects/index.ts'
import {
  bodyBytesMax,
  isKnownKind,
  parseRecordHeader,
  type RecordHeader,
  recordAlignment,
  recordHashAt,
  recordHeaderSize,
  recordSize,
} from './record.ts'

/** The checksum covers everything of a record but itself and the padding. */
const checkedFrom = 8

/**
 * Where records up to this size are put together: there they are seen through views that are there already,
 * once to be summed and once to be copied.
 */
const formedMax = 4096
const formed = Buffer.allocUnsafeSlow(formedMax)
const formedWhole = new Views(formed, 0)
const formedChecked = new Views(formed, checkedFrom)

/**
 * Writes a record whose body is bytes [start, end) of `body` to `target` at `at`, for the virtual offset
 * `offset`, with which its checksum is seeded. Without a hash (records of metadata) zeros stand there.
 * Returns its size, padding included. The arguments stand in a row as this runs once for every record.
 */
export function encodeRecord(
  target: Buffer,
  at: number,
  offset: number,
  kind: number,
  flags: number,
  hash: RawHash | undefined,
  referenceCount: number,
  body: Buffer,
  start: number,
  end: number,
): number {
  const bodyLength = end - start
  const size = recordSize(bodyLength)
  checkFields(offset, kind, flags, referenceCount, bodyLength)
  const isFormed = size <= formedMax
  const into = isFormed ? formed : target
  const from = isFormed ? 0 : at
  putHeader(into, from, kind, flags, hash, referenceCount, bodyLength)
  const isWhole = start === 0 && end === body.length
  into.set(isWhole ? body : viewOf(body, start, end), from + recordHeaderSize)
  const used = from + recordHeaderSize + bodyLength
  for (let i = used; i < from + size; i++) into[i] = 0
  if (isFormed) {
    writeXxh64Of(formedChecked.of(used - checkedFrom), offset, formed, 0)
    target.set(formedWhole.of(size), at)
  } else {
    writeXxh64(target, at + checkedFrom, used, offset, target, at)
  }
  return size
}

function putHeader(
  target: Buffer,
  at: number,
  kind: number,
  flags: number,
  hash: RawHash | undefined,
  referenceCount: number,
  bodyLength: number,
): void {
  target[at + 8] = kind
  target[at + 9] = flags
  target[at + 10] = referenceCount & 0xff
  target[at + 11] = referenceCount >>> 8
  target[at + 12] = bodyLength & 0xff
  target[at + 13] = (bodyLength >>> 8) & 0xff
  target[at + 14] = bodyLength >>> 16
  target[at + 15] = 0
  if (hash === undefined) target.fill(0, at + recordHashAt, at + recordHeaderSize)
  else putHash(target, at + recordHashAt, hash)
}

/**
 * Proves the record at `at` of `bytes`, of which `available` bytes are there, to be the one written for the
 * virtual offset `offset`, and fills its header into `into`.
 * Returns its size with padding, or 0 when it is damaged, cut short, or not understood.
 */
export function verifyRecord(
  bytes: Buffer,
  at: number,
  available: number,
  offset: number,
  into: RecordHeader,
): number {
  if ((offset & (recordAlignment - 1)) !== 0 || available < recordHeaderSize) return 0
  if (!parseRecordHeader(bytes, at, into)) return 0
  const size = recordSize(into.bodyLength)
  if (size > available) return 0
  return recordSumMatches(bytes, at, into.bodyLength, offset) ? size : 0
}

/** Whether header and body of the record at `at` are what was written for this offset. */
export function recordSumMatches(bytes: Buffer, at: number, bodyLength: number, offset: number): boolean {
  return hasXxh64(bytes, at + checkedFrom, at + recordHeaderSize + bodyLength, offset, bytes, at)
}

/** The hash in the header of the record at `at`. */
export function readRecordHash(bytes: Buffer, at: number): RawHash {
  return readHash(bytes, at + recordHashAt)
}

function checkFields(
  offset: number,
  kind: number,
  flags: number,
  referenceCount: number,
  bodyLength: number,
): void {
  assert(offset > 0 && (offset & (recordAlignment - 1)) === 0, 'a record starts at a multiple of 8')
  assert(isKnownKind(kind), 'a record has a kind of format 1')
  assert(flags >= 0 && flags <= 0xff, 'flags are a byte')
  assert(bodyLength >= 0 && bodyLength <= bodyBytesMax, 'a body fits into one batch')
  assert(referenceCount >= 0 && referenceCount <= 0xffff, 'the reference count is a u16')
  assert(referenceCount * 8 <= bodyLength, 'a body ends with its references')
}

function putHash(target: Buffer, at: number, hash: RawHash): void {
  assert(hash.length === hashSize, 'a hash has 32 bytes')
  writeHash(target, hash, at)
}
