/** Content that comes when a test says so. */
export class PausedSource implements AsyncIterable<Uint8Array> {
  readonly #pieces: Uint8Array[] = []
  #wake: (() => void) | undefined
  #isEnded = false
  #failure: Error | undefined
  #takenCount = 0

  /** How many pieces the reader has asked for and got. */
  get takenCount(): number {
    return this.#takenCount
  }

  give(piece: Uint8Array): void {
    this.#pieces.push(piece)
    this.#wake?.()
  }

  end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  fail(error: Error): void {
    this.#failure = error
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const piece = this.#pieces.shift()
      if (piece !== undefined) {
        this.#takenCount++
        yield piece
      } else if (this.#failure !== undefined) throw this.#failure
      else if (this.#isEnded) return
      else await this.#woken()
    }
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
