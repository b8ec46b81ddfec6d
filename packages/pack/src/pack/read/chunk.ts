import { assert } from '../../base/index.ts'
import type { PackFile } from '../blocks/index.ts'

/** A chunk of the suffix as it is read: position p of its file is virtual offset base + p. */
export class Chunk {
  readonly number: number
  /** Virtual offset of the file's first byte; a multiple of 4,096. */
  readonly base: number
  readonly file: PackFile

  constructor(o: { readonly number: number; readonly base: number; readonly file: PackFile }) {
    assert(Number.isSafeInteger(o.base) && o.base >= 0, 'a base is a virtual offset')
    this.number = o.number
    this.base = o.base
    this.file = o.file
  }

  /** Bytes that may be read; the open chunk's grow. */
  get length(): number {
    return this.file.end
  }

  /** The virtual offset behind the last byte. */
  get end(): number {
    return this.base + this.file.end
  }
}
