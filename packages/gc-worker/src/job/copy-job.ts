import type { PreviousFiles } from './collect-job.ts'

/**
 * All that a copy of a store is told, as plain data. Branches and tags are not listed: the copier reads them
 * from the checkpoint and the log itself.
 */
export interface CopyJob {
  /** The folder of the store that is read, as a real path. */
  readonly dir: string
  /** Its id: 32 hexadecimal digits. */
  readonly storeId: string
  /** Its files. The last chunk may be the open one, up to `end`. */
  readonly previous: PreviousFiles
  /** The log up to here has been written and synced; the border of a batch. */
  readonly end: number
  readonly output: {
    /** An empty folder that is there. */
    readonly dir: string
    /** 32 hexadecimal digits, of the new store. */
    readonly storeId: string
  }
  /** `heads/<name>`, `tags/<name>`, or a name, which means the branch before the tag; `undefined`: all. */
  readonly refs: readonly string[] | undefined
  /** Offsets of commits that are copied without a ref. */
  readonly commits: Float64Array
  /** How many commits along the parents of each named one; `undefined`: all that the store holds. */
  readonly depth: number | undefined
  /** ms since 1970, for what the new store says of its beginning. */
  readonly timeMs: number
  /** As `CollectJob.memoryBytesMax`. */
  readonly memoryBytesMax?: number | undefined
}

/** What the new store holds. */
export interface CopyResult {
  readonly objects: number
  /** Of the records. */
  readonly bytes: number
  /** Keys: `heads/<name>`, `tags/<name>`, in byte order. */
  readonly refs: readonly string[]
}
