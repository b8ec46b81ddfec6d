/** What a hostile or hasty caller does with volumes. */
import type { Commit, Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { bundled, taken } from '../support/bundled.ts'
import { expectLowerAlone } from '../support/lower-alone.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { lowerFolder } from '../support/two-layers.ts'

async function archived(store: Store): Promise<void> {
  const main = store.branch('main')
  const target = await main.commit((edit) => void edit.delete('big').set('a', 'two'))
  await store.gc.run(target, { grace: 0 })
}

test('a bundle whose large content goes on from archived content: the next volume has all of it', async () => {
  const content = seededBytes(3, 1_500_000)
  const changed = Buffer.from(content)
  changed.fill(1, 700_000, 700_100)
  const donor = await openMemory(await emptyDisk())
  const first = await donor.branch('main').commit((edit) => void edit.set('big', content))
  const base = await bundled(donor)
  await donor.branch('main').commit((edit) => void edit.set('big', changed))
  const thin = await bundled(donor, { not: [first.hash] })
  await donor.close()
  const disk = await emptyDisk()
  const store = await openMemory(disk, { lower: lowerFolder })
  await taken(store, base.bytes)
  await archived(store)
  await store.advanced.addVolume()
  await store.branch('main').delete()
  await taken(store, thin.bytes)
  await archived(store)
  await store.close()
  await expectLowerAlone(disk, memoryFolder)
})

describe('volumes begun at the same time', () => {
  test('are one: the next would be empty', async () => {
    const disk = await emptyDisk()
    const store = await openMemory(disk, { lower: lowerFolder })
    await archived(store)
    const { advanced } = store
    const all = await Promise.allSettled([1, 2, 3].map(() => advanced.addVolume()))
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    for (const each of all.slice(1)) {
      expect(each).toMatchObject({ reason: { code: 'OPTION_MISMATCH' } })
    }
    expect(store.stats().volumes).toHaveLength(2)
    await store.close()
    await expectLowerAlone(disk, memoryFolder)
  })

  test('and a collection after them: none is begun while it runs', async () => {
    const disk = await emptyDisk()
    const store = await openMemory(disk, { lower: lowerFolder })
    await archived(store)
    const target = (await store.branch('main').commit((edit) => void edit.set('a', 'three'))) as Commit
    const begun = [1, 2].map(() => store.advanced.addVolume())
    const collected = store.gc.run(target, { grace: 0 })
    const all = await Promise.allSettled([...begun, collected])
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await store.close()
    await expectLowerAlone(disk, memoryFolder)
  })

  test('and a store that closes: nothing begins after that', async () => {
    const disk = await emptyDisk()
    const store = await openMemory(disk, { lower: lowerFolder })
    await archived(store)
    const begun = [1, 2].map(() => store.advanced.addVolume())
    const [one, two] = await Promise.allSettled([...begun, store.close()])
    expect(one?.status).toBe('fulfilled')
    expect(two?.status).toBe('rejected')
    expect(await disk.list(lowerFolder)).toEqual(['volume-1', 'volume-2'])
    await expectLowerAlone(disk, memoryFolder)
  })
})
