/** From a virtual offset to a proved record: which file holds it now, and what it says. */

export {
  AddressSpace,
  type AddressSpaceOptions,
  type LowerOffsets,
  type MappedFile,
} from './address-space.ts'
export { Chunk } from './chunk.ts'
export { Location } from './location.ts'
export { RecordCache } from './record-cache.ts'
export { RecordReader } from './record-reader.ts'
export { RecordView } from './record-view.ts'
