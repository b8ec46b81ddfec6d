/**
 * The hash in a record's header is that of its body: where nothing but the hash is damaged it can be computed
 * again, and the record's checksum proves the outcome.
 */
import {
  commitDomain,
  hashCanonical,
  listDomain,
  type RawHash,
  recordKind,
  sha256,
  treeDomain,
  writeHash,
} from '../../objects/index.ts'
import {
  type RecordHeader,
  readRecordHash,
  recordHashAt,
  recordHeaderSize,
  recordSumMatches,
} from '../frame/index.ts'

/**
 * Puts the right hash into the header of the record at `at`, in memory, if that makes the record whole; false
 * where more is damaged, and then nothing is changed.
 * @param header what the record's header says, with lengths that the bytes have room for
 * @param offset the virtual offset that the record was written for
 */
export function mendHash(bytes: Buffer, at: number, header: RecordHeader, offset: number): boolean {
  const hash = canonicalHash(bytes, at, header)
  if (hash === undefined) return false
  const shown = readRecordHash(bytes, at)
  writeHash(bytes, hash, at + recordHashAt)
  if (recordSumMatches(bytes, at, header.bodyLength, offset)) return true
  writeHash(bytes, shown, at + recordHashAt)
  return false
}

/** The hash of what the record's body says; `undefined` where the body alone does not tell it. */
export function canonicalHash(bytes: Buffer, at: number, header: RecordHeader): RawHash | undefined {
  const start = at + recordHeaderSize
  const end = start + header.bodyLength - 8 * header.referenceCount
  switch (header.kind) {
    case recordKind.blob:
      return sha256(bytes, start, end)
    case recordKind.node:
      return hashCanonical(treeDomain, bytes.subarray(start, end))
    case recordKind.commit:
      return hashCanonical(commitDomain, bytes.subarray(start, end))
    case recordKind.list:
      return hashCanonical(listDomain, bytes.subarray(start, end))
    default:
      return undefined
  }
}
