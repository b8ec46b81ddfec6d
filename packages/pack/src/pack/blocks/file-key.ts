/** The three files that may carry one file number. */
export type PackFileKind = 'pack' | 'map' | 'idx'

const places: { readonly [K in PackFileKind]: number } = { pack: 0, map: 1, idx: 2 }

/** One number for a file of the store: what the block cache knows it by. File numbers are never reused. */
export function fileKey(number: number, kind: PackFileKind): number {
  return number * 4 + places[kind]
}

/** Whether the key is that of an index file. */
export function isIndexKey(key: number): boolean {
  return key % 4 === places.idx
}
