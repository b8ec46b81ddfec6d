/** From a virtual offset to a proved record: which file holds it now, and what it says. */

export {
  AddressSpace,
  type AddressSpaceOptions,
  type MappedFile,
} from './address-space.ts'
export { Chunk } from './chunk.ts'
export { CopyReader, type FoundCopy } from './copy-reader.ts'
export { Location } from './location.ts'
export type { LowerCandidates, LowerCopy, LowerFiles } from './lower-files.ts'
export type { OffsetSpace } from './offset-space.ts'
export { RecordCache } from './record-cache.ts'
export { RecordReader } from './record-reader.ts'
export { RecordView } from './record-view.ts'
