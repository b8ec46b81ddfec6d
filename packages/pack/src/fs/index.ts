export { atomicReplace } from './atomic-replace.ts'
export {
  type Directory,
  type DirectoryOpener,
  FolderOpener,
  LazyDirectory,
  type OpenDirectory,
} from './directory/index.ts'
export type { FileHandle } from './file-handle.ts'
export type { FileStat } from './file-stat.ts'
export type { FileSystem, FileSystemOrigin, OpenMode } from './file-system.ts'
export { hasCode } from './has-code.ts'
export { createFileSystem, NodeFileSystem, nodeFileSystemModule } from './node-file-system.ts'
export { readFully, readFullySync } from './read-fully.ts'
export { ReadOnlyHandle } from './read-only-handle.ts'
export { writeFully, writeFullySync } from './write-fully.ts'
