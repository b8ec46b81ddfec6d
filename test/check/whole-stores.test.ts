import { checkFolder } from '@varve/store/internal'
import { expect, test } from 'vitest'
import { memoryFolder, openMemory } from '../support/memory-store.ts'
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
