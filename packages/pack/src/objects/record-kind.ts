/** What a record holds. Persistent numbers: never change their meaning. 6 (delta) is reserved. */
export const recordKind = { blob: 1, node: 2, commit: 3, list: 4, bigBlob: 5, meta: 16, touch: 17 } as const

export type RecordKind = (typeof recordKind)[keyof typeof recordKind]

/** Under what an object is looked up by hash: a blob is found whether it is stored whole or in chunks. */
export const indexKind = { blob: 1, tree: 2, commit: 3, list: 4 } as const

export type IndexKind = 1 | 2 | 3 | 4

/**
 * The index kind of a record; `undefined` for metadata and touch records, which have no hash, and unknown
 * kinds.
 */
export function indexKindOf(kind: number): IndexKind | undefined {
  if (kind === recordKind.bigBlob) return indexKind.blob
  return kind >= 1 && kind <= 4 ? (kind as IndexKind) : undefined
}

/** Whether a record of this kind may stand for an object of this index kind. */
export function isRecordOf(kind: number, wanted: IndexKind): boolean {
  return indexKindOf(kind) === wanted
}
