/** The parts of one open store, put together by `openRooms` and taken apart by `close`. */
import type { ThreadKeeper } from '@varve/gc-worker'
import type { FileSystem } from '@varve/pack/fs'
import type { AppendLog, BlockCache, FileRetirer } from '@varve/pack/pack'
import type { BranchRooms, CommitQueues } from '../branches/index.ts'
import type { StoreChecks } from '../checking/index.ts'
import type { FileSet } from '../file-set/index.ts'
import type { GarbageCollector } from '../gc/index.ts'
import type { IndexMaintenance } from '../maintenance/index.ts'
import type { Projections } from '../projections/index.ts'
import type { PinRegistry } from '../writer/index.ts'
import type { ReaderRooms } from './reader-rooms.ts'

export interface StoreRooms extends BranchRooms, ReaderRooms {
  readonly fs: FileSystem
  readonly random: (size: number) => Buffer
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  readonly files: FileSet
  readonly log: AppendLog
  readonly projections: Projections
  readonly pins: PinRegistry
  readonly queues: CommitQueues
  readonly gc: GarbageCollector
  readonly checks: StoreChecks
  readonly threads: ThreadKeeper
  readonly indexing: IndexMaintenance
  /** From now on every call is refused. */
  readonly markClosed: () => void
  readonly releaseLock: () => Promise<void>
}
