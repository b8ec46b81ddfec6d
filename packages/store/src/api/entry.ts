import type { Bytes } from './content.ts'
import type { Hash } from './hash.ts'

/** How a blob is meant to be checked out. A submodule's content is a blob that holds its id. */
export type Mode = 'file' | 'executable' | 'symlink' | 'submodule'

/** A blob in a directory. */
export interface BlobEntry {
  readonly kind: 'blob'
  /** The name as text; bytes that are no UTF-8 are replaced by U+FFFD. */
  readonly name: string
  /** The exact name. */
  readonly nameBytes: Bytes
  /** Names from the tree that was asked down to this entry, as text. */
  readonly path: readonly string[]
  readonly hash: Hash<'blob'>
  /** Bytes of content. */
  readonly size: number
  readonly mode: Mode
}

/** A directory in a directory, or the tree itself (then `name` and `path` are empty). */
export interface TreeEntry {
  readonly kind: 'tree'
  readonly name: string
  readonly nameBytes: Bytes
  readonly path: readonly string[]
  readonly hash: Hash<'tree'>
  /** Entries directly in the directory. */
  readonly count: number
  /** Content bytes of all blobs below, through all levels. */
  readonly bytes: number
}

export type Entry = BlobEntry | TreeEntry

/** One difference between two trees. */
export type Change =
  | { readonly type: 'added'; readonly path: readonly string[]; readonly after: Entry }
  | { readonly type: 'removed'; readonly path: readonly string[]; readonly before: Entry }
  | {
      readonly type: 'changed'
      readonly path: readonly string[]
      readonly before: Entry
      readonly after: Entry
    }
