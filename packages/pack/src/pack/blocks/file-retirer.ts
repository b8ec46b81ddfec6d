import type { FileHandle, FileSystem } from '../../fs/index.ts'

/** What is to be done to a file that nobody uses any more. */
export interface RetiredFile {
  readonly path: string
  readonly handle: FileHandle
  readonly isUnlinked: boolean
}

/**
 * Closes and unlinks files in the background, strictly one at a time: freeing large files slows down the
 * syncs of others. Failures go to the callback; a file that stays is a leftover that the next open for
 * writing removes.
 */
export class FileRetirer {
  readonly #fs: FileSystem
  readonly #onError: (path: string, error: unknown) => void
  readonly #waiting: RetiredFile[] = []
  #worker: Promise<void> | undefined

  constructor(fs: FileSystem, onError: (path: string, error: unknown) => void) {
    this.#fs = fs
    this.#onError = onError
  }

  add(file: RetiredFile): void {
    this.#waiting.push(file)
    this.#worker ??= this.#run()
  }

  /** Resolves when nothing is left to do; never rejects. `close()` of the owner waits for it. */
  async drained(): Promise<void> {
    while (this.#worker !== undefined) await this.#worker
  }

  async #run(): Promise<void> {
    for (let file = this.#waiting.shift(); file !== undefined; file = this.#waiting.shift()) {
      await this.#dispose(file)
    }
    this.#worker = undefined
  }

  async #dispose(file: RetiredFile): Promise<void> {
    try {
      await file.handle.close()
    } catch (error) {
      this.#onError(file.path, error)
    }
    if (!file.isUnlinked) return
    try {
      await this.#fs.remove(file.path)
    } catch (error) {
      this.#onError(file.path, error)
    }
  }
}
