import { recordKind } from '../../objects/index.ts'
import { batchBytesMax, batchHeaderSize, batchTrailerSize } from './batch-sizes.ts'

/** Checksum, kind, flags, reference count, body length, hash. See docs/format.md, "Record". */
export const recordHeaderSize = 48

/** Records start at multiples of this many bytes. */
export const recordAlignment = 8

/** The hash stands this many bytes after the start of a record. */
export const recordHashAt = 16

/** A record must fit into one batch; so a body has at most this many bytes. */
export const bodyBytesMax: number = batchBytesMax - batchHeaderSize - batchTrailerSize - recordHeaderSize

/** Bits of a record's flags. The persistent meaning of a bit never changes. */
export const recordFlag = { healed: 1, compressed: 2, encrypted: 4, bare: 8 } as const

/** Flags that format 1 writes; a record with any other is not understood, so it is refused. */
const knownFlags = recordFlag.healed | recordFlag.bare

/** Bit k: kind k may stand in a record of format 1. The kind `delta` is reserved and may not. */
const knownKinds: number =
  (1 << recordKind.blob) |
  (1 << recordKind.node) |
  (1 << recordKind.commit) |
  (1 << recordKind.list) |
  (1 << recordKind.bigBlob) |
  (1 << recordKind.meta) |
  (1 << recordKind.touch)

/** The fields of a record's header that say how to go on. Made once and filled again for every record. */
export interface RecordHeader {
  kind: number
  flags: number
  referenceCount: number
  bodyLength: number
}

/** How many bytes a record with such a body takes in a file, padding included. */
export function recordSize(bodyLength: number): number {
  // A body has less than 2^31 bytes.
  return recordHeaderSize + ((bodyLength + recordAlignment - 1) & -recordAlignment)
}

/** The field of the record at `at`, whatever it says; below 2^23 in every record that is whole. */
export function bodyLengthAt(bytes: Buffer, at: number): number {
  const low =
    (bytes[at + 12] as number) | ((bytes[at + 13] as number) << 8) | ((bytes[at + 14] as number) << 16)
  return (low | ((bytes[at + 15] as number) << 24)) >>> 0
}

export function isKnownKind(kind: number): boolean {
  return kind < 32 && ((knownKinds >>> kind) & 1) === 1
}

/**
 * Reads the header at `at` and says whether it can be one: kind and flags known, the body within its bound
 * and long enough for its references. It proves nothing: only the checksum does, for which the whole body is
 * needed.
 */
export function parseRecordHeader(bytes: Buffer, at: number, into: RecordHeader): boolean {
  into.kind = bytes[at + 8] as number
  into.flags = bytes[at + 9] as number
  into.referenceCount = (bytes[at + 10] as number) | ((bytes[at + 11] as number) << 8)
  into.bodyLength = bodyLengthAt(bytes, at)
  return (
    isKnownKind(into.kind) &&
    (into.flags & ~knownFlags) === 0 &&
    into.bodyLength <= bodyBytesMax &&
    into.referenceCount * 8 <= into.bodyLength
  )
}
