import { assert } from '../../base/index.ts'
import { decodeMeta, type MetaReference } from '../../objects/index.ts'

/** One key's newest metadata record. */
export interface MetaEntry {
  /** See docs/format.md: refs, labels, leases, namespaces, snapshots. */
  readonly table: number
  /** The key's bytes as U+0000–U+00FF each ('latin1'), so that order is byte order. */
  readonly key: string
  readonly isDeleted: boolean
  /** The record's body, a copy of its own. */
  readonly body: Buffer
  readonly referenceCount: number
  /** Of the record in the log: what a commit in between compares with. */
  readonly offset: number
}

/** By table, then by the key's bytes. */
export function compareEntries(a: MetaEntry, b: MetaEntry): number {
  if (a.table !== b.table) return a.table - b.table
  if (a.key === b.key) return 0
  return a.key < b.key ? -1 : 1
}

/**
 * The entry that a metadata record's body makes. Keeps the buffer: the caller hands over a copy.
 * @throws MalformedBody
 */
export function entryOf(body: Buffer, referenceCount: number, offset: number): MetaEntry {
  assert(offset > 0, 'a record has an offset')
  const { table, key, isDeleted } = decodeMeta(body, 0, body.length, referenceCount)
  return { table, key: key.toString('latin1'), isDeleted, body, referenceCount, offset }
}

/**
 * What an entry refers to, in order.
 * @throws MalformedBody
 */
export function referencesOf(entry: MetaEntry): readonly MetaReference[] {
  return decodeMeta(entry.body, 0, entry.body.length, entry.referenceCount).references
}
