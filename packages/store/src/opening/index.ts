/**
 * Opening a store for writing, step by step: folder, control, files, metadata. Each step fails without
 * leaving a handle.
 */
export { createVolume, type LowerOption, lowerDirectory, lowerPath } from './attach-lower.ts'
export { type LoadMetadataOptions, loadMetadata } from './load-metadata.ts'
export { openFailure } from './open-failure.ts'
export { type OpenPacks, type OpenPacksOptions, openPacks, type PackToIndex } from './open-packs.ts'
export { type CreateMode, prepareFolder } from './prepare-folder.ts'
export { removeLeftovers, takeControl } from './take-control.ts'
