/**
 * Which files of a copy are those of this store. A copy may be older, so that its chunks end earlier, or it
 * may have been written to since, so that other bytes lie under the same names: the store's id says nothing
 * of that.
 */
import { isDeepStrictEqual } from 'node:util'
import { VarveError } from '@varve/pack/errors'
import { type FileHandle, type FileSystem, readFully } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import {
  batchHeaderSize,
  type ControlChunk,
  type ControlState,
  type OpenedChunkFile,
  openChunkFile,
  type ScannedBatch,
  scanChunk,
} from '@varve/pack/pack'
import { sameVolumeFiles } from './same-volumes.ts'
import type { StoreState } from './store-state.ts'

/**
 * The chunks, segments, maps, and checkpoints of `own`, in both layers, that the copy has with the same
 * content, as far as what is left of them here can tell.
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
    if (await isSameChunk(fs, own, copy, chunk)) names.add(fileName.chunk(chunk.number))
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

/** Whether every batch that is whole here is the same there. */
async function isSameChunk(
  fs: FileSystem,
  own: StoreState,
  copy: StoreState,
  chunk: ControlChunk,
): Promise<boolean> {
  const { number, base, length } = chunk
  const there = copy.control.chunks.find((other) => other.number === number && other.base === base)
  if (length === null || there === undefined) return false
  if (there.length !== null && there.length !== length) return false
  const storeId = Buffer.from(own.control.storeId, 'hex')
  const expected = { number, base, length, storeId }
  const { handle, header } = (await openedWhole(fs, copy.folder, expected)) ?? {}
  if (handle === undefined || header === undefined) return false
  try {
    const path = `${own.folder}/${fileName.chunk(number)}`
    if ((await fs.stat(path)) === undefined) return true
    const mine = await fs.open(path, 'read')
    try {
      let sameBatches = 0
      // Nothing is proved here by the header of another file: its nonce is part of every sum.
      for await (const step of scanChunk({ handle: mine, header, end: base + length })) {
        if (step.kind !== 'batch' || step.batch.header.sequence === 0) continue
        if (!(await isSameIn(handle, step.batch, base))) return false
        sameBatches++
      }
      return sameBatches > 0
    } finally {
      await mine.close()
    }
  } finally {
    await handle.close()
  }
}

async function openedWhole(
  fs: FileSystem,
  folder: string,
  expected: Parameters<typeof openChunkFile>[2],
): Promise<OpenedChunkFile | undefined> {
  try {
    return await openChunkFile(fs, folder, expected, 'read')
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT')) return undefined
    throw error
  }
}

/** Of a batch that is damaged here, its header. */
async function isSameIn(handle: FileHandle, batch: ScannedBatch, base: number): Promise<boolean> {
  const length = batch.isWhole ? batch.header.length : batchHeaderSize
  const there = Buffer.allocUnsafe(length)
  if ((await readFully(handle, there, 0, length, batch.start - base)) < length) return false
  return there.equals(batch.bytes.subarray(batch.at, batch.at + length))
}
