import type { ControlVolume } from '@varve/pack/pack'

/**
 * Where a chunk of the log lies: file `number` holds virtual offsets [base, base + length). All of it is
 * synced.
 */
export interface ChunkPlace {
  readonly number: number
  readonly base: number
  readonly length: number
}

/** A segment of the generation, as control names it. Records in it start in [low, high). */
export interface SegmentPlace {
  readonly number: number
  readonly low: number
  readonly high: number
  readonly bytes: number
  readonly objects: number
}

/** The metadata state exactly at log position `position`. */
export interface CheckpointPlace {
  readonly number: number
  readonly position: number
}

/**
 * Objects by position, without an object per entry: `offsets[i]` holds index kind `kinds[i]`, hash at `32 *
 * i`.
 */
export interface ObjectList {
  readonly kinds: Uint8Array
  readonly hashes: Uint8Array
  readonly offsets: Float64Array
}

/** The files that make up the store when the collection starts. */
export interface PreviousFiles {
  /** The retire boundary: below it lie the segments, above it the chunks. */
  readonly retire: number
  /** Ascending, contiguous but for padding, all sealed, ending at `CollectJob.start`. */
  readonly chunks: readonly ChunkPlace[]
  readonly segments: readonly SegmentPlace[]
  readonly checkpoint: CheckpointPlace | undefined
  /** The lower layer of a store that has one. */
  readonly lower?: LowerPlace | undefined
}

/** Where volumes are, as control names them. */
export interface LowerPlace {
  /** Absolute. */
  readonly path: string
  /** Ascending; the last one is written to. */
  readonly volumes: readonly ControlVolume[]
}

/**
 * All that a collection is told, as plain data that a structured clone keeps whole. Roots that lie in the log
 * or in the checkpoint are not listed: the collector reads them itself.
 */
export interface CollectJob {
  /** The store's folder, as a real path. */
  readonly dir: string
  /** 32 hexadecimal digits. */
  readonly storeId: string
  /** With a lower layer, what leaves the upper one is archived in its last volume. */
  readonly previous: PreviousFiles
  /**
   * Numbers of those among `previous.chunks` that have just been sealed and have no index: the collection
   * builds it while it scans them, and tells when it is there.
   */
  readonly unindexed?: readonly number[] | undefined
  /**
   * S: a border between chunks. The metadata state there is a root; the log from there on is for catch-up
   * rounds.
   */
  readonly start: number
  /**
   * R': the end of the chunk that holds the target, or the old boundary if that is higher; S without a
   * target.
   */
  readonly newRetire: number
  /** Without one all history that refs reach stays. */
  readonly target: { readonly hash: string; readonly offset: number } | undefined
  /** What the caller wants kept beside refs and leases. */
  readonly keep: ObjectList
  /** Offsets of objects of work in progress. */
  readonly pins: Float64Array
  /**
   * Every object record from here on counts as kept: batches of commits whose last one is not appended yet.
   */
  readonly pinFrom: number | undefined
  /** Bare puts and touches of batches later than this wall time (ms) count as kept. */
  readonly youngAfterMs: number
  /** File numbers [from, to) are the collection's own. */
  readonly fileNumbers: { readonly from: number; readonly to: number }
  /**
   * Memory for marks, blocks, and copies together, in bytes. Marks that do not fit are spilled. Default 64
   * MiB.
   */
  readonly memoryBytesMax?: number | undefined
}

/** The default of `CollectJob.memoryBytesMax`. */
export const memoryBytesMaxDefault: number = 64 * 1024 * 1024

/** One catch-up round. */
export interface CatchUpRound {
  /** The log [from, to) has been written and synced; both are borders of batches. */
  readonly from: number
  readonly to: number
  /** Chunks that hold [from, to): those sealed since the start and the open one, up to `to`. */
  readonly chunks: readonly ChunkPlace[]
  readonly pins: Float64Array
  readonly pinFrom?: number | undefined
  /** With it, the round stops without effect as soon as it turns out to be larger. */
  readonly budget?: RoundBudget | undefined
}

export interface RoundBudget {
  readonly logBytesMax: number
  /** Records scanned and records copied, together. */
  readonly recordsMax: number
  readonly copiedBytesMax: number
  readonly ms: number
}

/** The budget of a round that runs while the program's writes wait. */
export const lastRoundBudget: RoundBudget = {
  logBytesMax: 1024 * 1024,
  recordsMax: 1000,
  copiedBytesMax: 1024 * 1024,
  ms: 5,
}
