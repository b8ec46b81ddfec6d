/**
 * The lower layer: volumes of archived files, their manifests, and how they are read while they are there.
 */

export {
  decodeFilters,
  encodeFilters,
  type FilterPlace,
  type PackFilter,
  readFilters,
  writeFilters,
} from './filter-file.ts'
export { HandlePool } from './handle-pool.ts'
export { LowerSpace, type LowerSpaceOptions, LowerView } from './lower-space.ts'
export {
  decodeManifest,
  emptyManifest,
  encodeManifest,
  manifestSum,
  type VolumeChunk,
  type VolumeManifest,
  volumeOf,
} from './manifest.ts'
export { Volume } from './volume.ts'
