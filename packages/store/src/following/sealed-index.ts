import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { IndexFile, type IndexPlace, type Segment } from '@varve/pack/pack'
import { segmentIndexOf } from '../maintenance/index.ts'
import { openWholeIndex } from '../opening/index.ts'

export type IndexFolder = Pick<IndexPlace, 'folder' | 'storeId' | 'cache' | 'retirer'>

/** Tells a file from what it was before. */
export interface IndexStamp {
  readonly size: number
  readonly modifiedMs: number
}

export interface FoundIndex {
  readonly index: IndexFile | undefined
  /** What the file was that could not be used. */
  readonly tried: IndexStamp | undefined
}

/**
 * The index of a sealed chunk, proved; `undefined`: there is none that can be used. That is nothing odd: a
 * chunk is sealed before its index is built, and one that is being written is not whole yet. So the file is
 * looked at again when it is not what it was when it was `tried` last.
 * @throws what the file system throws
 */
export async function findChunkIndex(
  fs: FileSystem,
  place: IndexFolder,
  number: number,
  tried?: IndexStamp,
): Promise<FoundIndex> {
  const name = fileName.chunkIndex(number)
  const stat = await fs.stat(`${place.folder}/${name}`)
  if (stat === undefined) return { index: undefined, tried: undefined }
  const { size, modifiedMs } = stat
  if (size === tried?.size && modifiedMs === tried.modifiedMs) return { index: undefined, tried }
  const { index } = await findWhole(fs, { ...place, number, name })
  return { index, tried: index === undefined ? { size, modifiedMs } : undefined }
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

/** `damage`: there is an index that cannot be used. Both `undefined`: there is none. */
async function findWhole(
  fs: FileSystem,
  place: IndexPlace,
): Promise<{ readonly index: IndexFile | undefined; readonly damage: string | undefined }> {
  try {
    return { index: await openWholeIndex(fs, place), damage: undefined }
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    return { index: undefined, damage: error.message }
  }
}
