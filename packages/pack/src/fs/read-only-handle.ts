import { assert } from '../base/index.ts'
import type { FileHandle } from './file-handle.ts'

/** Something that is read as a file is, and never written. */
export abstract class ReadOnlyHandle implements FileHandle {
  abstract readSync(target: Buffer, targetStart: number, length: number, position: number): number
  abstract read(target: Buffer, targetStart: number, length: number, position: number): Promise<number>
  abstract sizeSync(): number
  abstract size(): Promise<number>
  abstract closeSync(): void

  async close(): Promise<void> {
    this.closeSync()
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
}

function refuse(): never {
  assert(false, 'this is only read')
}
