/**
 * What a store's folder looks like: every file name, what a name stands for, and which files are left over
 * from a crash. This room holds names only and knows nothing of what the files contain.
 */

export type { NumberedKind, StoreFile } from './file-names.ts'
export { classifyFile, fileName, fileNumberMax, volumeIdMax } from './file-names.ts'
export { formatVersion, storeFormat } from './format-version.ts'
export type { NamedFiles } from './leftovers.ts'
export { highestFileNumber, isLeftover } from './leftovers.ts'
export { magic } from './magic.ts'
