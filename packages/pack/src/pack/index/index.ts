export { HashTable } from './hash-table.ts'
export { hashWord } from './hash-word.ts'
export { IndexBuilder, type IndexedPack } from './index-builder.ts'
export { type IndexEntry, IndexFile, type IndexPlace } from './index-file.ts'
