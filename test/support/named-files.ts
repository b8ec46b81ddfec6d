import { systemClock } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'
import { classifyFile, fileName } from '@varve/pack/layout'
import { readControl } from '@varve/pack/pack'
import { expect } from 'vitest'

/** Indexes are written, and files unlinked, in the background. */
const looksMax = 100_000

/** Asserts that the files of a store's folder are those that its control names, as soon as it is at rest. */
export async function expectNamedFiles(fs: FileSystem, folder: string): Promise<void> {
  const { state } = await readControl(fs, folder)
  const needed = [
    fileName.control,
    ...state.chunks.map(({ number }) => fileName.chunk(number)),
    ...state.segments.flatMap(({ number }) => [
      fileName.segment(number),
      fileName.segmentMap(number),
      fileName.segmentIndex(number),
    ]),
    ...(state.checkpoint === null ? [] : [fileName.checkpoint(state.checkpoint.number)]),
    ...state.volumes.flatMap(({ filters }) => filters.map((number) => fileName.filter(number))),
  ]
  const allowed = new Set([...needed, ...state.chunks.map(({ number }) => fileName.chunkIndex(number))])
  const wrong = async (): Promise<{ readonly missing: string[]; readonly odd: string[] }> => {
    const names = (await fs.list(folder)).filter((name) => !ignored.has(classifyFile(name).kind))
    return {
      missing: needed.filter((name) => !names.includes(name)),
      odd: names.filter((name) => !allowed.has(name)),
    }
  }
  for (let look = 0; look < looksMax; look++) {
    const { missing, odd } = await wrong()
    if (missing.length + odd.length === 0) return
    await systemClock.turn()
  }
  expect(await wrong()).toEqual({ missing: [], odd: [] })
}

const ignored: ReadonlySet<string> = new Set(['lock', 'lock-owner', 'projections', 'staging'])
