/**
 * The lower layer: volumes of archived files, their manifests, and how they are read while they are there.
 */

export {
  encodeFilters,
  type FilterPlace,
  type PackFilter,
  readFilters,
  writeFilters,
} from './filter-file.ts'
export { LowerSpace, LowerView } from './lower-space.ts'
export {
  decodeManifest,
  emptyManifest,
  encodeManifest,
  manifestSum,
  type VolumeChunk,
  type VolumeManifest,
  volumeOf,
} from './manifest.ts'
export { readManifest, Volume } from './volume.ts'
