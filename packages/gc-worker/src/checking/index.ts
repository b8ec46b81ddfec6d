export {
  type CheckedFilter,
  type CheckFinding,
  type CheckJob,
  type CheckProgress,
  type CheckResult,
  findingsListedMax,
  type LayerFiles,
  lostListedMax,
  type WantedObject,
} from './check-job.ts'
export { Checker, type CheckerOptions } from './checker.ts'
export { EdgeList } from './references/edge-list.ts'
