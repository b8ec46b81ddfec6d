import { createHash, type Hash, hash } from 'node:crypto'
import { viewOf } from '../base/index.ts'
import type { RawHash } from './raw-hash.ts'

/** SHA-256 of the bytes [start, end): 0.4 µs for 100 bytes, 1.8 GB/s in bulk. */
export function sha256(bytes: Buffer, start: number, end: number): RawHash {
  const isWhole = start === 0 && end === bytes.length
  return hash('sha256', isWhole ? bytes : viewOf(bytes, start, end), 'binary')
}

/** SHA-256 of content that arrives in pieces. */
export class ContentHasher {
  readonly #hash: Hash = createHash('sha256')
  #size = 0

  /** Bytes taken so far. */
  get size(): number {
    return this.#size
  }

  update(piece: Uint8Array): this {
    this.#hash.update(piece)
    this.#size += piece.length
    return this
  }

  /** The hash of all pieces; the hasher is used up. */
  digest(): RawHash {
    return this.#hash.digest('binary')
  }
}
