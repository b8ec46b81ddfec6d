export { type Fault, FaultFileSystem, type FaultPlan, type FaultRule } from './fault-file-system.ts'
export { type FileSystemCase, fileSystemSuite } from './file-system-suite.ts'
export {
  InterceptedFileSystem,
  type Interceptor,
  type Operation,
  type OperationKind,
  type Verdict,
} from './intercepted-file-system.ts'
export { ManualClock } from './manual-clock.ts'
export {
  type CrashFate,
  type CrashImage,
  type CrashImageOptions,
  type CrashKeep,
  type CrashPlan,
  type EnumerateOptions,
  flipBit,
  MemoryFileSystem,
  type MemoryFileSystemOptions,
  misdirect,
  overwrite,
  type PendingChange,
  type Tear,
  type TearUnit,
  truncateTo,
  zeroRange,
} from './memory/index.ts'
export { SeededRandom } from './seeded-random.ts'
export { type SystemErrorCode, systemError } from './system-error.ts'
export { formatOperation, type TracedOperation, traceFileSystem } from './trace-file-system.ts'
