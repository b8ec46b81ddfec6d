import {
  close,
  closeSync,
  fdatasync,
  fstat,
  fstatSync,
  fsync,
  ftruncate,
  read,
  readSync,
  write,
  writeSync,
} from 'node:fs'
import { assert, Deferred } from '../base/index.ts'
import type { FileHandle } from './file-handle.ts'
import { hasCode } from './has-code.ts'

/** How often in a row a call that the system interrupted is made again. */
const retriesMax = 64
const closedDescriptor = -1

type Callback<T> = (error: NodeJS.ErrnoException | null, result: T) => void

/**
 * A descriptor and the number of calls under way on it. The system gives a closed descriptor's number to the
 * next file that is opened, so a call that came after the close would touch a stranger: closing waits for the
 * calls under way, and a call on a closed handle is a bug.
 */
export class NodeFileHandle implements FileHandle {
  #descriptor: number
  #callCount = 0
  #isClosing = false
  readonly #closed = new Deferred()

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  readSync(target: Buffer, targetStart: number, length: number, position: number): number {
    const descriptor = this.#open()
    checkRange(target, targetStart, length, position)
    let done = 0
    while (done < length) {
      const count = retrySync(() =>
        readSync(descriptor, target, targetStart + done, length - done, position + done),
      )
      if (count === 0) break
      done += count
    }
    return done
  }

  async read(target: Buffer, targetStart: number, length: number, position: number): Promise<number> {
    checkRange(target, targetStart, length, position)
    let done = 0
    while (done < length) {
      const count = await this.#call<number>((descriptor, callback) => {
        read(descriptor, target, targetStart + done, length - done, position + done, callback)
      })
      if (count === 0) break
      done += count
    }
    return done
  }

  writeSync(source: Buffer, sourceStart: number, length: number, position: number): number {
    const descriptor = this.#open()
    checkRange(source, sourceStart, length, position)
    return retrySync(() => writeSync(descriptor, source, sourceStart, length, position))
  }

  async write(source: Buffer, sourceStart: number, length: number, position: number): Promise<number> {
    checkRange(source, sourceStart, length, position)
    return this.#call((descriptor, callback: Callback<number>) => {
      write(descriptor, source, sourceStart, length, position, callback)
    })
  }

  async datasync(): Promise<void> {
    // Never again after a failure, not even an interruption: a second sync may succeed over lost bytes.
    await this.#callOnce<void>((descriptor, callback) => fdatasync(descriptor, asCallback(callback)))
  }

  async sync(): Promise<void> {
    await this.#callOnce<void>((descriptor, callback) => fsync(descriptor, asCallback(callback)))
  }

  async truncate(size: number): Promise<void> {
    assert(Number.isSafeInteger(size) && size >= 0, 'a size is an integer of 0 or more')
    await this.#call<void>((descriptor, callback) => ftruncate(descriptor, size, asCallback(callback)))
  }

  async size(): Promise<number> {
    const stats = await this.#call<{ size: number }>((descriptor, callback) => fstat(descriptor, callback))
    return stats.size
  }

  sizeSync(): number {
    return fstatSync(this.#open()).size
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
    const descriptor = this.#open()
    this.#isClosing = true
    this.#descriptor = closedDescriptor
    this.#closed.resolve()
    closeSync(descriptor)
  }

  /** EINTR leaves a descriptor closed all the same, so closing is never tried again. */
  #closeNow(): void {
    const descriptor = this.#descriptor
    this.#descriptor = closedDescriptor
    close(descriptor, (error) => {
      if (error === null || error === undefined) this.#closed.resolve()
      else this.#closed.reject(error)
    })
  }

  #open(): number {
    assert(!this.#isClosing, 'a file handle is used before it is closed')
    return this.#descriptor
  }

  async #call<T>(start: (descriptor: number, callback: Callback<T>) => void): Promise<T> {
    for (let retries = 0; ; retries++) {
      try {
        return await this.#callOnce(start)
      } catch (error) {
        if (retries === retriesMax || !isInterruption(error)) throw error
      }
    }
  }

  #callOnce<T>(start: (descriptor: number, callback: Callback<T>) => void): Promise<T> {
    const descriptor = this.#open()
    this.#callCount++
    return new Promise<T>((resolve, reject) => {
      start(descriptor, (error, result) => {
        this.#callCount--
        if (error === null || error === undefined) resolve(result)
        else reject(error)
        if (this.#isClosing && this.#callCount === 0) this.#closeNow()
      })
    })
  }
}

function retrySync(call: () => number): number {
  for (let retries = 0; ; retries++) {
    try {
      return call()
    } catch (error) {
      if (retries === retriesMax || !isInterruption(error)) throw error
    }
  }
}

function isInterruption(error: unknown): boolean {
  return hasCode(error, 'EINTR') || hasCode(error, 'EAGAIN')
}

function asCallback(callback: Callback<void>): (error: NodeJS.ErrnoException | null) => void {
  return (error) => callback(error, undefined)
}

function checkRange(bytes: Buffer, start: number, length: number, position: number): void {
  assert(start >= 0 && length >= 0 && start + length <= bytes.length, 'a transfer lies inside its buffer')
  assert(Number.isSafeInteger(position) && position >= 0, 'a position is an integer of 0 or more')
}
