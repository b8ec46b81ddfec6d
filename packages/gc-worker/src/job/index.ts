export {
  type CatchUpRound,
  type CheckpointPlace,
  type ChunkPlace,
  type CollectJob,
  type LowerPlace,
  lastRoundBudget,
  memoryBytesMaxDefault,
  type ObjectList,
  type PreviousFiles,
  type RoundBudget,
  type SegmentPlace,
} from './collect-job.ts'
export type {
  CollectProgress,
  CollectResult,
  CollectStats,
  RoundSummary,
  SweepSummary,
} from './collect-result.ts'
export type { CollectorRun } from './collector-run.ts'
export type { CopyJob, CopyResult } from './copy-job.ts'
export { removeJobFiles } from './remove-job-files.ts'
export { syncRootFolder } from './sync-root-folder.ts'
export { type CollectedIndex, writeChunkIndex } from './write-chunk-index.ts'
