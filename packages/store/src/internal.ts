/**
 * For tests, tools, and benchmarks of this project. Not part of the public API: it changes whenever it must.
 */

export type { StorePlatform } from './assembly/index.ts'
export { Bulk, type BulkCommit, type BulkRef } from './bulk.ts'
export { findWriter, type Writer } from './kv/index.ts'
export { openReadOnly } from './read-only-store.ts'
export { openBulk, openStore } from './store.ts'
