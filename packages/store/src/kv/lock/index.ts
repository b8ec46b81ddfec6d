export { acquireStoreLock, type StoreLockOptions } from './acquire-store-lock.ts'
export { type ProcessIdentity, type ProcessState, ProcessTable } from './process-table.ts'
export { type RunningOwner, runningOwners } from './running-owners.ts'
export type { StoreLock } from './store-lock.ts'
