import type { Commit } from '../api/index.ts'
import type { TreeStorage } from '../directory/index.ts'
import type { Projections } from '../projections/index.ts'
import type { ObjectReader, StoredCommit } from '../reader/index.ts'
import type { RefStore } from '../refs/index.ts'
import type { ObjectWriter, WriteQueue } from '../writer/index.ts'

/** What branches, tags, and commits need of the store: one object, made where the store is put together. */
export interface BranchRooms {
  readonly storage: TreeStorage
  readonly objects: ObjectReader
  readonly queue: WriteQueue
  readonly writer: ObjectWriter
  readonly refs: RefStore
  readonly projections: Projections
  /** ms since 1970. */
  readonly now: () => number
  readonly author: string
  readonly durability: 'commit' | 'flush'
  /** @throws STORE_CLOSED */
  readonly assertOpen: () => void
}

/** A commit and where it is. */
export interface FoundCommit {
  readonly handle: Commit
  readonly stored: StoredCommit
}
