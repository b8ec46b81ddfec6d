/** Bytes that arrive in pieces of any size, taken in pieces of the reader's own choice. */
export class ByteSource {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)
  #position = 0

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** Bytes taken so far. */
  get position(): number {
    return this.#position
  }

  /** The next bytes, in memory of their own; fewer only at the end. Allocates no more than arrives. */
  async take(length: number): Promise<Buffer> {
    const parts: Uint8Array[] = []
    let missing = length
    while (missing > 0) {
      if (this.#rest.length === 0 && !(await this.#pull())) break
      const part = this.#rest.subarray(0, missing)
      this.#rest = this.#rest.subarray(part.length)
      parts.push(part)
      missing -= part.length
    }
    this.#position += length - missing
    return Buffer.concat(parts)
  }

  async isAtEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#pull())
  }

  /** Tells the source that nobody reads on. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }

  async #pull(): Promise<boolean> {
    for (;;) {
      const step = await this.#pieces.next()
      if (step.done === true) return false
      if (step.value.length === 0) continue
      this.#rest = step.value
      return true
    }
  }
}
