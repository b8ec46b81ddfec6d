export { acquireStoreLock, type StoreLockOptions } from './acquire-store-lock.ts'
export { findWriter, type Writer } from './find-writer.ts'
export { type ProcessIdentity, type ProcessState, ProcessTable } from './process-table.ts'
export type { StoreLock } from './store-lock.ts'
