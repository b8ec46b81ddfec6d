import type { MemoryFileSystem } from '../../../testing/index.ts'
import { smallVolume } from './small-volume.ts'
import { lowerFolder, TestLayers } from './test-layers.ts'

/** Each takes the volume away; the result brings it back. */
export const departures: readonly [
  what: string,
  leave: (disk: MemoryFileSystem) => Promise<() => Promise<void>>,
][] = [
  ['its folder is renamed', (disk) => moved(disk, `${lowerFolder}/volume-1`, `${lowerFolder}/x`)],
  ['the lower folder is renamed', (disk) => moved(disk, lowerFolder, '/x')],
  [
    'the lower folder is empty',
    async (disk) => {
      const back = await moved(disk, lowerFolder, '/x')
      await disk.mkdir(lowerFolder)
      return async () => {
        await disk.removeFolder(lowerFolder)
        await back()
      }
    },
  ],
  [
    'a file lies in the place of the lower folder',
    async (disk) => {
      const back = await moved(disk, lowerFolder, '/x')
      await (await disk.open(lowerFolder, 'create')).close()
      return async () => {
        await disk.remove(lowerFolder)
        await back()
      }
    },
  ],
  [
    "another store's volume lies in its place, with the same names and numbers",
    async (disk) => {
      const back = await moved(disk, lowerFolder, '/x')
      await smallVolume({ disk, storeId: Buffer.alloc(16, 9), seed: 99 })
      return async () => {
        await disk.removeFolder(lowerFolder)
        await back()
      }
    },
  ],
  [
    'a copy from before anything was archived lies in its place',
    async (disk) => {
      const back = await moved(disk, lowerFolder, '/x')
      const old = await TestLayers.create({ disk })
      await old.write(1, {})
      return async () => {
        await disk.removeFolder(lowerFolder)
        await back()
      }
    },
  ],
]

async function moved(disk: MemoryFileSystem, from: string, to: string): Promise<() => Promise<void>> {
  await disk.rename(from, to)
  return () => disk.rename(to, from)
}
