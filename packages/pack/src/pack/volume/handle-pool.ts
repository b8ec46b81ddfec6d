import { assert, type Clock, Deferred } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { type Directory, type FileHandle, hasCode } from '../../fs/index.ts'

/** Handles of volume files that may be open at a time. */
const handlesMaxDefault = 24
/** So long after their last use handles are closed: a disk that nobody reads from can be taken away. */
const idleMs = 1_000

export interface HandlePoolOptions {
  readonly directory: Directory
  readonly handlesMax?: number | undefined
  /** Closes what is idle; without it only `close` and the bound do. */
  readonly clock?: Pick<Clock, 'after'> | undefined
}

/** A file below the directory, and what tells that it still is the one that is meant. */
export interface PooledFile {
  /** `volume-1/suffix-3.pack` */
  readonly name: string
  /** Looks at the file when it has been opened anew. @throws CORRUPT */
  verify(handle: FileHandle): void
  /** Asked when something about the file fails. @throws LOWER_UNAVAILABLE when the volume itself is away */
  assertVolumeThere(): void
}

interface OpenFile {
  readonly handle: FileHandle
  /** Reads under way. */
  users: number
  /** Whoever reads last closes it. */
  isForgotten: boolean
}

/**
 * The open files of a lower layer: at most so many, the one that was used longest ago closed first, and none
 * while nothing is read. A file is opened through its directory each time, and looked at before it is
 * believed. When all are in use, who can wait does; who cannot has one more open for as long as he reads.
 * Belongs to one thread.
 */
export class HandlePool {
  readonly #o: HandlePoolOptions
  readonly #handlesMax: number
  /** Used longest ago first. */
  readonly #open = new Map<string, OpenFile>()
  /** Those open, and those forgotten that are still read from. */
  #handleCount = 0
  readonly #waiting: Deferred[] = []
  #cancelIdle: (() => void) | undefined
  #isUsedSince = false

  constructor(o: HandlePoolOptions) {
    this.#o = o
    this.#handlesMax = o.handlesMax ?? handlesMaxDefault
    assert(this.#handlesMax >= 1, 'to read a file a handle is needed')
  }

  get openCount(): number {
    return this.#handleCount
  }

  /** @throws LOWER_UNAVAILABLE, CORRUPT when the file alone is missing or cannot be read */
  useSync<T>(file: PooledFile, work: (handle: FileHandle) => T): T {
    const wasOpen = this.#open.has(file.name)
    try {
      return this.#onceSync(file, work)
    } catch (error) {
      if (!wasOpen || !isOfSystem(error)) throw this.#failureOf(file, error)
    }
    this.forget(file.name)
    try {
      return this.#onceSync(file, work)
    } catch (error) {
      throw this.#failureOf(file, error)
    }
  }

  /** @throws as `useSync` does */
  async use<T>(file: PooledFile, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const wasOpen = this.#open.has(file.name)
    try {
      return await this.#once(file, work)
    } catch (error) {
      // A handle may outlive what it was opened on, which may be back by now.
      if (!wasOpen || !isOfSystem(error)) throw this.#failureOf(file, error)
    }
    this.forget(file.name)
    try {
      return await this.#once(file, work)
    } catch (error) {
      throw this.#failureOf(file, error)
    }
  }

  /** Closes a file, once nobody reads from it any more; the next use opens it again. */
  forget(name: string): void {
    const open = this.#open.get(name)
    if (open === undefined) return
    this.#open.delete(name)
    open.isForgotten = true
    if (open.users === 0) this.#close(open)
  }

  /** Closes every file. Reads under way must have ended. */
  close(): void {
    this.#cancelIdle?.()
    this.#cancelIdle = undefined
    for (const name of [...this.#open.keys()]) this.forget(name)
  }

  #onceSync<T>(file: PooledFile, work: (handle: FileHandle) => T): T {
    const open = this.#acquire(file)
    try {
      return work(open.handle)
    } finally {
      this.#release(open)
    }
  }

  async #once<T>(file: PooledFile, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    while (this.#isFullFor(file)) await this.#turn()
    try {
      const open = this.#acquire(file)
      try {
        return await work(open.handle)
      } finally {
        this.#release(open)
      }
    } finally {
      this.#waiting.shift()?.resolve()
    }
  }

  /** Each use that ends wakes one who waits, so there is an end to it. */
  async #turn(): Promise<void> {
    const turn = new Deferred()
    this.#waiting.push(turn)
    await turn.promise
  }

  #isFullFor(file: PooledFile): boolean {
    if (this.#handleCount < this.#handlesMax || this.#open.has(file.name)) return false
    for (const { users } of this.#open.values()) if (users === 0) return false
    return true
  }

  #acquire(file: PooledFile): OpenFile {
    const found = this.#open.get(file.name)
    const open = found ?? this.#openNow(file)
    open.users++
    this.#isUsedSince = true
    if (found !== undefined) this.#open.delete(file.name)
    this.#open.set(file.name, open)
    this.#watchIdle()
    return open
  }

  #release(open: OpenFile): void {
    assert(open.users > 0, 'a handle is released once by each user')
    open.users--
    if (open.users === 0 && open.isForgotten) this.#close(open)
    else this.#closeDownTo(this.#handlesMax)
  }

  #openNow(file: PooledFile): OpenFile {
    this.#closeDownTo(this.#handlesMax - 1)
    const open = { handle: this.#o.directory.openSync(file.name, 'read'), users: 0, isForgotten: false }
    this.#handleCount++
    try {
      file.verify(open.handle)
      return open
    } catch (error) {
      this.#close(open)
      throw error
    }
  }

  /** What to tell: the volume is away, or this file of it is damaged. */
  #failureOf(file: PooledFile, error: unknown): unknown {
    this.forget(file.name)
    if (!isOfSystem(error) && !VarveError.is(error, 'CORRUPT')) return error
    try {
      // The file of another store, or of another copy of this layer, is no damage.
      file.assertVolumeThere()
    } catch (away) {
      if (VarveError.is(away, 'LOWER_UNAVAILABLE')) return away
    }
    if (!isOfSystem(error)) return error
    const isMissing = hasCode(error, 'ENOENT')
    const message = isMissing ? `${file.name} is missing` : `${file.name} cannot be read: ${error.message}`
    return new VarveError('CORRUPT', { file: file.name, offset: 0 }, { message, cause: error })
  }

  /** As far as they are not in use. */
  #closeDownTo(count: number): void {
    if (this.#handleCount <= count) return
    for (const [name, { users }] of this.#open) {
      if (users > 0) continue
      this.forget(name)
      if (this.#handleCount <= count) return
    }
  }

  #close({ handle }: OpenFile): void {
    this.#handleCount--
    // It was only read from.
    try {
      handle.closeSync()
    } catch {}
  }

  #watchIdle(): void {
    const { clock } = this.#o
    if (clock === undefined || this.#cancelIdle !== undefined) return
    this.#isUsedSince = false
    this.#cancelIdle = clock.after(idleMs, () => {
      this.#cancelIdle = undefined
      if (this.#isUsedSince) this.#watchIdle()
      else this.close()
    })
  }
}

function isOfSystem(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}
