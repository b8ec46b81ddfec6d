import type { ControlVolume } from '@varve/pack/pack'
import type { CheckpointPlace, SegmentPlace } from './collect-job.ts'

/** After the sweep. */
export interface SweepSummary {
  readonly objectsKept: number
  readonly bytesKept: number
  /** Bytes of the log that were scanned for references. */
  readonly bytesScanned: number
}

/** After a catch-up round. Over budget, nothing has changed. */
export type RoundSummary =
  | {
      readonly state: 'done'
      readonly bytesScanned: number
      readonly recordsScanned: number
      readonly objectsCopied: number
      readonly bytesCopied: number
    }
  | { readonly state: 'over-budget'; readonly bytesScanned: number; readonly recordsScanned: number }

export interface CollectStats {
  readonly objectsKept: number
  /** Bytes of records in the new segments. */
  readonly bytesKept: number
  /** Of pack files that a volume holds now and did not hold before. */
  readonly bytesArchived: number
  readonly bytesScanned: number
  /** Damaged records that were replaced by a copy. */
  readonly objectsHealed: number
  readonly passes: number
  readonly rounds: number
  /** The most memory that marks, blocks, and copies took. */
  readonly peakBytes: number
  readonly bytesSpilled: number
  readonly wallMs: number
}

/** What the switch needs: files that are synced and that nothing names yet. */
export interface CollectResult {
  readonly segments: readonly SegmentPlace[]
  readonly checkpoint: CheckpointPlace
  /** The volume as control is to name it from now on; `undefined`: nothing was archived. */
  readonly volume: ControlVolume | undefined
  readonly stats: CollectStats
}

/** How far a collection has come. */
export interface CollectProgress {
  readonly phase: 'metadata' | 'commits' | 'log' | 'sweep' | 'archive'
  /** Bytes of the address space that the phase has passed; of files, where they are archived. */
  readonly done: number
  readonly total: number | undefined
  /** Bytes copied so far. */
  readonly bytesDone: number
  readonly etaMs: number | undefined
}
