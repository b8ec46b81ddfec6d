import { assert, Deferred } from '../../base/index.ts'
import type { FileHandle, OpenMode } from '../../fs/index.ts'
import { systemError } from '../system-error.ts'
import type { MemoryFile } from './memory-file.ts'

/** What a handle asks of its file system. */
export interface HandleHost {
  /** Writes what the quota allows and returns how much that was. @throws ENOSPC when nothing fits. */
  write(file: MemoryFile, path: string, bytes: Buffer, position: number): number
  truncate(file: MemoryFile, path: string, size: number): void
  release(handle: MemoryHandle): void
}

/** An open file in memory. What is asynchronous happens a moment later, as it does on a disk. */
export class MemoryHandle implements FileHandle {
  readonly path: string
  readonly mode: OpenMode
  readonly file: MemoryFile
  readonly #host: HandleHost
  #callCount = 0
  #isClosing = false
  readonly #closed = new Deferred()

  constructor(host: HandleHost, file: MemoryFile, opened: { path: string; mode: OpenMode }) {
    this.#host = host
    this.file = file
    this.path = opened.path
    this.mode = opened.mode
  }

  readSync(target: Buffer, targetStart: number, length: number, position: number): number {
    this.#checkOpen()
    return this.#read(target, targetStart, length, position)
  }

  async read(target: Buffer, targetStart: number, length: number, position: number): Promise<number> {
    return this.#later(() => this.#read(target, targetStart, length, position))
  }

  writeSync(source: Buffer, sourceStart: number, length: number, position: number): number {
    this.#checkOpen()
    return this.#write(source, sourceStart, length, position)
  }

  async write(source: Buffer, sourceStart: number, length: number, position: number): Promise<number> {
    return this.#later(() => this.#write(source, sourceStart, length, position))
  }

  async datasync(): Promise<void> {
    await this.#later(() => this.file.sync())
  }

  async sync(): Promise<void> {
    await this.#later(() => this.file.sync())
  }

  async truncate(size: number): Promise<void> {
    assert(Number.isSafeInteger(size) && size >= 0, 'a size is an integer of 0 or more')
    await this.#later(() => {
      if (this.mode === 'read') throw systemError('EINVAL', 'ftruncate', this.path)
      this.#host.truncate(this.file, this.path, size)
    })
  }

  async size(): Promise<number> {
    return this.#later(() => this.file.size)
  }

  sizeSync(): number {
    this.#checkOpen()
    return this.file.size
  }

  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true
      if (this.#callCount === 0) this.#closeNow()
    }
    await this.#closed.promise
  }

  closeSync(): void {
    if (this.#isClosing) return
    assert(this.#callCount === 0, 'no call is under way when a handle closes at once')
    this.#isClosing = true
    this.#closeNow()
  }

  #closeNow(): void {
    this.#host.release(this)
    this.#closed.resolve()
  }

  #read(target: Buffer, targetStart: number, length: number, position: number): number {
    checkRange(target, targetStart, length, position)
    return length === 0 ? 0 : this.file.read(target, targetStart, length, position)
  }

  #write(source: Buffer, sourceStart: number, length: number, position: number): number {
    checkRange(source, sourceStart, length, position)
    if (this.mode === 'read') throw systemError('EBADF', 'write', this.path)
    if (length === 0) return 0
    // A copy: the caller may use its buffer again while the write still waits to become durable.
    const bytes = Buffer.from(source.subarray(sourceStart, sourceStart + length))
    return this.#host.write(this.file, this.path, bytes, position)
  }

  async #later<T>(act: () => T): Promise<T> {
    this.#checkOpen()
    this.#callCount++
    try {
      await Promise.resolve()
      return act()
    } finally {
      this.#callCount--
      if (this.#isClosing && this.#callCount === 0) this.#closeNow()
    }
  }

  #checkOpen(): void {
    assert(!this.#isClosing, 'a file handle is used before it is closed')
  }
}

function checkRange(bytes: Buffer, start: number, length: number, position: number): void {
  assert(start >= 0 && length >= 0 && start + length <= bytes.length, 'a transfer lies inside its buffer')
  assert(Number.isSafeInteger(position) && position >= 0, 'a position is an integer of 0 or more')
}
