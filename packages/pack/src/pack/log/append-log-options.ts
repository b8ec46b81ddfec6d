import type { Clock } from '../../base/index.ts'
import type { VarveError } from '../../errors/index.ts'
import type { FileSystem } from '../../fs/index.ts'
import type { ChunkTail } from '../frame/index.ts'
import type { TailCache } from './log-tail.ts'
import type { GrowingFile } from './open-chunk.ts'

/** One chunk ends and the next begins: what control must say next, in one replacement. */
export interface ChunkRoll {
  /** `length` goes to the chunk that was open: its bytes up to there are synced. */
  readonly sealed: { readonly number: number; readonly base: number; readonly length: number }
  /** The last chunk from now on, its length open. Its file is durable, and its name too. */
  readonly opened: { readonly number: number; readonly base: number }
}

/** What an `AppendLog` is opened with. */
export interface AppendLogOptions {
  readonly fs: FileSystem
  readonly folder: string
  /** 16 bytes. */
  readonly storeId: Buffer
  /** The end of the open chunk, as recovery or the creation of the first chunk gave it. */
  readonly tail: ChunkTail
  /** The block cache of the store's readers. */
  readonly cache: TailCache
  /** The readers' file for the open chunk. */
  readonly growing: GrowingFile
  readonly clock: Clock
  /** A file number that no file has had. */
  nextFileNumber(): number
  /** 16 random bytes. */
  newNonce(): Buffer
  /** How many chunks control names. */
  chunkCount(): number
  /** How many sealed chunks have no synced index yet. When it goes down, call `wake()`. */
  indexBacklog(): number
  /**
   * Replaces control by one that says so, and gives the new chunk to the readers. Nothing is appended
   * meanwhile. Resolves to the readers' file for the new chunk. If it rejects, the log has failed.
   */
  switchControl(roll: ChunkRoll): Promise<GrowingFile>
  /** Called once, when the log fails. */
  onFailed(error: VarveError): void
  /**
   * Size at which a chunk is sealed, default 64 MiB; doubles up to 16-fold while there are more than 256
   * chunks.
   */
  readonly chunkBytes?: number | undefined
  /** Default 2^20. */
  readonly chunkRecordsMax?: number | undefined
  /** The log blocks while more than this is appended and not written. Default 2 MiB. */
  readonly unwrittenBytesMax?: number | undefined
}
