/** What keeps a store in order behind its callers' backs: index files, and collections put into place. */
export { IndexMaintenance, type IndexMaintenanceParts, type SealedChunk } from './index-maintenance.ts'
export { leastKept } from './least-kept.ts'
export { rebuildSegmentIndex, segmentIndexOf } from './segment-index.ts'
export { sealAndSetAside } from './set-aside-numbers.ts'
export { boundaryFor, StoreCollection, type StoreCollectionParts } from './store-collection.ts'
