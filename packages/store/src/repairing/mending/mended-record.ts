import { type IndexKind, indexKindOf, type RawHash, readHash } from '@varve/pack/objects'
import {
  type DamagedRange,
  mendHash,
  recordHeaderSize,
  recordSumMatches,
  type ScannedBatch,
} from '@varve/pack/pack'
import type { Reframed } from './reframed.ts'

/** Valid until the next one is asked for. */
export interface FoundBody {
  readonly bytes: Uint8Array
  /** Path of another store that has it; `undefined`: this one has. */
  readonly from: string | undefined
}

/** The body of a whole record of that object, wherever one is. */
export type BodySource = (kind: IndexKind, hash: RawHash) => FoundBody | undefined

export interface MendedRecord extends Reframed {
  readonly from: string | undefined
}

/**
 * A record whose header fields and checksum the batch's trailer proves, but not its hash or its body: the
 * hash is that of the body, and a body is that of another record of the object if it matches the checksum.
 */
export function mendedRecord(
  batch: ScannedBatch,
  { start, end }: DamagedRange,
  bodyOf: BodySource | undefined,
): MendedRecord | undefined {
  const cursor = batch.records()
  cursor.toDamaged({ start, end, what: 'record' })
  const bytes = Buffer.from(cursor.bytes.subarray(cursor.at, cursor.at + (end - start)))
  if (mendHash(bytes, 0, cursor, start)) return { offset: start, bytes, from: undefined }
  const kind = indexKindOf(cursor.kind)
  const found = kind === undefined ? undefined : bodyOf?.(kind, readHash(bytes, 16))
  if (found?.bytes.length !== cursor.bodyLength) return undefined
  bytes.set(found.bytes, recordHeaderSize)
  const isWhole = recordSumMatches(bytes, 0, cursor.bodyLength, start)
  return isWhole ? { offset: start, bytes, from: found.from } : undefined
}
