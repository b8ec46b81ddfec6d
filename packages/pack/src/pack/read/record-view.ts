import { type RawHash, readHash } from '../../objects/index.ts'
import { bodyLengthAt } from '../frame/index.ts'

const noBytes = Buffer.alloc(0)

/**
 * A record whose checksum was right, in memory that nobody changes: it may be held, but it keeps its whole
 * block alive. Whoever keeps much copies. `RecordReader.record` gives one of its own; who reads very many
 * makes one and has it filled again by `RecordReader.read`.
 */
export class RecordView {
  offset = 0
  buf: Buffer = noBytes
  kind = 0
  flags = 0
  /** The last 8 bytes each of the body are virtual offsets. */
  referenceCount = 0
  hashStart = 0
  bodyStart = 0
  bodyEnd = 0

  /** @param start where the record's header begins in `buf` */
  place(offset: number, buf: Buffer, start: number): void {
    this.offset = offset
    this.buf = buf
    this.kind = buf[start + 8] as number
    this.flags = buf[start + 9] as number
    this.referenceCount = (buf[start + 10] as number) | ((buf[start + 11] as number) << 8)
    this.hashStart = start + 16
    this.bodyStart = start + 48
    this.bodyEnd = this.bodyStart + bodyLengthAt(buf, start)
  }

  get hash(): RawHash {
    return readHash(this.buf, this.hashStart)
  }
}
