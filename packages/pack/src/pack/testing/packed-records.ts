import { magic } from '../../layout/index.ts'
import { indexKind, recordKind, sha256 } from '../../objects/index.ts'
import type { SeededRandom } from '../../testing/index.ts'
import { encodePackHeader, encodeRecord, packHeaderSize, recordFlag, recordSize } from '../frame/index.ts'

export const testStoreId: Buffer = Buffer.from('0123456789abcdef', 'latin1')

/** A record that a test has made. */
export interface TestRecord {
  readonly offset: number
  readonly hash: string
  readonly body: Buffer
  readonly size: number
  readonly isHealed: boolean
}

/**
 * Blobs one behind the other from a virtual offset on, without batches: what a region of a chunk is made of.
 */
export interface TestRecords {
  readonly bytes: Buffer
  readonly records: readonly TestRecord[]
}

export function makeRecords(
  random: SeededRandom,
  start: number,
  bodyLengths: readonly number[],
): TestRecords {
  const size = bodyLengths.reduce((sum, length) => sum + recordSize(length), 0)
  const bytes = Buffer.alloc(size)
  const records: TestRecord[] = []
  let at = 0
  for (const length of bodyLengths) {
    const body = random.bytes(length)
    const hash = sha256(body, 0, length)
    const isHealed = random.chance(0.05)
    const flags = isHealed ? recordFlag.healed : 0
    const offset = start + at
    const taken = encodeRecord(bytes, at, offset, recordKind.blob, flags, hash, 0, body, 0, length)
    records.push({ offset, hash, body, size: taken, isHealed })
    at += taken
  }
  return { bytes, records }
}

/** A chunk file's bytes with these records directly behind its header. */
export function makeChunk(o: {
  readonly number: number
  readonly base: number
  readonly records: Buffer
}): Buffer {
  const nonce = Buffer.alloc(16, o.number)
  const header = encodePackHeader(magic.chunk, {
    number: o.number,
    nonce,
    storeId: testStoreId,
    base: o.base,
  })
  return Buffer.concat([header, o.records])
}

/** Where the first record of such a chunk lies. */
export function firstOffset(base: number): number {
  return base + packHeaderSize
}

export const blobKind: typeof indexKind.blob = indexKind.blob
