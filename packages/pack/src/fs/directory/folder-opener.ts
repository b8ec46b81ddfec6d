import { isAbsolute, join } from 'node:path'
import type { FileHandle } from '../file-handle.ts'
import type { FileStat } from '../file-stat.ts'
import type { FileSystem, OpenMode } from '../file-system.ts'
import type { DirectoryOpener, OpenDirectory } from './directory.ts'

/** Opens a folder by its path: proves that it is there now, and holds nothing. */
export class FolderOpener implements DirectoryOpener {
  readonly path: string
  readonly #fs: FileSystem

  constructor(fs: FileSystem, path: string) {
    this.#fs = fs
    this.path = path
  }

  /** @throws ENOENT, ENOTDIR, EACCES, and what else the file system says */
  async open(): Promise<OpenDirectory> {
    await this.#fs.list(this.path)
    return new Folder(this.#fs, this.path)
  }

  /** @throws as `open` does */
  openSync(): OpenDirectory {
    this.#fs.listSync(this.path)
    return new Folder(this.#fs, this.path)
  }
}

class Folder implements OpenDirectory {
  readonly path: string
  readonly #fs: FileSystem

  constructor(fs: FileSystem, path: string) {
    this.#fs = fs
    this.path = path
  }

  open(name: string, mode: OpenMode): Promise<FileHandle> {
    return this.#fs.open(this.#at(name), mode)
  }

  openSync(name: string, mode: 'read'): FileHandle {
    return this.#fs.openSync(this.#at(name), mode)
  }

  readFile(name: string): Promise<Buffer> {
    return this.#fs.readFile(this.#at(name))
  }

  mkdir(name: string): Promise<void> {
    return this.#fs.mkdir(this.#at(name))
  }

  list(name = ''): Promise<string[]> {
    return this.#fs.list(this.#at(name))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#fs.rename(this.#at(from), this.#at(to))
  }

  link(from: string, to: string): Promise<void> {
    return this.#fs.link(isAbsolute(from) ? from : this.#at(from), this.#at(to))
  }

  remove(name: string): Promise<void> {
    return this.#fs.remove(this.#at(name))
  }

  removeFolder(name: string): Promise<void> {
    return this.#fs.removeFolder(this.#at(name))
  }

  stat(name: string): Promise<FileStat | undefined> {
    return this.#fs.stat(this.#at(name))
  }

  sync(name = ''): Promise<void> {
    return this.#fs.syncFolder(this.#at(name))
  }

  freeBytes(): Promise<number> {
    return this.#fs.freeBytes(this.path)
  }

  async close(): Promise<void> {}

  closeSync(): void {}

  #at(name: string): string {
    return name === '' ? this.path : join(this.path, name)
  }
}
