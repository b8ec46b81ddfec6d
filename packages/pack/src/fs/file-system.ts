import type { FileHandle } from './file-handle.ts'
import type { FileStat } from './file-stat.ts'

/**
 * 'read': an existing file, only to read. 'write': an existing file, to read and write. 'create': a new one.
 */
export type OpenMode = 'read' | 'write' | 'create'

/**
 * How another thread builds the same file system: its module exports `createFileSystem(options): FileSystem`.
 */
export interface FileSystemOrigin {
  /** What `import()` takes: a URL, or the name of a package. */
  readonly module: string
  /** Plain data, as a message between threads carries it. */
  readonly options: unknown
}

/**
 * The one seam between the store and a disk, so that a test can fail, tear, delay, or crash any operation.
 *
 * Paths are absolute. Errors are those of Node, unchanged, with their `code` (ENOENT, ENOSPC, EIO, …): the
 * floors above know what an error means and turn it into one of theirs.
 *
 * What is durable: `FileHandle.datasync` and `sync` make a file's bytes and size durable, never its name.
 * Creating, renaming, linking, and removing change the folder, which `syncFolder` makes durable.
 */
export interface FileSystem {
  /** `undefined`: this file system cannot cross a thread. */
  readonly origin: FileSystemOrigin | undefined
  /** 'create' fails with EEXIST when the name is taken; the new file is its owner's alone (0600). */
  open(path: string, mode: OpenMode): Promise<FileHandle>
  openSync(path: string, mode: 'read'): FileHandle
  readFile(path: string): Promise<Buffer>
  /**
   * With all missing parents; nothing happens when it is there. New folders are their owner's alone (0700).
   */
  mkdir(path: string): Promise<void>
  /** The names in a folder, sorted by code units. */
  list(path: string): Promise<string[]>
  listSync(path: string): string[]
  /** Atomic; a file that has the new name is replaced. */
  rename(from: string, to: string): Promise<void>
  /** A second name for a file; EEXIST when it is taken. */
  link(from: string, to: string): Promise<void>
  /** Removes a file's name; ENOENT when there is none. Open handles go on reading. */
  remove(path: string): Promise<void>
  /** Removes a folder with all that is in it; nothing happens when it is not there. */
  removeFolder(path: string): Promise<void>
  /** Follows symbolic links. `undefined`: there is nothing of that name. */
  stat(path: string): Promise<FileStat | undefined>
  /** The path without symbolic links and dots; ENOENT when there is nothing. */
  realPath(path: string): Promise<string>
  /** Makes the names in a folder durable, not what they name. */
  syncFolder(path: string): Promise<void>
  /**
   * Calls `onChange` soon after anything in the folder or in its files has changed, perhaps once for many
   * changes, perhaps for none. Gives what ends it; `undefined` when the system cannot tell. It may fall
   * silent for good: whoever must not miss a change also looks from time to time. Keeps no process alive.
   */
  watch?(folder: string, onChange: () => void): (() => void) | undefined
  /** What an ordinary user may still write to the disk that holds the path, in bytes. */
  freeBytes(path: string): Promise<number>
}
