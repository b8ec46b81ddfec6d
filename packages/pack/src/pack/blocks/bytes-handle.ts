import { ReadOnlyHandle } from '../../fs/index.ts'

/** Bytes in memory that are read as a file is: what a reader built because the file is missing or damaged. */
export class BytesHandle extends ReadOnlyHandle {
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    super()
    this.#bytes = bytes
  }

  readSync(target: Buffer, targetStart: number, length: number, position: number): number {
    return this.#bytes.copy(target, targetStart, Math.min(position, this.#bytes.length), position + length)
  }

  async read(target: Buffer, targetStart: number, length: number, position: number): Promise<number> {
    return this.readSync(target, targetStart, length, position)
  }

  sizeSync(): number {
    return this.#bytes.length
  }

  async size(): Promise<number> {
    return this.#bytes.length
  }

  closeSync(): void {}
}
