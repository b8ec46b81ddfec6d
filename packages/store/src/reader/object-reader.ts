/**
 * Reads objects wherever they are, by virtual offset or by kind and hash, and proves what it gives: kind,
 * hash, and checksum must match. A copy that is damaged or gone is replaced by any other whole one with the
 * same kind and hash (rule 14); only when there is none does the caller hear of it. Belongs to one thread;
 * nothing here awaits.
 */
import { VarveError } from '@varve/pack/errors'
import {
  type BodyView,
  type ChunkEntry,
  decodeCommit,
  hashEquals,
  type IndexKind,
  indexKind,
  indexKindOf,
  MalformedBody,
  type NodeReader,
  type NodeRef,
  type RawHash,
  rawToHex,
  readHash,
  recordKind,
  sameHashBytes,
} from '@varve/pack/objects'
import { type CopyReader, type RecordReader, RecordView } from '@varve/pack/pack'
import type { HashIndex } from '../hash-index/index.ts'
import type { StoredCommit } from './stored-commit.ts'

export interface ObjectReaderParts {
  readonly records: RecordReader
  readonly index: HashIndex
  /** Reads from volumes only, for what is damaged above them. */
  readonly below?: CopyReader | undefined
  /** Of the address space of the moment. */
  readonly epoch: () => number
  /** Told when a whole copy stood in for a damaged one. */
  readonly onHealed: (kind: IndexKind, hash: RawHash) => void
}

/** Reused from call to call: valid until the next node is read. */
interface MutableBody {
  buf: Buffer
  start: number
  end: number
  referenceCount: number
}

export class ObjectReader implements NodeReader {
  readonly #records: RecordReader
  readonly #index: HashIndex
  readonly #below: CopyReader | undefined
  readonly #epoch: () => number
  readonly #onHealed: (kind: IndexKind, hash: RawHash) => void
  /** Of the record whose body was given last: where to point when it turns out to be malformed. */
  #lastOffset = 0
  readonly #view = new RecordView()
  readonly #chunkView = new RecordView()
  readonly #body: MutableBody = { buf: Buffer.alloc(0), start: 0, end: 0, referenceCount: 0 }

  constructor(parts: ObjectReaderParts) {
    this.#records = parts.records
    this.#index = parts.index
    this.#below = parts.below
    this.#epoch = parts.epoch
    this.#onHealed = parts.onHealed
  }

  /** The same reader over other files: those that a stream has captured. */
  over(records: RecordReader): ObjectReader {
    return new ObjectReader({
      ...{ records, index: this.#index, below: this.#below, epoch: this.#epoch, onHealed: this.#onHealed },
    })
  }

  node(ref: NodeRef): BodyView {
    if (ref.draft !== undefined) return ref.draft
    const record = this.#view
    const isRead = this.#tryRead(ref.offset, record)
    if (isRead && record.kind === recordKind.node) {
      if (hashEquals(record.buf, record.hashStart, ref.hash)) return this.#bodyOf(record)
    }
    return this.#bodyOf(this.record(indexKind.tree, ref.hash, ref.offset))
  }

  nodeAt(offset: number, parent: Buffer, hashStart: number): BodyView {
    const record = this.#view
    const isRead = this.#tryRead(offset, record)
    if (isRead && record.kind === recordKind.node) {
      if (sameHashBytes(record.buf, record.hashStart, parent, hashStart)) return this.#bodyOf(record)
    }
    return this.#bodyOf(this.record(indexKind.tree, readHash(parent, hashStart), offset))
  }

  /**
   * The record of an object that should be at `offset`.
   * @throws COLLECTED when the store no longer holds the object, CORRUPT when every copy of it is damaged,
   * LOWER_UNAVAILABLE when it lies in a volume that is away
   */
  record(kind: IndexKind, hash: RawHash, offset: number): RecordView {
    let failure: VarveError
    try {
      const found = this.#records.record(offset)
      if (indexKindOf(found.kind) === kind && hashEquals(found.buf, found.hashStart, hash)) return found
      failure = new VarveError('CORRUPT', { file: 'log', offset, hash: rawToHex(hash) })
    } catch (error) {
      if (!isMissing(error)) throw error
      failure = withHash(error, hash)
    }
    const other = this.#copyBelow(kind, hash, offset) ?? this.#otherCopy(kind, hash, offset)
    if (other === undefined) throw failure
    if (failure.code === 'CORRUPT') this.#onHealed(kind, hash)
    return other
  }

  /** The same record in a volume. */
  #copyBelow(kind: IndexKind, hash: RawHash, offset: number): RecordView | undefined {
    try {
      const found = this.#below?.record(offset)
      if (found === undefined) return undefined
      return indexKindOf(found.kind) === kind && hashEquals(found.buf, found.hashStart, hash)
        ? found
        : undefined
    } catch (error) {
      // What was wrong above is what is told.
      if (VarveError.is(error)) return undefined
      throw error
    }
  }

