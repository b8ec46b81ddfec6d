import { type FileHandle, readFully } from '../../fs/index.ts'
import { ScanMemory } from './scan-memory.ts'

/** A part of a file in memory that moves forward: what a scan looks at. */
export class ScanWindow {
  readonly #handle: FileHandle
  /** No byte at or after this position is read. */
  readonly #end: number
  readonly #memory: ScanMemory
  #start = 0
  #length = 0

  constructor(handle: FileHandle, end: number, memory: ScanMemory = new ScanMemory()) {
    this.#memory = memory
    this.#handle = handle
    this.#end = end
  }

  /** The bytes in memory: valid until the next `load`. */
  get bytes(): Buffer {
    return this.#memory.bytes
  }

  /** Where the byte of the file at `position`, which is in memory, stands in `bytes`. */
  at(position: number): number {
    return position - this.#start
  }

  /**
   * Brings `length` bytes from `position` on into memory, if need be with many of those after them, and
   * returns how many bytes from `position` on are there: fewer than `length` only where the file ends.
   * @throws what the file system throws
   */
  async load(position: number, length: number): Promise<number> {
    const wanted = Math.min(length, Math.max(0, this.#end - position))
    const held = this.#start + this.#length - position
    if (position >= this.#start && held >= wanted) return held
    this.#moveTo(position, wanted)
    const { bytes } = this.#memory
    const missing = Math.min(bytes.length, this.#end - position) - this.#length
    this.#length += await readFully(this.#handle, bytes, this.#length, missing, position + this.#length)
    return this.#length
  }

  /** Keeps what is held from `position` on, and makes room for `length` bytes. */
  #moveTo(position: number, length: number): void {
    const old = this.#memory.bytes
    const from = position - this.#start
    const kept = from >= 0 && from < this.#length ? this.#length - from : 0
    this.#memory.widen(length)
    if (kept > 0) old.copy(this.#memory.bytes, 0, from, from + kept)
    this.#start = position
    this.#length = kept
  }
}
