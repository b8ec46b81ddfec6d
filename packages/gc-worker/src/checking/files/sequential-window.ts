import { type FileHandle, readFullySync } from '@varve/pack/fs'

const windowBytes = 1024 * 1024

/** A stretch of a file in memory that moves forwards. One for all files of a check. */
export class SequentialWindow {
  bytes: Buffer = Buffer.allocUnsafeSlow(windowBytes)
  #handle: FileHandle | undefined
  #start = 0
  #length = 0

  /** From now on it shows this file. */
  begin(handle: FileHandle): void {
    this.#handle = handle
    this.#start = 0
    this.#length = 0
  }

  /**
   * Where in `bytes` the byte at that position is, with `length` bytes behind it; -1: the file ends before.
   * @throws what the handle throws
   */
  at(position: number, length: number): number {
    const at = position - this.#start
    if (at >= 0 && at + length <= this.#length) return at
    if (length > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(length + windowBytes)
    const { bytes } = this
    this.#length = 0
    this.#start = position
    this.#length = readFullySync(this.#handle as FileHandle, bytes, 0, bytes.length, position)
    return this.#length >= length ? 0 : -1
  }
}
