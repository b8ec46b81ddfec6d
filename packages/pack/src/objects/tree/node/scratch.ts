import { viewOf } from '../../../base/index.ts'
import type { BodyView } from '../../body-view.ts'
import { placeDomain, treeDomain } from '../../domain.ts'

const firstCapacity = 1 << 16

/**
 * One growing buffer in which bodies are copied, edited, and made; used as a stack. Every body has the hash
 * domain of trees in front of it, so that its hash is one native call. `buf` changes when it grows: read it
 * again after each `reserve` or `place`.
 */
export class Scratch {
  buf: Buffer = Buffer.allocUnsafeSlow(firstCapacity)
  /**
   * The domain itself stands at the bottom: copying it within the buffer is four times as fast as from
   * another.
   */
  #top = treeDomain.size

  constructor() {
    placeDomain(treeDomain, this.buf, treeDomain.size)
  }

  /** Where the stack ends; `release` goes back to it. */
  get top(): number {
    return this.#top
  }

  /** Room for a body of `size` bytes; returns its start. */
  reserve(size: number): number {
    const start = this.#top + treeDomain.size
    if (start + size > this.buf.length) this.#grow(start + size)
    this.buf.copyWithin(start - treeDomain.size, 0, treeDomain.size)
    this.#top = start + size
    return start
  }

  /** Copies a body onto the stack; returns its start. */
  place({ buf, start, end }: BodyView): number {
    const at = this.reserve(end - start)
    this.buf.set(viewOf(buf, start, end), at)
    return at
  }

  /** Forgets everything above `top`. */
  release(top: number): void {
    this.#top = top
  }

  /** Forgets everything. */
  clear(): void {
    this.#top = treeDomain.size
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buf.length * 2))
    this.buf.copy(larger, 0, 0, this.#top)
    this.buf = larger
  }
}
