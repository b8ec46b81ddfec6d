import { VarveError } from '../../errors/index.ts'
import type { FileHandle } from '../../fs/index.ts'

/**
 * The handle of a file whose bytes are proved when they are read. Bytes that the disk does not give are no
 * better than bytes that it gives wrong: both are CORRUPT, naming file and place, so that whoever has another
 * copy takes that.
 */
export class PackHandle implements FileHandle {
  readonly #inner: FileHandle
  readonly #file: string

  constructor(inner: FileHandle, file: string) {
    this.#inner = inner
    this.#file = file
  }

  /** @throws CORRUPT when the disk fails */
  readSync(target: Buffer, targetStart: number, length: number, position: number): number {
    try {
      return this.#inner.readSync(target, targetStart, length, position)
    } catch (error) {
      throw unreadable(this.#file, position, error)
    }
  }

  /** @throws CORRUPT when the disk fails */
  async read(target: Buffer, targetStart: number, length: number, position: number): Promise<number> {
    try {
      return await this.#inner.read(target, targetStart, length, position)
    } catch (error) {
      throw unreadable(this.#file, position, error)
    }
  }

  writeSync(source: Buffer, sourceStart: number, length: number, position: number): number {
    return this.#inner.writeSync(source, sourceStart, length, position)
  }

  write(source: Buffer, sourceStart: number, length: number, position: number): Promise<number> {
    return this.#inner.write(source, sourceStart, length, position)
  }

  datasync(): Promise<void> {
    return this.#inner.datasync()
  }

  sync(): Promise<void> {
    return this.#inner.sync()
  }

  truncate(size: number): Promise<void> {
    return this.#inner.truncate(size)
  }

  size(): Promise<number> {
    return this.#inner.size()
  }

  sizeSync(): number {
    return this.#inner.sizeSync()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  closeSync(): void {
    this.#inner.closeSync()
  }
}

function unreadable(file: string, offset: number, cause: unknown): unknown {
  if (!(cause instanceof Error && 'syscall' in cause)) return cause
  const message = `${file} cannot be read at byte ${offset}: ${cause.message}`
  return new VarveError('CORRUPT', { file, offset }, { message, cause })
}
