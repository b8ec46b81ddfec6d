import { expect } from 'vitest'
import { type FileSystem, FolderOpener, LazyDirectory } from '../../../fs/index.ts'
import type { PackFile } from '../../blocks/index.ts'
import { Location } from '../../read/index.ts'
import type { TestRecord } from '../../testing/packed-records.ts'
import type { HandlePool } from '../handle-pool.ts'
import { Volume } from '../volume.ts'
import { lowerFolder, TestLayers, type TestVolume } from './test-layers.ts'

export const smallVolumeFolder: string = `${lowerFolder}/volume-1`
export const smallVolumeChunks = [
  { number: 1, base: 0, bodyLengths: [100, 3000, 20, 70_000] },
  { number: 2, base: 81_920, bodyLengths: [50, 60, 70, 80, 90] },
] as const

export interface SmallVolume {
  readonly layers: TestLayers
  /** With the first chunk. */
  readonly first: TestVolume
  /** With the second chunk, and a segment, too. */
  readonly second: TestVolume
}

/** A volume with two manifests, three pack files, and nothing above it. */
export async function smallVolume(o: Parameters<typeof TestLayers.create>[0] = {}): Promise<SmallVolume> {
  const layers = await TestLayers.create(o)
  const first = await layers.write(1, { chunks: smallVolumeChunks.slice(0, 1) })
  const runs = [layers.run(1, 0, 1), layers.run(1, 2, 3)]
  const segments = [{ number: 3, runs }]
  const second = await layers.write(1, { chunks: smallVolumeChunks.slice(1), segments }, first)
  return { layers, first, second }
}

export function lowerDirectory(fs: FileSystem): LazyDirectory {
  return new LazyDirectory(new FolderOpener(fs, lowerFolder))
}

export function openVolume(layers: TestLayers, pool: HandlePool, { named }: TestVolume): Volume {
  const { storeId, cache, retirer } = layers
  return new Volume({ directory: lowerDirectory(layers.faults), pool, storeId, cache, retirer }, named)
}

/** What the volume's files say to be the body of the record. */
export function bodyIn(volume: Volume, { offset, body }: TestRecord): Buffer {
  const at = new Location()
  expect(volume.locate(offset + 48, at)).toBe(true)
  const bytes = Buffer.alloc(body.length)
  const { handle } = at.file as PackFile
  expect(handle.readSync(bytes, 0, bytes.length, at.position)).toBe(bytes.length)
  return bytes
}
