export { BloomFilter } from './bloom-filter.ts'
export { HashTable } from './hash-table.ts'
export { hashWord } from './hash-word.ts'
export { IndexBuilder, type IndexedPack } from './index-builder.ts'
export { IndexEntries } from './index-entries.ts'
export { type IndexEntry, IndexFile, type IndexPlace } from './index-file.ts'
export {
  decodeIndexHeader,
  encodeIndexHeader,
  entriesPerPage,
  type IndexHeader,
  type IndexSection,
  indexKinds,
  indexSections,
  sectionSeed,
} from './index-format.ts'
