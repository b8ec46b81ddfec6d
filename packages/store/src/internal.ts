/** For tests, tools, and benchmarks of this project. Not part of the public API: it changes whenever it must. */
export { Bulk, type BulkCommit, type BulkRef } from './bulk.ts'
export { openBulk, openStore } from './store.ts'
export type { StorePlatform } from './store-options.ts'
