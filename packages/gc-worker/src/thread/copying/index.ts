export { type CopyOptions, runCopy } from './run-copy.ts'
export { type CopyTask, serveCopy } from './serve-copy.ts'
