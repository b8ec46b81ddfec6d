import type { FileHandle } from '../file-handle.ts'
import type { FileStat } from '../file-stat.ts'
import type { OpenMode } from '../file-system.ts'

/**
 * One folder of a file system, by the names in it: `a` or `a/b`. Each call does what the call of the same
 * name of `FileSystem` does, with its errors.
 */
export interface Directory {
  /** Of the folder, for errors and for people. */
  readonly path: string
  open(name: string, mode: OpenMode): Promise<FileHandle>
  openSync(name: string, mode: 'read'): FileHandle
  readFile(name: string): Promise<Buffer>
  mkdir(name: string): Promise<void>
  /** The names in the folder itself, or in one below it. */
  list(name?: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  /** `from` is a path of the same file system, or a name in the folder when it is not absolute. */
  link(from: string, to: string): Promise<void>
  remove(name: string): Promise<void>
  removeFolder(name: string): Promise<void>
  stat(name: string): Promise<FileStat | undefined>
  /** Makes the names in the folder durable, or those in one below it. */
  sync(name?: string): Promise<void>
  freeBytes(): Promise<number>
}

/** A folder that has been found to be there. */
export interface OpenDirectory extends Directory {
  close(): Promise<void>
  closeSync(): void
}

/** How to come to a folder, now. */
export interface DirectoryOpener {
  readonly path: string
  /** @throws what is in the way */
  open(): Promise<OpenDirectory>
  /** @throws what is in the way */
  openSync(): OpenDirectory
}
