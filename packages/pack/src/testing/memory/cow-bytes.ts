import { assert } from '../../base/index.ts'

const firstCapacity = 256

/** Bytes that grow, and that copies share until one of them changes. */
export class CowBytes {
  #buffer: Buffer = Buffer.alloc(0)
  #size = 0
  #isShared = false

  static of(bytes: Buffer): CowBytes {
    const copy = new CowBytes()
    copy.write(bytes, 0)
    return copy
  }

  get size(): number {
    return this.#size
  }

  /** Valid until the next change; never to be written to. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#size)
  }

  /** Copies into target[targetStart …] and returns how many bytes there were. */
  read(target: Buffer, targetStart: number, length: number, position: number): number {
    if (position >= this.#size) return 0
    return this.#buffer.copy(target, targetStart, position, Math.min(position + length, this.#size))
  }

  write(bytes: Buffer, position: number): void {
    this.#reserve(Math.max(this.#size, position + bytes.length))
    bytes.copy(this.#buffer, position)
    this.#size = Math.max(this.#size, position + bytes.length)
  }

  fill(byte: number, start: number, end: number): void {
    this.#reserve(Math.max(this.#size, end))
    this.#buffer.fill(byte, start, end)
    this.#size = Math.max(this.#size, end)
  }

  /** A longer size fills up with zeros. */
  truncate(size: number): void {
    this.#reserve(size)
    // What lies behind the size is always zero, so that growing again shows zeros.
    if (size < this.#size) this.#buffer.fill(0, size, this.#size)
    this.#size = size
  }

  /** A copy; both go their own way from here. */
  fork(): CowBytes {
    const copy = new CowBytes()
    copy.#buffer = this.#buffer
    copy.#size = this.#size
    copy.#isShared = true
    this.#isShared = true
    return copy
  }

  /** Makes room, and makes the buffer this one's own. */
  #reserve(size: number): void {
    assert(size < 2 ** 31, 'a file in memory is below 2 GiB')
    if (size <= this.#buffer.length && !this.#isShared) return
    const isGrowing = size > this.#buffer.length
    const capacity = isGrowing ? Math.max(size, this.#size * 2, firstCapacity) : this.#buffer.length
    const own = Buffer.alloc(capacity)
    this.#buffer.copy(own, 0, 0, this.#size)
    this.#buffer = own
    this.#isShared = false
  }
}
