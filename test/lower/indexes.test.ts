/** Archives of chunks whose index cannot be written, or is damaged, in the upper layer. */
import { InterceptedFileSystem, type Operation, systemError } from '@varve/pack/testing'
import type { Commit } from '@varve/store'
import { expect, test } from 'vitest'
import { expectLowerAlone } from '../support/lower-alone.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { lowerFolder } from '../support/two-layers.ts'

test('what is archived has its index, also where none can be written above', async () => {
  const disk = await emptyDisk()
  const isIndexAbove = (path: string): boolean =>
    path.startsWith(memoryFolder) && /suffix-\d+\.idx$/.test(path)
  const before = ({ kind, path }: Operation): { kind: 'fail'; error: Error } | undefined =>
    kind === 'create' && isIndexAbove(path)
      ? { kind: 'fail', error: systemError('EACCES', kind, path) }
      : undefined
  const through = new InterceptedFileSystem(disk, { before })
  const store = await openMemory(disk, { lower: lowerFolder, through })
  const made: Commit[] = []
  for (let i = 0; i < 4; i++) {
    made.push(await store.branch('main').commit((edit) => void edit.set(`f${i}`, `content ${i}`)))
    if (i < 2) await store.advanced.split()
  }
  expect((await disk.list(memoryFolder)).filter((name) => name.endsWith('.idx'))).toEqual([])
  await store.gc.run(made.at(-1), { grace: 0 })
  for (const { hash } of made) expect((await store.getCommit(hash))?.hash).toBe(hash)
  expect((await store.locate((made[0] as Commit).hash)).state).toBe('archived')
  await store.close()
  const archived = await disk.list(`${lowerFolder}/volume-1`)
  const chunks = archived.filter((name) => /^suffix-\d+\.pack$/.test(name))
  expect(chunks).toHaveLength(3)
  expect(archived).toEqual(expect.arrayContaining(chunks.map((name) => name.replace('.pack', '.idx'))))
  await expectLowerAlone(disk, memoryFolder)
})