  #otherCopy(kind: IndexKind, hash: RawHash, offset: number): RecordView | undefined {
    const other = this.#index.findOther(kind, hash, offset)
    if (other === 0) return undefined
    try {
      return this.#records.record(other)
    } catch (error) {
      // What was found whole there may lie below what is damaged.
      const copy = isMissing(error) ? this.#copyBelow(kind, hash, other) : undefined
      if (copy === undefined) throw error
      return copy
    }
  }

  /**
   * The record of a chunk of a large blob, past the cache where that is possible. Valid until the next one is
   * read.
   * @throws as `record` does
   */
  chunk({ hash, offset, length }: ChunkEntry): RecordView {
    const found = this.#chunkView
    const isRead = this.#records.readPast(offset, length, found)
    const isWanted = isRead && found.kind === recordKind.blob && hashEquals(found.buf, found.hashStart, hash)
    return isWanted ? found : this.record(indexKind.blob, hash, offset)
  }

  /** Where the newest whole copy of an object is, or 0. @throws CORRUPT when all copies are damaged */
  find(kind: IndexKind, hash: RawHash): number {
    return this.#index.find(kind, hash)
  }

  /** The commit with this hash, or `undefined`. @throws CORRUPT */
  commit(hash: RawHash): StoredCommit | undefined {
    const offset = this.#index.find(indexKind.commit, hash)
    return offset === 0 ? undefined : this.commitAt({ hash, offset })
  }

  /** The commit that a ref or a handle names. @throws COLLECTED, CORRUPT */
  commitAt(place: { readonly hash: RawHash; readonly offset: number }): StoredCommit {
    const record = this.record(indexKind.commit, place.hash, place.offset)
    try {
      const fields = decodeCommit(record.buf, record.bodyStart, record.bodyEnd)
      return { hash: place.hash, offset: record.offset, epoch: this.#epoch(), ...fields }
    } catch (error) {
      throw error instanceof MalformedBody ? corruptAt(record.offset, error) : error
    }
  }

  #bodyOf(record: RecordView): BodyView {
    const body = this.#body
    this.#lastOffset = record.offset
    body.buf = record.buf
    body.start = record.bodyStart
    body.end = record.bodyEnd
    body.referenceCount = record.referenceCount
    return body
  }

  /** The error for a node that is whole but breaks the rules of its codec. */
  corrupt(cause: MalformedBody): VarveError<'CORRUPT'> {
    return corruptAt(this.#lastOffset, cause)
  }

  /** False where the slow path must say what is wrong. */
  #tryRead(offset: number, into: RecordView): boolean {
    try {
      this.#records.read(offset, into)
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }
}

/** Another copy may stand in: the one that was asked for is gone, damaged, or away. */
function isMissing(error: unknown): error is VarveError {
  const codes = ['COLLECTED', 'CORRUPT', 'LOWER_UNAVAILABLE'] as const
  return codes.some((code) => VarveError.is(error, code))
}

/** The same failure, saying which object it was about. */
function withHash(error: VarveError, hash: RawHash): VarveError {
  const hex = rawToHex(hash)
  if (VarveError.is(error, 'CORRUPT')) {
    return new VarveError('CORRUPT', { ...error.details, hash: hex }, { cause: error })
  }
  if (VarveError.is(error, 'LOWER_UNAVAILABLE')) return error
  return new VarveError('COLLECTED', { hash: hex }, { cause: error })
}

function corruptAt(offset: number, cause: MalformedBody): VarveError<'CORRUPT'> {
  return new VarveError('CORRUPT', { file: 'log', offset }, { cause })
}
