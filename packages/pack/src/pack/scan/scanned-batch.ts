import { assert } from '../../base/index.ts'
import {
  type BatchHeader,
  batchHeaderSize,
  parseRecordHeader,
  recordHashAt,
  recordHeaderSize,
  recordSize,
} from '../frame/index.ts'

/** A part of a chunk whose bytes are not what was written. Virtual offsets. */
export interface DamagedRange {
  readonly start: number
  readonly end: number
  /** `batch`: no header of a batch, or what follows a broken chain of records. `record`: one of them. */
  readonly what: 'batch' | 'record' | 'trailer'
}

/**
 * A batch whose header has been proved, with whatever of its records could be. Its bytes are valid until the
 * scan goes on. Walk over the good records with `records()`.
 */
export class ScannedBatch {
  readonly header: BatchHeader
  readonly bytes: Buffer
  /** Where the header stands in `bytes`. */
  readonly at: number
  /** Empty: the trailer and every record are what was written. In ascending order. */
  readonly damage: readonly DamagedRange[]
  /** Where the records end of which the lengths are proved. */
  readonly recordsEnd: number

  constructor(o: {
    readonly header: BatchHeader
    readonly bytes: Buffer
    readonly at: number
    readonly damage: readonly DamagedRange[]
    readonly recordsEnd: number
  }) {
    this.header = o.header
    this.bytes = o.bytes
    this.at = o.at
    this.damage = o.damage
    this.recordsEnd = o.recordsEnd
  }

  get isWhole(): boolean {
    return this.damage.length === 0
  }

  get start(): number {
    return this.header.start
  }

  get end(): number {
    return this.header.start + this.header.length
  }

  /** A cursor before the first good record. */
  records(): RecordCursor {
    return new RecordCursor(this)
  }
}

/** Walks over the good records of a batch: `while (cursor.next()) …`. No object per record. */
export class RecordCursor {
  kind = 0
  flags = 0
  referenceCount = 0
  bodyLength = 0
  /** The record's virtual offset. */
  offset = 0
  /** Where the record starts in `bytes`. */
  at = 0
  readonly bytes: Buffer
  readonly #batch: ScannedBatch
  #nextOffset: number
  #damageIndex = 0

  constructor(batch: ScannedBatch) {
    this.bytes = batch.bytes
    this.#batch = batch
    this.#nextOffset = batch.start + batchHeaderSize
  }

  get hashStart(): number {
    return this.at + recordHashAt
  }

  get bodyStart(): number {
    return this.at + recordHeaderSize
  }

  get bodyEnd(): number {
    return this.at + recordHeaderSize + this.bodyLength
  }

  /** The bytes it takes, padding included. */
  get size(): number {
    return recordSize(this.bodyLength)
  }

  /** Moves to the next good record; false at the end. */
  next(): boolean {
    while (this.#nextOffset < this.#batch.recordsEnd) {
      this.#moveTo(this.#nextOffset)
      this.#nextOffset = this.offset + this.size
      if (!this.#isDamaged()) return true
    }
    return false
  }

  /** Moves to a record that is damaged: its kind and its length are proved, its hash and its body are not. */
  toDamaged(range: DamagedRange): void {
    assert(range.what === 'record', 'only a record that is damaged by itself has a place')
    this.#moveTo(range.start)
  }

  #moveTo(offset: number): void {
    this.offset = offset
    this.at = this.#batch.at + offset - this.#batch.start
    parseRecordHeader(this.bytes, this.at, this)
  }

  #isDamaged(): boolean {
    const damage = this.#batch.damage
    while (
      this.#damageIndex < damage.length &&
      (damage[this.#damageIndex] as DamagedRange).end <= this.offset
    ) {
      this.#damageIndex++
    }
    return damage[this.#damageIndex]?.start === this.offset
  }
}
