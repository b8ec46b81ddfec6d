export type {
  CheckedFilter,
  CheckFinding,
  CheckJob,
  CheckProgress,
  CheckResult,
  LayerFiles,
} from './checking/index.ts'
export { buildIndex, type IndexJob } from './indexing/index.ts'
export {
  type CatchUpRound,
  type CheckpointPlace,
  type ChunkPlace,
  type CollectJob,
  type CollectProgress,
  type CollectResult,
  type CollectStats,
  type CopyJob,
  type CopyResult,
  lastRoundBudget,
  memoryBytesMaxDefault,
  type ObjectList,
  type PreviousFiles,
  type RoundBudget,
  type RoundSummary,
  type SegmentPlace,
  type SweepSummary,
} from './job/index.ts'
export {
  CheckThread,
  type CheckThreadOptions,
  CollectorThread,
  type CollectorThreadOptions,
  type CopyOptions,
  IndexThread,
  type IndexThreadOptions,
  runCopy,
  ThreadKeeper,
} from './thread/index.ts'
