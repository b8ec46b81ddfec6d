import type { RawHash } from '@varve/pack/objects'

/** A commit as it is stored, with where it is. Parents are weak: hashes only. */
export interface StoredCommit {
  readonly hash: RawHash
  readonly offset: number
  /** In which it was found live, and its tree with it. */
  readonly epoch: number
  readonly tree: { readonly hash: RawHash; readonly offset: number }
  readonly parents: readonly RawHash[]
  readonly author: string
  /** ms since 1970. */
  readonly date: number
  readonly message: string
  readonly extra: Readonly<Record<string, string>>
}
