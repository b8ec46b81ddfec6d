import type { Commit } from '../api/index.ts'
import type { TreeStorage } from '../directory/index.ts'
import type { Projections } from '../projections/index.ts'
import type { ObjectReader, StoredCommit } from '../reader/index.ts'
import type { RefStore } from '../refs/index.ts'
import type { ObjectWriter, WriteQueue } from '../writer/index.ts'

/** Finds commits by what they came from. */
export interface GitCommits {
  /** Hashes (hex) of commits that came from Git commits whose id begins so; at most `limit`. */
  gitCommits(idPrefix: string, limit: number): Promise<string[]>
}

/** What it takes to read branches, tags, and commits. */
export interface RefRooms {
  readonly storage: TreeStorage
  readonly objects: ObjectReader
  readonly refs: RefStore
  readonly projections: GitCommits
  /** @throws STORE_CLOSED */
  readonly assertOpen: () => void
}

/** What it takes to write them too: one object, made where the store is put together. */
export interface BranchRooms extends RefRooms {
  readonly queue: WriteQueue
  readonly writer: ObjectWriter
  readonly projections: Projections
  /** ms since 1970. */
  readonly now: () => number
  readonly author: string
  readonly durability: 'commit' | 'flush'
}

/** A commit and where it is. */
export interface FoundCommit {
  readonly handle: Commit
  readonly stored: StoredCommit
}
