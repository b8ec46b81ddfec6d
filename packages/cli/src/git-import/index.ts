/**
 * Histories from Git into a store: which refs, which objects, and what of them is there already. Writes to an
 * `ImportSink`; nothing is reachable before its last batch.
 */
export { type ImporterOptions, importHistory } from './import-history.ts'
export { type ImportCounts, ImportOutcome } from './import-outcome.ts'
export type { ImportedRef, ImportSink, NewCommit } from './import-sink.ts'
export {
  gitCommitId,
  importedId,
  type KnownCommit,
  type KnownHistory,
  knownHistory,
  proofOf,
  type StoredCommit,
} from './known-commits.ts'
export type { MissingObject } from './missing-object.ts'
export { type PlannedRef, planRefs, type RefPlan, type SkippedRef, storeName } from './ref-plan.ts'
