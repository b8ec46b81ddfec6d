/**
 * Opening a store for writing, step by step: folder, control, files, metadata. Each step fails without
 * leaving a handle.
 */
export { createVolume, hasNewerManifest, type LowerOption, lowerDirectory } from './attach-lower.ts'
export {
  checkpointDamaged,
  type LoadMetadataOptions,
  loadMetadata,
  type MetadataDoubt,
} from './load-metadata.ts'
export { newerChunk } from './newer-chunk.ts'
export { openFailure, readFailure } from './open-failure.ts'
export {
  type LostRange,
  lostIn,
  type OpenPacks,
  type OpenPacksOptions,
  openPacks,
  openWholeIndex,
  type PackToIndex,
} from './open-packs.ts'
export { type CreateMode, prepareFolder } from './prepare-folder.ts'
export { removeLeftovers, takeControl } from './take-control.ts'
