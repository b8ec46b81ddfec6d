import type { BodyView, Draft, DraftBlob, DraftNode } from './body-view.ts'
import type { RawHash } from './raw-hash.ts'

/** Where a tree node is. Offset 0 and a draft: only in memory so far. */
export interface NodeRef {
  readonly hash: RawHash
  readonly offset: number
  readonly draft?: DraftNode | undefined
}

/** Where a blob is, and how long. */
export interface BlobRef {
  readonly hash: RawHash
  readonly offset: number
  readonly size: number
  readonly draft?: DraftBlob | undefined
}

/**
 * Gives stored tree nodes; synchronous, because a read of a path crosses several and most are in the cache.
 * The store checks the record: kind, hash, checksum. Drafts are never asked of it.
 */
export interface NodeReader {
  /** @throws COLLECTED | CORRUPT */
  node(ref: NodeRef): BodyView
  /**
   * The node at `offset`, which must have the hash whose 32 bytes stand at `hashStart` of `parent`. `parent`
   * may be the memory of the view that this reader gave last: compare or copy the hash before reusing that
   * memory.
   * @throws COLLECTED | CORRUPT
   */
  nodeAt(offset: number, parent: Buffer, hashStart: number): BodyView
}

/**
 * Takes new tree nodes and blobs, children before parents; a node may come more than once. A store's sink
 * dedupes and appends to the log, a memory sink makes drafts. Bytes are copied before the call returns.
 */
export interface NodeSink {
  /**
   * The body is [start, end) of `body`, with the offsets of its references filled in and `hash` already
   * computed. `children` is there when at least one reference is to a draft (its offset then is 0), by
   * reference.
   */
  putNode(
    hash: RawHash,
    body: Buffer,
    start: number,
    end: number,
    referenceCount: number,
    children: readonly Draft[] | undefined,
  ): NodeRef
  putBlob(content: Buffer): BlobRef
}
