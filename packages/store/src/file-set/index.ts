/**
 * The set of open files of a store and the atomic switches between two sets. Does not know what the files
 * hold.
 */
export { FileSet, type FileSetParts, type Generation } from './file-set.ts'
export { type FileSize, type FilesView, namesBesidePacks } from './files-view.ts'
