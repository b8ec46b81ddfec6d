import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { IndexFile, type IndexPlace, type Segment } from '@varve/pack/pack'
import { segmentIndexOf } from '../maintenance/index.ts'
import { openWholeIndex } from '../opening/index.ts'

export type IndexFolder = Pick<IndexPlace, 'folder' | 'storeId' | 'cache' | 'retirer'>

/** `damage`: there is an index that cannot be used. Both `undefined`: there is none. */
export interface FoundIndex {
  readonly index: IndexFile | undefined
  readonly damage: string | undefined
}

/** The index of a sealed chunk, proved. @throws what the file system throws */
export function findChunkIndex(fs: FileSystem, place: IndexFolder, number: number): Promise<FoundIndex> {
  return findWhole(fs, { ...place, number, name: fileName.chunkIndex(number) })
}

/**
 * The index of a segment, proved; in the place of one that is damaged or gone, one in memory.
 * @throws CORRUPT when the segment does not give one, and what the file system throws
 */
export async function openSegmentIndex(
  fs: FileSystem,
  place: IndexFolder,
  segment: Segment,
): Promise<{ readonly index: IndexFile; readonly damage: string | undefined }> {
  const { number } = segment
  const name = fileName.segmentIndex(number)
  const { index, damage } = await findWhole(fs, { ...place, number, name })
  if (index !== undefined) return { index, damage }
  const pack = { number, storeId: place.storeId, packLength: segment.file.end }
  const bytes = segmentIndexOf(segment).encode(pack)
  return {
    index: IndexFile.ofBytes(bytes, { ...place, number, name }),
    damage: damage ?? `${name} was missing`,
  }
}

async function findWhole(fs: FileSystem, place: IndexPlace): Promise<FoundIndex> {
  try {
    return { index: await openWholeIndex(fs, place), damage: undefined }
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    return { index: undefined, damage: error.message }
  }
}
