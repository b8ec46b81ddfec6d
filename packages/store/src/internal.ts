/**
 * For tests, tools, and benchmarks of this project. Not part of the public API: it changes whenever it must.
 */

export type { StorePlatform } from './assembly/index.ts'
export { Bulk, type BulkCommit, type BulkRef } from './bulk.ts'
export { type BundleContents, type BundleTip, proveBundle } from './bundle/index.ts'
export type { BundleOptions, MadeBundle, TakenBundle } from './bundles.ts'
export { type CheckFolderParts, checkFolder, checkVolume, readVolume } from './checking/index.ts'
export { findWriter, type Writer } from './kv/index.ts'
export { openReadOnly } from './read-only-store.ts'
export { type RepairOptions, type RepairReport, type RepairStep, repairStore } from './repairing/index.ts'
export { bundleOf, openBulk, openStore, takeBundleInto } from './store.ts'
export { type StoreFacts, storeFacts } from './store-facts.ts'
