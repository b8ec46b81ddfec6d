import type { Duration } from '@varve/pack/base'
import { optionRule, type RulesFor, type VarveError } from '@varve/pack/errors'
import { type Progress, progressRules, type WithProgress } from './call-options.ts'
import type { CommitLike } from './commit.ts'
import type { Hash } from './hash.ts'

export interface GcOptions extends WithProgress {
  /** Commits to keep besides, each with its tree. */
  readonly keep?: Iterable<CommitLike> | undefined
  /** False leaves the retired files where they are. Default true. */
  readonly unlink?: boolean | undefined
  /** How long a bare put or commit is kept without a holder. Default 10 minutes; 0: not at all. */
  readonly grace?: Duration | undefined
}

export const gcRules: RulesFor<GcOptions> = {
  ...progressRules,
  keep: {
    says: 'a list of commits',
    // Text would be taken for as many commits as it has characters.
    fits: (value) => typeof value === 'object' && value !== null && Symbol.iterator in value,
  },
  unlink: optionRule.flag,
  grace: optionRule.duration,
}

/**
 * What may be known of the collections of a store that somebody else writes, but not what its writer does
 * now.
 */
export interface GcReader {
  /** What a collection does with what it retires. */
  behaviour(): 'archive' | 'delete'
  /** Of the latest collection that had one. */
  latestTarget(): Hash<'commit'> | undefined
  /** Whether a collection with this target could start now, and if not, why. */
  isAllowed(target?: CommitLike): Promise<true | VarveError>
}

/** Collections: what is no longer reachable goes, while the program goes on. */
export interface Gc extends GcReader {
  /**
   * Starts, finishes by itself, and resolves at the switch. Aborting the signal cancels it (`ABORTED`). With
   * a target, history before it goes; without one, only what no ref reaches. Running already: joins it when
   * the target is the same and it keeps what this call asks to keep (`keep`, `grace`, `unlink: false`, where
   * they are given); progress is then told to the first caller only.
   * @throws NO_SPACE (before anything was written), GC_FAILED (reason `disk`: full by now), CORRUPT,
   * GC_RUNNING, TARGET_TOO_OLD, UNKNOWN_COMMIT, COLLECTED, OPTION_MISMATCH, WRITER_FAILED, STORE_CLOSED
   */
  run(target?: CommitLike, o?: GcOptions): Promise<GcStats>
  /** The outcome of the collection that is running, or `idle`. */
  wait(): Promise<GcResult>
  /** False when none was running. The store is as it was before the collection began. */
  cancel(): Promise<boolean>
  readonly status: GcStatus
  /** True when no collection is running. */
  isFinished(): boolean
}

/**
 * `ready`: the sweep is over, well or not, and `finaliseGc` is what remains. `error`: why the sweep failed;
 * there until somebody is told by `finaliseGc` or `wait`, or the next collection starts.
 */
export type GcStatus =
  | { readonly state: 'idle' }
  | {
      readonly state: 'running' | 'ready'
      readonly error?: VarveError
      readonly target: Hash<'commit'> | undefined
      readonly startedAt: Date
      readonly progress: Progress
    }

export type GcResult =
  | { readonly state: 'idle' }
  | { readonly state: 'running'; readonly progress: Progress }
  | { readonly state: 'finalised'; readonly stats: GcStats }
  | { readonly state: 'cancelled' }

export interface GcStats {
  readonly target: Hash<'commit'> | undefined
  readonly objectsKept: number
  /** Of the records of these objects, in the new pack files. */
  readonly bytesKept: number
  /**
   * What the retired pack files held and the new ones do not: the bytes that went. Maps and indexes, which
   * follow in size, are not counted, and with `unlink: false` the bytes go with the next opening.
   */
  readonly bytesFreed: number
  readonly bytesArchived: number
  readonly wallMs: number
  /** The longest synchronous section of collection work on the caller's thread. */
  readonly longestStallMs: number
  /** The most that marks, blocks, and copies took at once. */
  readonly peakBytes: number
}
