export type { Directory, DirectoryOpener, OpenDirectory } from './directory.ts'
export { FolderOpener } from './folder-opener.ts'
export { LazyDirectory } from './lazy-directory.ts'
