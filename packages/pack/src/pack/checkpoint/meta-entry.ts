import { assert } from '../../base/index.ts'

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

const headerBytes = 8
const deletedFlag = 1
/** Kind and hash in front, offset at the end. */
const referenceBytes = 33 + 8

/**
 * The entry that a metadata record's body makes; `undefined` when its parts do not add up.
 * Keeps the buffer: the caller hands over a copy.
 */
export function entryOf(body: Buffer, referenceCount: number, offset: number): MetaEntry | undefined {
  assert(offset > 0, 'a record has an offset')
  if (body.length < headerBytes) return undefined
  const keyEnd = headerBytes + body.readUInt16LE(2)
  const valueEnd = keyEnd + body.readUInt32LE(4)
  if (valueEnd + referenceCount * referenceBytes !== body.length) return undefined
  return {
    table: body[0] as number,
    key: body.toString('latin1', headerBytes, keyEnd),
    isDeleted: ((body[1] as number) & deletedFlag) !== 0,
    body,
    referenceCount,
    offset,
  }
}
