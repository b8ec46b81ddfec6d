/** How much is read at a time, unless a batch is larger. */
const windowBytes = 1024 * 1024

/**
 * The memory of a scan, for one scan after another: whoever scans many chunks keeps it, as memory that is
 * dropped is freed late.
 */
export class ScanMemory {
  #bytes: Buffer = Buffer.alloc(0)

  get bytes(): Buffer {
    return this.#bytes
  }

  /** Makes room for at least so many bytes, if need be in another buffer. */
  widen(length: number): void {
    if (length <= this.#bytes.length && this.#bytes.length > 0) return
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(length, windowBytes, this.#bytes.length * 2))
  }
}
