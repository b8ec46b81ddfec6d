/** The three files that may carry one file number. */
export type PackFileKind = 'pack' | 'map' | 'idx'

const places: { readonly [K in PackFileKind]: number } = { pack: 0, map: 1, idx: 2 }

const numberCount = 2 ** 32

/**
 * One number for a file of the store: what the block cache knows it by. File numbers are never reused, but
 * the same file may lie in the upper layer and in a volume.
 * @param volume the id of the volume, 0 for the upper layer
 */
export function fileKey(number: number, kind: PackFileKind, volume = 0): number {
  return (volume * numberCount + number) * 4 + places[kind]
}

/** Whether the key is that of an index file. */
export function isIndexKey(key: number): boolean {
  return key % 4 === places.idx
}
