import { type FileHandle, type FileSystem, readFully } from '@varve/pack/fs'

/** Read at a time where less is asked for. */
const WINDOW_BYTES = 1 << 18

/** The bytes of one file, as long as it was when it was opened, through a window that moves over it. */
export class FileBytes {
  readonly handle: FileHandle
  readonly size: number
  #window: Buffer = Buffer.alloc(WINDOW_BYTES)
  #start = 0
  #length = 0

  private constructor(handle: FileHandle, size: number) {
    this.handle = handle
    this.size = size
  }

  /** @throws what the file system throws */
  static async open(fs: FileSystem, path: string): Promise<FileBytes> {
    const handle = await fs.open(path, 'read')
    try {
      return new FileBytes(handle, await handle.size())
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /**
   * The bytes from `position` on, `length` of them or fewer where the file ends. A view, valid until the next
   * read.
   */
  async read(position: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.size - position))
    const isHeld = position >= this.#start && position + wanted <= this.#start + this.#length
    if (!isHeld) await this.#load(position, wanted)
    const at = position - this.#start
    return this.#window.subarray(at, Math.min(at + wanted, this.#length))
  }

  async #load(position: number, wanted: number): Promise<void> {
    if (wanted > this.#window.length) this.#window = Buffer.alloc(wanted)
    else if (this.#window.length > WINDOW_BYTES && wanted <= WINDOW_BYTES)
      this.#window = Buffer.alloc(WINDOW_BYTES)
    this.#start = position
    this.#length = 0
    const length = Math.min(this.#window.length, this.size - position)
    this.#length = await readFully(this.handle, this.#window, 0, length, position)
  }

  close(): Promise<void> {
    return this.handle.close()
  }
}
