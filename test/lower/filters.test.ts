/** The filters kept above a volume that is archived into again and again. */
import { classifyFile } from '@varve/pack/layout'
import { readControl } from '@varve/pack/pack'
import { InterceptedFileSystem } from '@varve/pack/testing'
import type { Hash } from '@varve/store'
import { checkFolder } from '@varve/store/internal'
import { expect, test } from 'vitest'
import { expectLowerAlone } from '../support/lower-alone.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { lowerFolder } from '../support/two-layers.ts'

const archives = 40
const filesMax = 16

test('stay few, and know every hash after that', async () => {
  const disk = await emptyDisk()
  let store = await openMemory(disk, { lower: lowerFolder })
  const made: Hash<'commit'>[] = []
  for (let i = 0; i < archives; i++) {
    const commit = await store.branch('main').commit((edit) => void edit.set(`f${i % 3}`, `content ${i}`))
    made.push(commit.hash)
    await store.gc.run(commit, { grace: 0 })
    const files = (await disk.list(memoryFolder)).filter((name) => classifyFile(name).kind === 'filter')
    const { state } = await readControl(disk, memoryFolder)
    const named = state.volumes.flatMap(({ filters }) => filters.map((number) => `filter-${number}.bloom`))
    expect(files.sort()).toEqual(named.sort())
    expect(files.length).toBeLessThanOrEqual(filesMax)
  }
  await store.close()
  await expectLowerAlone(disk, memoryFolder)
  await disk.rename(lowerFolder, '/disk/away')
  store = await openMemory(disk)
  for (const hash of made.slice(0, -1)) {
    expect((await store.locate(hash)).state, hash).toBe('unavailable')
    await expect(store.getCommit(hash)).rejects.toMatchObject({ code: 'LOWER_UNAVAILABLE' })
  }
  expect(await store.locate('ab'.repeat(32) as Hash)).toEqual({ state: 'unknown' })
  await disk.rename('/disk/away', lowerFolder)
  for (const hash of made) expect((await store.getCommit(hash))?.hash).toBe(hash)
  await store.close()
})

test('that goes between two looks of a check is missing, not an error of the disk', async () => {
  const disk = await emptyDisk()
  const store = await openMemory(disk, { lower: lowerFolder })
  const commit = await store.branch('main').commit((edit) => void edit.set('file', 'content'))
  await store.gc.run(commit, { grace: 0 })
  await store.close()
  const [name = ''] = (await disk.list(memoryFolder)).filter((name) => classifyFile(name).kind === 'filter')
  let looks = 0
  const vanishing = new InterceptedFileSystem(disk, {
    before: (operation) => {
      if (operation.kind !== 'open' || !operation.path.endsWith(name)) return undefined
      if (++looks !== 2) return undefined
      void disk.remove(operation.path)
      return { kind: 'fail', error: Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'open' }) }
    },
  })
  const { findings } = await checkFolder(memoryFolder, {}, { fileSystem: vanishing, where: 'inline' })
  expect(looks).toBeGreaterThanOrEqual(2)
  expect(findings).toMatchObject([{ severity: 'error', file: name, repairable: true }])
})
