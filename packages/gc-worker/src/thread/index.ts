export { CollectorThread, type CollectorThreadOptions } from './collector-thread.ts'
export { type CopyOptions, runCopy } from './copying/index.ts'
export { IndexThread, type IndexThreadOptions } from './index-thread.ts'
export { ThreadKeeper } from './thread-keeper.ts'
