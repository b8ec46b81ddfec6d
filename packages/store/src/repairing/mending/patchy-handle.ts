import { type FileHandle, hasCode, ReadOnlyHandle } from '@varve/pack/fs'

/** Asked for alone where more cannot be read at once: at most a page of the disk's cache. */
const pageBytes = 4096

/** A file as far as the disk gives it: in place of pages that it does not give there are zeros. */
export class PatchyHandle extends ReadOnlyHandle {
  readonly #inner: FileHandle

  constructor(inner: FileHandle) {
    super()
    this.#inner = inner
  }

  readSync(target: Buffer, targetStart: number, length: number, position: number): number {
    try {
      return this.#inner.readSync(target, targetStart, length, position)
    } catch (error) {
      if (!hasCode(error, 'EIO')) throw error
      return this.#readByPage(target.subarray(targetStart, targetStart + length), position)
    }
  }

  async read(target: Buffer, targetStart: number, length: number, position: number): Promise<number> {
    return this.readSync(target, targetStart, length, position)
  }

  sizeSync(): number {
    return this.#inner.sizeSync()
  }

  size(): Promise<number> {
    return this.#inner.size()
  }

  override close(): Promise<void> {
    return this.#inner.close()
  }

  closeSync(): void {
    this.#inner.closeSync()
  }

  #readByPage(target: Buffer, position: number): number {
    const end = Math.min(this.sizeSync(), position + target.length)
    for (let at = position; at < end; ) {
      const next = Math.min(end, at - (at % pageBytes) + pageBytes)
      this.#readPage(target.subarray(at - position, next - position), at)
      at = next
    }
    return Math.max(0, end - position)
  }

  #readPage(target: Buffer, position: number): void {
    try {
      this.#inner.readSync(target, 0, target.length, position)
    } catch (error) {
      if (!hasCode(error, 'EIO')) throw error
      target.fill(0)
    }
  }
}
