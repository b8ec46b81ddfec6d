import { VarveError } from '../../errors/index.ts'
import type { FileHandle } from '../file-handle.ts'
import type { FileStat } from '../file-stat.ts'
import type { OpenMode } from '../file-system.ts'
import type { Directory, DirectoryOpener, OpenDirectory } from './directory.ts'

/**
 * A folder that may come late, go away, and come back: a mount, a disk in a dock. It is opened for each call,
 * the call is passed on as it is, and the folder is closed again; nothing is held in between, so a call never
 * ends up in what lay under a mount, or in a mount that is gone. Two calls may meet different folders.
 *
 * That the folder cannot be opened is LOWER_UNAVAILABLE, whatever the reason: it must not be taken for the
 * absence of what was asked for. What the call itself fails with passes unchanged, unless the folder has gone
 * meanwhile. After Buildbarn's `LazyDirectory`.
 */
export class LazyDirectory implements Directory {
  readonly #opener: DirectoryOpener

  constructor(opener: DirectoryOpener) {
    this.#opener = opener
  }

  get path(): string {
    return this.#opener.path
  }

  open(name: string, mode: OpenMode): Promise<FileHandle> {
    return this.#with((folder) => folder.open(name, mode))
  }

  openSync(name: string, mode: 'read'): FileHandle {
    const folder = this.#openSync()
    try {
      return folder.openSync(name, mode)
    } catch (error) {
      // Gone since it was opened: then the name says nothing.
      closeSync(this.#openSync())
      throw error
    } finally {
      closeSync(folder)
    }
  }

  readFile(name: string): Promise<Buffer> {
    return this.#with((folder) => folder.readFile(name))
  }

  mkdir(name: string): Promise<void> {
    return this.#with((folder) => folder.mkdir(name))
  }

  list(name?: string): Promise<string[]> {
    return this.#with((folder) => folder.list(name))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#with((folder) => folder.rename(from, to))
  }

  link(from: string, to: string): Promise<void> {
    return this.#with((folder) => folder.link(from, to))
  }

  remove(name: string): Promise<void> {
    return this.#with((folder) => folder.remove(name))
  }

  removeFolder(name: string): Promise<void> {
    return this.#with((folder) => folder.removeFolder(name))
  }

  stat(name: string): Promise<FileStat | undefined> {
    return this.#with(async (folder) => {
      const found = await folder.stat(name)
      // "Not there" must be an answer of a folder that is.
      if (found === undefined) await this.#stillThere()
      return found
    })
  }

  sync(name?: string): Promise<void> {
    return this.#with((folder) => folder.sync(name))
  }

  freeBytes(): Promise<number> {
    return this.#with((folder) => folder.freeBytes())
  }

  async #with<T>(call: (folder: OpenDirectory) => Promise<T>): Promise<T> {
    const folder = await this.#open()
    try {
      return await call(folder)
    } catch (error) {
      await this.#stillThere()
      throw error
    } finally {
      await close(folder)
    }
  }

  async #stillThere(): Promise<void> {
    await close(await this.#open())
  }

  async #open(): Promise<OpenDirectory> {
    try {
      return await this.#opener.open()
    } catch (error) {
      throw unavailable(this.path, error)
    }
  }

  #openSync(): OpenDirectory {
    try {
      return this.#opener.openSync()
    } catch (error) {
      throw unavailable(this.path, error)
    }
  }
}

function unavailable(path: string, cause: unknown): VarveError {
  if (VarveError.is(cause, 'LOWER_UNAVAILABLE')) return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = `The lower layer at ${path} cannot be reached: ${why}`
  return new VarveError('LOWER_UNAVAILABLE', { path }, { message, cause })
}

/** What a call did is what counts: nothing more is done through the folder. */
async function close(folder: OpenDirectory): Promise<void> {
  try {
    await folder.close()
  } catch {}
}

function closeSync(folder: OpenDirectory): void {
  try {
    folder.closeSync()
  } catch {}
}
