import { Views, viewOf } from '../../../base/index.ts'
import type { BodyView } from '../../body-view.ts'
import { sha256 } from '../../content-hash.ts'
import { hashCanonical, placeDomain, treeDomain } from '../../domain.ts'
import type { RawHash } from '../../raw-hash.ts'

const firstCapacity = 1 << 16
/** Nearly all bodies are shorter. */
const formedMax = 4096
const stackStart = treeDomain.size + formedMax

/**
 * One growing buffer in which bodies are copied, edited, and made; used as a stack. `buf` changes when it
 * grows: read it again after each `reserve` or `place`.
 *
 * Below the stack, behind the hash domain of trees, is the place into which a body is copied when it is done:
 * there it is seen through views that are there already.
 */
export class Scratch {
  buf: Buffer = Buffer.allocUnsafeSlow(firstCapacity)
  /** The body formed last: valid until the next one. */
  formed: Buffer = this.buf
  #top = stackStart
  /** Of what is formed: from the domain on, and from behind it. */
  #withDomain: Views = new Views(this.buf, 0)
  #bodies: Views = new Views(this.buf, treeDomain.size)

  constructor() {
    placeDomain(treeDomain, this.buf, treeDomain.size)
  }

  /** Where the stack ends; `release` goes back to it. */
  get top(): number {
    return this.#top
  }

  /** Room for a body of `size` bytes; returns its start. */
  reserve(size: number): number {
    const start = this.#top
    if (start + size > this.buf.length) this.#grow(start + size)
    this.#top = start + size
    return start
  }

  /** Copies a body onto the stack; returns its start. */
  place({ buf, start, end }: BodyView): number {
    const at = this.reserve(end - start)
    this.buf.set(viewOf(buf, start, end), at)
    return at
  }

  /** Fills `formed` with the body [start, end), and gives the hash of its part up to `canonicalEnd`. */
  form(start: number, canonicalEnd: number, end: number): RawHash {
    const { buf } = this
    if (end - start > formedMax) {
      this.formed = buf.subarray(start, end)
      return hashCanonical(treeDomain, buf.subarray(start, canonicalEnd))
    }
    const at = treeDomain.size
    buf.copyWithin(at, start, end)
    this.formed = this.#bodies.of(end - start)
    const hashed = this.#withDomain.of(at + canonicalEnd - start)
    return sha256(hashed, 0, hashed.length)
  }

  /** Forgets everything above `top`. */
  release(top: number): void {
    this.#top = top
  }

  /** Forgets everything. */
  clear(): void {
    this.#top = stackStart
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buf.length * 2))
    this.buf.copy(larger, 0, 0, this.#top)
    this.buf = this.formed = larger
    this.#withDomain = new Views(larger, 0)
    this.#bodies = new Views(larger, treeDomain.size)
  }
}
