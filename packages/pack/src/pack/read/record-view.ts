import { type RawHash, readHash } from '../../objects/index.ts'

/**
 * A record whose checksum was right, in memory that nobody changes: it may be held, but it keeps its whole
 * block alive. Whoever keeps much copies.
 */
export class RecordView {
  readonly offset: number
  readonly buf: Buffer
  readonly kind: number
  readonly flags: number
  /** The last 8 bytes each of the body are virtual offsets. */
  readonly referenceCount: number
  readonly hashStart: number
  readonly bodyStart: number
  readonly bodyEnd: number

  /** @param start where the record's header begins in `buf` */
  constructor(offset: number, buf: Buffer, start: number) {
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

/** The field itself; below 2^23 in every record that is whole. */
function bodyLengthAt(buf: Buffer, start: number): number {
  const at = start + 12
  return (
    ((buf[at] as number) |
      ((buf[at + 1] as number) << 8) |
      ((buf[at + 2] as number) << 16) |
      ((buf[at + 3] as number) << 24)) >>>
    0
  )
}
