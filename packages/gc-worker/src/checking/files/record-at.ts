import { parseRecordHeader, recordHeaderSize, recordSize, recordSumMatches } from '@varve/pack/pack'
import type { ScannedRecord } from '../../source/index.ts'
import type { SequentialWindow } from './sequential-window.ts'

/** A record that is filled again and again; its bytes are those of the window. */
export class RecordAt implements ScannedRecord {
  kind = 0
  flags = 0
  referenceCount = 0
  bodyLength = 0
  offset = 0
  at = 0
  bytes: Buffer = Buffer.alloc(0)

  get hashStart(): number {
    return this.at + 16
  }

  get bodyStart(): number {
    return this.at + recordHeaderSize
  }

  get bodyEnd(): number {
    return this.at + recordHeaderSize + this.bodyLength
  }

  /** With padding. */
  get size(): number {
    return recordSize(this.bodyLength)
  }

  /**
   * Takes the record of that virtual offset at a position of the file, if a whole one lies there and ends
   * below `end`. A checksum covers the record's offset: what is taken is proved.
   * @throws what the window throws
   */
  take(window: SequentialWindow, place: { position: number; end: number; offset: number }): boolean {
    const { position, end, offset } = place
    if (position + recordHeaderSize > end) return false
    let at = window.at(position, recordHeaderSize)
    if (at < 0 || !parseRecordHeader(window.bytes, at, this)) return false
    const size = recordSize(this.bodyLength)
    if (position + size > end) return false
    at = window.at(position, size)
    if (at < 0 || !recordSumMatches(window.bytes, at, this.bodyLength, offset)) return false
    this.bytes = window.bytes
    this.at = at
    this.offset = offset
    return true
  }
}
