export type { CrashFate, CrashKeep, CrashPlan, PendingChange, Tear, TearUnit } from './crash-fate.ts'
export type { EnumerateOptions } from './crash-plans.ts'
export { flipBit, misdirect, overwrite, truncateTo, zeroRange } from './media-damage.ts'
export {
  type CrashImage,
  type CrashImageOptions,
  MemoryFileSystem,
  type MemoryFileSystemOptions,
} from './memory-file-system.ts'
