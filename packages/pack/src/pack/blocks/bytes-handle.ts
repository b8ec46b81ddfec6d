import { assert } from '../../base/index.ts'
import type { FileHandle } from '../../fs/index.ts'

/** Bytes in memory that are read as a file is: what a reader built because the file is missing or damaged. */
export class BytesHandle implements FileHandle {
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
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

  writeSync(): number {
    return refuse()
  }

  async write(): Promise<number> {
    return refuse()
  }

  async truncate(): Promise<void> {
    refuse()
  }

  async datasync(): Promise<void> {
    refuse()
  }

  async sync(): Promise<void> {
    refuse()
  }

  async close(): Promise<void> {}

  closeSync(): void {}
}

function refuse(): never {
  assert(false, 'bytes in memory are only read')
}
