import type { BlobRef, NodeRef, TreeChange, TreeEntry } from '@varve/pack/objects'

/** A ref that an import makes or moves. */
export interface ImportedRef {
  /** 'heads/main', 'tags/v1'. */
  readonly name: string
  /** The commit's hash, hex. */
  readonly commit: string
  /** An annotated tag's own words; `date` in milliseconds since 1970. */
  readonly tag?: ImportedTag | undefined
}

export interface ImportedTag {
  readonly message?: string
  readonly author?: string
  readonly date?: number
}

export interface NewCommit {
  readonly tree: NodeRef
  /** Hex. */
  readonly parents: readonly string[]
  readonly author: string
  /** Milliseconds since 1970. */
  readonly date: number
  readonly message: string
  readonly extra: Readonly<Record<string, string>>
}

/**
 * What an import writes to: a store's bulk writer, or a fake. Everything dedupes. Nothing that was put is
 * reachable before `finish`, which moves all refs in one batch.
 */
export interface ImportSink {
  putBlob(content: Buffer): BlobRef
  putBlobStream(content: AsyncIterable<Buffer>, size: number): Promise<BlobRef>
  /** A whole directory; entries ascend by name. */
  putDirectory(base: undefined, entries: readonly TreeEntry[]): NodeRef
  /** A directory made from another; changes ascend by name. */
  changeDirectory(base: NodeRef, changes: readonly TreeChange[]): NodeRef
  /** Entries of a directory, and the bytes of all blobs below it. */
  totals(directory: NodeRef): { readonly count: number; readonly size: number }
  /** The new commit's hash, hex. */
  putCommit(commit: NewCommit): { readonly hash: string }
  /** The entries of one directory that is in the store, in order. */
  directoryEntries(directory: NodeRef): Iterable<TreeEntry>
  /** The root of a commit that is in the store; `commit` in hex. */
  commitTree(commit: string): Promise<NodeRef>
  /** Resolves when more may be put. */
  ready(): Promise<void>
  finish(refs: readonly ImportedRef[]): Promise<void>
  abort(): Promise<void>
}
