import { assert, type Clock } from '../../base/index.ts'
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
 * believed. Belongs to one thread.
 */
export class HandlePool {
  readonly #o: HandlePoolOptions
  readonly #handlesMax: number
  /** Used longest ago first. */
  readonly #open = new Map<string, OpenFile>()
  #cancelIdle: (() => void) | undefined
  #isUsedSince = false

  constructor(o: HandlePoolOptions) {
    this.#o = o
    this.#handlesMax = o.handlesMax ?? handlesMaxDefault
  }

  get openCount(): number {
    return this.#open.size
  }

  /** @throws LOWER_UNAVAILABLE, CORRUPT when the file alone is missing or cannot be read */
  useSync<T>(file: PooledFile, work: (handle: FileHandle) => T): T {
    const open = this.#acquire(file)
    try {
      return work(open.handle)
    } catch (error) {
      throw this.#failureOf(file, error)
    } finally {
      this.#release(open)
    }
  }

  /** @throws as `useSync` does */
  async use<T>(file: PooledFile, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const open = this.#acquire(file)
    try {
      return await work(open.handle)
    } catch (error) {
      throw this.#failureOf(file, error)
    } finally {
      this.#release(open)
    }
  }

  /** Closes a file that is not in use; the next use opens it again. */
  forget(name: string): void {
    const open = this.#open.get(name)
    if (open === undefined) return
    this.#open.delete(name)
    open.isForgotten = true
    closeQuietly(open)
  }

  /** Closes every file. Reads under way must have ended. */
  close(): void {
    this.#cancelIdle?.()
    this.#cancelIdle = undefined
    for (const name of [...this.#open.keys()]) this.forget(name)
  }

  #acquire(file: PooledFile): OpenFile {
    const found = this.#open.get(file.name)
    const open = found ?? this.#openNow(file)
    open.users++
    this.#isUsedSince = true
    if (found !== undefined) this.#open.delete(file.name)
    this.#open.set(file.name, open)
    this.#closeOldest()
    this.#watchIdle()
    return open
  }

  #release(open: OpenFile): void {
    assert(open.users > 0, 'a handle is released once by each user')
    open.users--
    if (open.isForgotten) closeQuietly(open)
  }

  #openNow(file: PooledFile): OpenFile {
    let handle: FileHandle
    try {
      handle = this.#o.directory.openSync(file.name, 'read')
    } catch (error) {
      throw this.#failureOf(file, error)
    }
    try {
      file.verify(handle)
      return { handle, users: 0, isForgotten: false }
    } catch (error) {
      handle.closeSync()
      // The file of another store, or of another copy of this layer, is no damage.
      throw this.#failureOf(file, error)
    }
  }

  /** What to tell: the volume is away, or this file of it is damaged. */
  #failureOf(file: PooledFile, error: unknown): unknown {
    if (VarveError.is(error, 'LOWER_UNAVAILABLE')) return error
    this.forget(file.name)
    const isOfSystem = error instanceof Error && 'syscall' in error
    if (!isOfSystem && !VarveError.is(error, 'CORRUPT')) return error
    try {
      file.assertVolumeThere()
    } catch (away) {
      if (VarveError.is(away, 'LOWER_UNAVAILABLE')) return away
    }
    if (!isOfSystem) return error
    const isMissing = hasCode(error, 'ENOENT')
    const message = isMissing ? `${file.name} is missing` : `${file.name} cannot be read: ${error.message}`
    return new VarveError('CORRUPT', { file: file.name, offset: 0 }, { message, cause: error })
  }

  #closeOldest(): void {
    if (this.#open.size <= this.#handlesMax) return
    for (const [name, { users }] of this.#open) {
      if (users > 0) continue
      this.forget(name)
      if (this.#open.size <= this.#handlesMax) return
    }
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

function closeQuietly(open: OpenFile): void {
  if (open.users > 0) return
  // It was only read from.
  try {
    open.handle.closeSync()
  } catch {}
}
