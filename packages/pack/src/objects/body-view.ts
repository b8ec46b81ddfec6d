import type { RawHash } from './raw-hash.ts'

/**
 * The body of a record, in place: [start, end) of `buf`. Its last `referenceCount` * 8 bytes are the virtual
 * offsets of its references, in order; what lies in front of them is the canonical part. Valid until the next
 * call of the reader that gave it: who needs it longer copies it.
 */
export interface BodyView {
  readonly buf: Buffer
  readonly start: number
  readonly end: number
  readonly referenceCount: number
  /** Only on drafts: what stands behind references with offset 0, by reference. */
  readonly children?: readonly Draft[] | undefined
}

/** A blob that is only in memory so far. */
export interface DraftBlob {
  readonly kind: 'blob'
  readonly hash: RawHash
  readonly content: Buffer
}

/**
 * A tree node that is only in memory so far. Where a reference has offset 0, its target is the draft at the
 * same index of `children`; other references point to stored records. A `BodyView` itself, so reading one
 * allocates nothing.
 */
export interface DraftNode extends BodyView {
  readonly kind: 'node'
  readonly hash: RawHash
  readonly children: readonly Draft[] | undefined
}

/** What stands behind one reference of a draft; `undefined`: a stored record. */
export type Draft = DraftNode | DraftBlob | undefined
