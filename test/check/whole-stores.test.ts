import { checkFolder } from '@varve/store/internal'
import { expect, test } from 'vitest'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { makeSpecimen } from '../support/specimen.ts'

test('a whole store has no findings, open or closed, structural or full', async () => {
  const { disk } = await makeSpecimen(7_201)
  const closed = await checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })
  expect(closed).toMatchObject({ ok: true, findings: [], omitted: 0 })
  expect(closed.hashed).toBe(closed.objects)
  const store = await openMemory(disk)
  const live = await store.check()
  expect(live).toMatchObject({ ok: true, findings: [], hashed: 0, objects: closed.objects })
  const some = await store.check({ sample: 0.5 })
  expect(some.ok).toBe(true)
  expect(some.hashed).toBeGreaterThan(0)
  expect(some.hashed).toBeLessThan(some.objects)
  expect((await store.check({ sample: 0.5 })).hashed, 'the same ones each time').toBe(some.hashed)
  await store.close()
  expect(disk.openHandles()).toEqual([])
})

test('indexes that a writer has not come to before it closed are none to miss; older ones are', async () => {
  const disk = await emptyDisk()
  const store = await openMemory(disk)
  for (let i = 0; i < 4; i++) {
    await store.branch('main').commit((edit) => void edit.set(`f${i}`, `content ${i}`))
    await store.advanced.split()
  }
  await store.close()
  const indexes = (await disk.list(memoryFolder)).filter((name) => name.endsWith('.idx'))
  expect(indexes).toHaveLength(4)
  const check = () => checkFolder(memoryFolder, {}, { fileSystem: disk, where: 'inline' })
  for (const missing of [1, 2]) {
    await disk.remove(`${memoryFolder}/${indexes.at(-missing)}`)
    expect((await check()).findings).toEqual([])
  }
  await disk.remove(`${memoryFolder}/${indexes[1]}`)
  expect((await check()).findings).toMatchObject([{ file: indexes[1], repairable: true }])
  await (await openMemory(disk)).close()
  expect(await check()).toMatchObject({ ok: true })
  expect((await disk.list(memoryFolder)).filter((name) => name.endsWith('.idx'))).toEqual(indexes)
})
