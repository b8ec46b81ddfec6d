import type { CatchUpRound } from './collect-job.ts'
import type { CollectResult, RoundSummary, SweepSummary } from './collect-result.ts'

/**
 * One collection, step by step: `sweep` once, then `catchUp` as often as needed, then `finish`; `close` at
 * any time. One call at a time. After a rejection only `close` may follow.
 */
export interface CollectorRun {
  sweep(): Promise<SweepSummary>
  catchUp(round: CatchUpRound): Promise<RoundSummary>
  /** Everything that it names is synced, the folder too. */
  finish(): Promise<CollectResult>
  /** Stops what is under way and lets go of every handle. Files stay: see `removeJobFiles`. Never rejects. */
  close(): Promise<void>
}
