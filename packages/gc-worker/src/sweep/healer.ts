import { assert, readU64, writeU64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { readFullySync } from '@varve/pack/fs'
import {
  hashSize,
  type IndexKind,
  indexKindOf,
  type RawHash,
  rawToHex,
  readHash,
  recordKind,
} from '@varve/pack/objects'
import {
  canonicalHash,
  encodeRecord,
  Location,
  mendHash,
  parseRecordHeader,
  type RecordHeader,
  type RecordView,
  recordFlag,
  recordHashAt,
  recordHeaderSize,
  recordSize,
} from '@varve/pack/pack'
import type { SourceIndexes, SourceSpace } from '../source/index.ts'

const hashAt = 16
const indexKinds: readonly IndexKind[] = [1, 2, 3, 4]

interface Identity {
  readonly kind: IndexKind
  readonly hash: RawHash
}

/**
 * Finds what takes the place of damaged records. What a damaged record was is known from the hash in its
 * header, which counts only if the index lists that hash for that very offset; a copy is any whole record of
 * the same kind and hash. The canonical part of the two is the same, so the copy has the same length and fits
 * into the same place. The upper layer is asked first, then volumes, as far as they can be read.
 */
export class Healer {
  readonly #source: SourceSpace
  readonly #indexes: SourceIndexes

  constructor(source: SourceSpace, indexes: SourceIndexes) {
    this.#source = source
    this.#indexes = indexes
  }

  /**
   * A whole record for the offset of a damaged one, sealed for that offset. Its references point lower where
   * lower copies exist; otherwise it carries the flag `healed`.
   * @throws CORRUPT when there is no copy
   */
  async heal(offset: number): Promise<Buffer> {
    const archived = this.#archived(offset)
    if (archived !== undefined) return archived
    await this.#indexes.complete()
    const bytes = this.#read(offset)
    const identity = this.#identityOf(bytes, offset)
    const copy = identity === undefined ? undefined : this.#copyOf(identity, offset)
    const record = copy === undefined ? this.#repaired(bytes, offset) : this.#moved(copy, offset)
    if (record === undefined) throw this.#lost(offset, identity)
    return record
  }

  /**
   * For a damaged record that stays where it is: the offset of a whole record of the same object, or
   * `undefined`. `bytes` holds the damaged one at `at`.
   */
  async copyElsewhere(bytes: Buffer, at: number, offset: number): Promise<number | undefined> {
    await this.#indexes.complete()
    const identity = this.#identityOf(bytes.subarray(at), offset)
    return identity === undefined ? undefined : this.#copyOf(identity, offset)
  }

  /** The same for a record of which only the place is known. */
  async copyOf(offset: number): Promise<number | undefined> {
    await this.#indexes.complete()
    return this.copyElsewhere(this.#read(offset), 0, offset)
  }

  /** The same record if nothing but its hash was damaged, proved by its own checksum. */
  repaired(bytes: Buffer, at: number, offset: number): Buffer | undefined {
    return this.#repaired(bytes.subarray(at), offset)
  }

  #read(offset: number): Buffer {
    const at = new Location()
    const isHeld = this.#source.space.locate(offset, at)
    if (!isHeld || at.file === undefined) return Buffer.alloc(0)
    const { handle, end } = at.file
    const header = Buffer.alloc(Math.min(recordHeaderSize, end - at.position))
    const read = readFullySync(handle, header, 0, header.length, at.position)
    if (read < recordHeaderSize) return header.subarray(0, read)
    const size = Math.min(recordSize(header.readUInt32LE(12)), end - at.position)
    const bytes = Buffer.alloc(size)
    return bytes.subarray(0, readFullySync(handle, bytes, 0, size, at.position))
  }

  #identityOf(bytes: Buffer, offset: number): Identity | undefined {
    if (bytes.length < recordHeaderSize) return undefined
    const hash = readHash(bytes, hashAt)
    const kind = indexKinds.find((k) => this.#indexes.candidates(k, hash).includes(offset))
    return kind === undefined ? undefined : { kind, hash }
  }

  /** The highest whole record below the offset, as its references surely point low enough; else any other. */
  #copyOf(identity: Identity, offset: number): number | undefined {
    const { kind, hash } = identity
    const others = this.#indexes.candidates(kind, hash).filter((candidate) => candidate !== offset)
    const whole = others.filter((candidate) => this.#indexes.holds(candidate, kind, hash))
    return whole.findLast((candidate) => candidate < offset) ?? whole[0] ?? this.#copyBelow(identity, offset)
  }

  /** The same record in a volume. */
  #archived(offset: number): Buffer | undefined {
    try {
      return recordBytes(this.#source.below.record(offset))
    } catch (error) {
      if (VarveError.is(error)) return undefined
      throw error
    }
  }

  /** A whole record that rests in a volume. */
  #copyBelow({ kind, hash }: Identity, offset: number): number | undefined {
    for (const { offsets } of this.#source.lower?.candidates(kind, hash) ?? []) {
      for (const other of offsets) {
        if (other !== offset && this.#indexes.holds(other, kind, hash)) return other
      }
    }
    return undefined
  }

  /** A copy of the record at `from`, for another offset. */
  #moved(from: number, offset: number): Buffer {
    const view = this.#source.reader.record(from)
    const body = Buffer.from(view.buf.subarray(view.bodyStart, view.bodyEnd))
    let pointsUp = false
    for (let at = body.length - 8 * view.referenceCount; at < body.length; at += 8) {
      const child = readU64(body, at)
      if (child < offset) continue
      const lower = this.#lowerCopy(child, offset)
      if (lower === undefined) pointsUp = true
      else writeU64(body, lower, at)
    }
    return this.#sealed(view, body, offset, pointsUp)
  }

  #sealed(view: RecordView, body: Buffer, offset: number, pointsUp: boolean): Buffer {
    const record = Buffer.alloc(recordSize(body.length))
    // What a bare put of the copy meant is in the index's list; the place being healed has its own history.
    const flags = pointsUp ? recordFlag.healed : 0
    const { kind, referenceCount } = view
    encodeRecord(record, 0, offset, kind, flags, view.hash, referenceCount, body, 0, body.length)
    return record
  }

  /** A whole record of the object at `child` that lies below the limit. */
  #lowerCopy(child: number, limit: number): number | undefined {
    let view: RecordView
    try {
      view = this.#source.reader.record(child)
    } catch (error) {
      // The child is damaged too, or newer than this collection: the reference stays as it is.
      if (VarveError.is(error, 'CORRUPT') || VarveError.is(error, 'COLLECTED')) return undefined
      throw error
    }
    const kind = indexKindOf(view.kind)
    if (kind === undefined) return undefined
    const hash = view.hash
    return this.#indexes
      .candidates(kind, hash)
      .findLast((candidate) => candidate < limit && this.#indexes.holds(candidate, kind, hash))
  }

  #repaired(bytes: Buffer, offset: number): Buffer | undefined {
    const header: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
    if (bytes.length < recordHeaderSize || !parseRecordHeader(bytes, 0, header)) return undefined
    const size = recordSize(header.bodyLength)
    if (size > bytes.length) return undefined
    const record = Buffer.from(bytes.subarray(0, size))
    if (mendHash(record, 0, header, offset)) return record
    // A blob's hash covers all of its body, so it proves the content even where the checksum itself was
    // damaged.
    const isProved =
      header.kind === recordKind.blob && canonicalHash(record, 0, header) === readHash(record, hashAt)
    return isProved ? resealed(record, header, offset) : undefined
  }

  #lost(offset: number, identity: Identity | undefined): VarveError {
    const place = this.#source.placeOf(offset)
    if (identity === undefined) return new VarveError('CORRUPT', place)
    assert(identity.hash.length === hashSize, 'a hash has 32 bytes')
    return new VarveError('CORRUPT', { ...place, hash: rawToHex(identity.hash) })
  }
}

/** All bytes of a record, for its own offset. */
export function recordBytes(view: RecordView): Buffer {
  const bytes = Buffer.alloc(recordSize(view.bodyEnd - view.bodyStart))
  view.buf.copy(bytes, 0, view.hashStart - recordHashAt, view.bodyEnd)
  return bytes
}

function resealed(record: Buffer, header: RecordHeader, offset: number): Buffer {
  const hash = readHash(record, hashAt)
  const body = Buffer.from(record.subarray(recordHeaderSize, recordHeaderSize + header.bodyLength))
  encodeRecord(record, 0, offset, header.kind, header.flags, hash, 0, body, 0, body.length)
  return record
}
