import { assert, hasXxh64, viewOf, writeXxh64 } from '../../base/index.ts'
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
  checkFields(offset, kind, flags, referenceCount, bodyLength)
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
  if (start === 0 && end === body.length) target.set(body, at + recordHeaderSize)
  else target.set(viewOf(body, start, end), at + recordHeaderSize)
  const used = at + recordHeaderSize + bodyLength
  const size = recordSize(bodyLength)
  for (let i = used; i < at + size; i++) target[i] = 0
  writeXxh64(target, at + checkedFrom, used, offset, target, at)
  return size
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
