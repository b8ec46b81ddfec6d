/**
 * What a collection needs of the store around it: the log's gate, the worker, and the switch. Implemented
 * where the store is put together.
 */
import type { Clock } from '@varve/pack/base'
import type { Progress } from '../api/index.ts'
import type { StallMeter } from './stall-meter.ts'

/** A commit by raw hash and virtual offset. */
export interface CommitPlace {
  readonly hash: string
  readonly offset: number
}

export interface CollectionHost {
  readonly clock: Clock
  /** @throws STORE_CLOSED or WRITER_FAILED when nothing may be written any more. */
  assertWritable(): void
  /** Whether what leaves the store is archived in a lower layer. */
  isArchiving(): boolean
  /** @throws LOWER_UNAVAILABLE when what is to be archived could not be. */
  assertLowerThere(): void
  /** The target of the latest collection that had one. */
  latestTarget(): CommitPlace | undefined
  /** @throws NO_SPACE when the file system certainly has no room for what the collection would keep. */
  assertSpaceFor(target: CommitPlace | undefined, stalls: StallMeter): Promise<void>
  /** A worker is needed soon: its thread may start meanwhile. */
  warmUp(): void
  /** Seals the open chunk unless it is empty, and sets file numbers aside. @throws NO_SPACE, WRITER_FAILED */
  sealLog(): Promise<void>
  /** No worker is going to be started after `sealLog`. */
  abandon(): void
  /** No append from the moment this resolves until the returned function is called. */
  holdLog(): Promise<() => void>
  /** Where the log ends, synced or not. */
  logEnd(): number
  /** From now on so many ms lie between two sections of writes; 0: none. */
  slowWrites(pauseMs: number): void
  /** Writes and syncs what was appended so far; gives the position up to which the log is synced. */
  syncLog(): Promise<number>
  /** Starts a worker on everything that control names now; the log has just been sealed. */
  startWorker(order: CollectionOrder): CollectionWorker
}

export interface CollectionOrder {
  readonly target: CommitPlace | undefined
  readonly keep: readonly CommitPlace[]
  /** Bare puts and commits of a later time (ms) are kept. */
  readonly youngAfterMs: number
  /** Keeps the old files on disk, until the next open for writing. */
  readonly unlink: boolean
  readonly stalls: StallMeter
  readonly onProgress: (progress: Progress) => void
}

/**
 * One run of the worker. `switchOver` with `end` after it, or `cancel`, ends it; `cancel` is harmless after
 * an end.
 */
export interface CollectionWorker {
  /** Where the log ended when the worker started: the first position that catch-up rounds scan. */
  readonly startPosition: number
  /**
   * The one pass over everything below the boundary. @throws GC_FAILED (also where the disk is full by then),
   * CORRUPT
   */
  sweep(): Promise<void>
  /**
   * Copies what [from, to) of the log and the pins of this moment refer to below the boundary.
   * False: it would not fit the budget of a round under the held log, and nothing was done.
   */
  catchUp(round: {
    readonly from: number
    readonly to: number
    readonly isBudgeted: boolean
  }): Promise<boolean>
  /** Replaces control (the commit point) and installs the new files. The log is held. */
  switchOver(): Promise<void>
  /** After the switch, when the log is no longer held: ends the thread and clears away. Never rejects. */
  end(): Promise<CollectionFigures>
  /** Resolves when the thread has ended and its files are gone. */
  cancel(): Promise<void>
}

export interface CollectionFigures {
  readonly objectsKept: number
  readonly bytesKept: number
  readonly bytesFreed: number
  readonly bytesArchived: number
  readonly peakBytes: number
}
