export { CommitWalk } from './commit-walk.ts'
export { Fetcher } from './fetcher.ts'
export { Healer } from './healer.ts'
export { LogRoots } from './log-roots.ts'
export { MetadataFold, type MetadataRecord, type MetadataRoots, tellRecord } from './metadata-fold.ts'
export { Meter, type MeterLimits, OverBudget } from './meter.ts'
export {
  type FetchedRecord,
  RegionSweep,
  type SweepCounts,
  type SweepSink,
  sweepAll,
} from './region-sweep.ts'
