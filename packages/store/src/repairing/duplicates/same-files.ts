/**
 * Which whole files of a copy are those of this store. A copy may be older, or it may have been written to
 * since, so that other bytes lie under the same names: the store's id says nothing of that.
 */
import { isDeepStrictEqual } from 'node:util'
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { type ControlChunk, type ControlState, type ExpectedChunk, openChunkFile } from '@varve/pack/pack'
import { sameVolumeFiles } from './same-volumes.ts'
import type { StoreState } from './store-state.ts'

/**
 * The segments, maps, and checkpoints of `own`, in both layers, that the copy has with the same content, and
 * the sealed chunks that are gone here.
 * @returns by their names, where the copy has them
 * @throws what the file system throws
 */
export async function sameFiles(
  fs: FileSystem,
  own: StoreState,
  copy: StoreState,
): Promise<ReadonlyMap<string, string>> {
  if (own.control.storeId !== copy.control.storeId) return new Map()
  const names = await sameUpperFiles(fs, own, copy)
  const upper = [...names].map((name) => [name, `${copy.folder}/${name}`] as const)
  return new Map([...upper, ...(await sameVolumeFiles(fs, own, copy))])
}

async function sameUpperFiles(fs: FileSystem, own: StoreState, copy: StoreState): Promise<Set<string>> {
  const names = new Set<string>()
  for (const chunk of own.control.chunks) {
    if (await isLostChunk(fs, own, copy, chunk)) names.add(fileName.chunk(chunk.number))
  }
  // Two ways that a store has gone from one state have not moved R in the same millisecond, to the same
  // place.
  const isSameGeneration = isDeepStrictEqual(generationOf(own.control), generationOf(copy.control))
  if (!isSameGeneration) return names
  const { checkpoint, segments } = own.control
  for (const { number } of segments) names.add(fileName.segment(number)).add(fileName.segmentMap(number))
  if (checkpoint !== null) names.add(fileName.checkpoint(checkpoint.number))
  return names
}

function generationOf({ epoch, retire, retireTime, segments, checkpoint, target }: ControlState): object {
  return { epoch, retire, retireTime, segments, checkpoint, target }
}

/**
 * Whether the copy has a sealed chunk of which there is nothing here any more. What is left of a damaged one
 * is kept, and mended.
 */
async function isLostChunk(
  fs: FileSystem,
  own: StoreState,
  copy: StoreState,
  chunk: ControlChunk,
): Promise<boolean> {
  const { number, base, length } = chunk
  const there = copy.control.chunks.find((other) => other.number === number && other.base === base)
  if (length === null || there === undefined) return false
  if (there.length !== null && there.length !== length) return false
  if ((await fs.stat(`${own.folder}/${fileName.chunk(number)}`)) !== undefined) return false
  const storeId = Buffer.from(own.control.storeId, 'hex')
  if ((await nonceIn(fs, copy.folder, { number, base, length, storeId })) === undefined) return false
  return !(await haveParted(fs, own, copy, chunk))
}

/**
 * Whether the two have begun different chunks after this one, and so may have written different ones before:
 * unless its index, which outlives it, is the same in both.
 */
async function haveParted(
  fs: FileSystem,
  own: StoreState,
  copy: StoreState,
  { number, base }: ControlChunk,
): Promise<boolean> {
  const nextIn = async ({ folder, control }: StoreState): Promise<Buffer | undefined> => {
    const next = control.chunks.find((other) => other.base > base)
    return next && nonceIn(fs, folder, { ...next, storeId: Buffer.from(control.storeId, 'hex') })
  }
  const mine = await nextIn(own)
  const theirs = await nextIn(copy)
  if (mine === undefined || theirs === undefined || mine.equals(theirs)) return false
  const index = fileName.chunkIndex(number)
  const [here, there] = [
    await readIfThere(fs, `${own.folder}/${index}`),
    await readIfThere(fs, `${copy.folder}/${index}`),
  ]
  return here === undefined || there?.equals(here) !== true
}

/** `undefined`: there is no such chunk, or it is damaged. */
async function nonceIn(fs: FileSystem, folder: string, chunk: ExpectedChunk): Promise<Buffer | undefined> {
  try {
    const { handle, header } = await openChunkFile(fs, folder, chunk, 'read')
    await handle.close()
    return header.nonce
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT')) return undefined
    throw error
  }
}

async function readIfThere(fs: FileSystem, path: string): Promise<Buffer | undefined> {
  return (await fs.stat(path)) === undefined ? undefined : fs.readFile(path)
}
