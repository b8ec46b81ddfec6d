export { CheckThread, type CheckThreadOptions } from './check/check-thread.ts'
export { CollectorThread, type CollectorThreadOptions } from './collector-thread.ts'
export { IndexThread, type IndexThreadOptions } from './index-thread.ts'
export { ThreadKeeper } from './thread-keeper.ts'
