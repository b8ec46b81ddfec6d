/** The tests of volumes rely on `expectVolumeAlone`: it must see what is wrong with one. */
import { fileName } from '@varve/pack/layout'
import { decodeManifest, encodeManifest, type VolumeManifest } from '@varve/pack/pack'
import type { MemoryFileSystem } from '@varve/pack/testing'
import { expect, test } from 'vitest'
import { emptyDisk, openMemory } from '../support/memory-store.ts'
import { expectVolumeAlone } from '../support/volume-alone.ts'

const folder = '/disk/lower/volume-2'

interface Wrong {
  readonly what: string
  readonly says: RegExp
  readonly make: (disk: MemoryFileSystem) => Promise<void>
}

const wrongs: readonly Wrong[] = [
  {
    what: 'a segment that its chunks refer to is not in the manifest',
    says: /references that do not stay/,
    make: (disk) =>
      changed(disk, async (manifest) => {
        for (const name of await disk.list(folder))
          if (name.startsWith('gen-')) await disk.remove(`${folder}/${name}`)
        return { ...manifest, segments: [] }
      }),
  },
  {
    what: 'an index is not there',
    says: /to deeply equal/,
    make: async (disk) => disk.remove(await path(disk, /^suffix-.*\.idx$/)),
  },
  {
    what: 'a file is there that nobody names',
    says: /to deeply equal/,
    make: async (disk) => {
      await (await disk.open(`${folder}/gen-99.pack`, 'create')).close()
    },
  },
  {
    what: 'an earlier manifest is gone',
    says: /to deeply equal/,
    make: (disk) => disk.remove(`${folder}/manifest-1`),
  },
  {
    what: 'a chunk is shorter than its manifest says',
    says: /./,
    make: async (disk) => {
      const handle = await disk.open(await path(disk, /^suffix-.*\.pack$/), 'write')
      await handle.truncate((await handle.size()) - 64)
      await handle.close()
    },
  },
]

test.each(wrongs)('$what', async ({ make, says }) => {
  const disk = await emptyDisk()
  const store = await openMemory(disk, { lower: '/disk/lower' })
  const main = store.branch('main')
  await main.commit((edit) => void edit.set('a/b', 'one'))
  await store.gc.run(undefined, { grace: 0 })
  await store.advanced.addVolume()
  await main.commit((edit) => void edit.set('c', 'two'))
  await main.commit((edit) => void edit.set('c', 'three'))
  await store.gc.run(undefined, { grace: 0 })
  await store.close()
  const { manifest } = await expectVolumeAlone(disk, folder)
  expect(manifest).toMatchObject({ sequence: 2, chunks: [{}], segments: [{}] })
  await make(disk)
  await expect(expectVolumeAlone(disk, folder)).rejects.toThrow(says)
})

async function path(disk: MemoryFileSystem, pattern: RegExp): Promise<string> {
  const name = (await disk.list(folder)).find((one) => pattern.test(one))
  return `${folder}/${name}`
}

async function changed(
  disk: MemoryFileSystem,
  change: (manifest: VolumeManifest) => Promise<VolumeManifest>,
): Promise<void> {
  const file = `${folder}/${fileName.manifest(2)}`
  const manifest = decodeManifest(await disk.readFile(file), 'manifest-2')
  const bytes = encodeManifest(await change(manifest))
  await disk.remove(file)
  const handle = await disk.open(file, 'create')
  await handle.write(bytes, 0, bytes.length, 0)
  await handle.close()
}
