import { Float64List, readU64 } from '../../base/index.ts'
import { recordKind } from '../../objects/index.ts'
import { recordFlag } from '../frame/index.ts'
import type { RecordCursor } from './scanned-batch.ts'

/**
 * What must be known of a chunk's records beside where each object is. Virtual offsets, ascending as scanned.
 */
export class ChunkContents {
  recordCount = 0
  /** Of the records of metadata. */
  readonly metadata: Float64List = new Float64List()
  /** Of the objects put bare or touched, with the times of their batches beside them. */
  readonly touchedOffsets: Float64List = new Float64List()
  readonly touchedTimes: Float64List = new Float64List()
  /** Of the healed nodes, the only structural records that may point up. */
  readonly healed: Float64List = new Float64List()

  /** Counts in the record on which the cursor stands, out of a batch of this time. */
  add(record: RecordCursor, time: number): void {
    this.recordCount++
    if (record.kind === recordKind.meta) this.metadata.push(record.offset)
    if (record.kind === recordKind.touch) this.#touch(readU64(record.bytes, record.bodyEnd - 8), time)
    if ((record.flags & recordFlag.bare) !== 0) this.#touch(record.offset, time)
    if ((record.flags & recordFlag.healed) !== 0) this.healed.push(record.offset)
  }

  /** What a damaged record of metadata says is not known, but that there is one must not be forgotten. */
  addDamaged(record: RecordCursor): void {
    if (record.kind === recordKind.meta) this.metadata.push(record.offset)
  }

  #touch(offset: number, time: number): void {
    this.touchedOffsets.push(offset)
    this.touchedTimes.push(time)
  }
}
