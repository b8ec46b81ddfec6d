import type { BodyView, IndexKind, RawHash, RecordKind } from '@varve/pack/objects'
import type { BundleHeader } from './bundle-format.ts'
import type { ObjectFacts } from './object-table.ts'

/** An object of a bundle that has been proved. */
export interface ProvedObject {
  readonly kind: RecordKind
  readonly hash: RawHash
  /** Its canonical part, and the places of what it refers to as offsets behind it. */
  readonly body: Buffer
  readonly referenceCount: number
  /** Where the canonical part lies in the bundle. */
  readonly position: number
}

/** Where the objects of a bundle go. A place is whatever finds an object again. */
export interface BundleSink {
  /** @throws UNKNOWN_COMMIT when a prerequisite is missing */
  begin(header: BundleHeader): Promise<void>
  /** Called before each object: resolves when one more may be put. */
  ready(): Promise<void>
  put(object: ProvedObject): number
  /** An object that was there before the bundle; `undefined` without one, 'unknown' where nobody can tell. */
  find(kind: IndexKind, hash: RawHash): ObjectFacts | undefined | 'unknown'
  /** The body of an object that was put or found; valid until the next one is read. */
  read(kind: IndexKind, hash: RawHash, place: number): BodyView
}
