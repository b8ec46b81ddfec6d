/** What a hostile or hasty caller does with volumes. */
import type { MemoryFileSystem } from '@varve/pack/testing'
import type { Commit, Store } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { describe, expect, test } from 'vitest'
import { bundled, taken } from '../support/bundled.ts'
import { expectLowerAlone } from '../support/lower-alone.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { expectCode } from '../support/scenario.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { lowerFolder } from '../support/two-layers.ts'

async function archived(store: Store): Promise<void> {
  const main = store.branch('main')
  const target = await main.commit((edit) => void edit.delete('big').set('a', 'two'))
  await store.gc.run(target, { grace: 0 })
}

test('large content of a bundle goes on from archived content: the next volume has all of it', async () => {
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

test('stores that begin volumes in one folder at the same moment have each its own', async () => {
  const disk = await emptyDisk()
  const names = ['a', 'b', 'c']
  const stores: Store[] = []
  for (const name of names) {
    const platform = { fileSystem: disk, memoryKey: {}, collectorWhere: 'inline' } as const
    stores.push(await openStore(`/disk/${name}`, { lower: lowerFolder }, platform))
  }
  for (const store of stores) await archived(store)
  await Promise.all(stores.map((store) => store.advanced.addVolume()))
  for (const store of stores) await archived(store)
  expect(await disk.list(lowerFolder)).toHaveLength(6)
  for (const store of stores) await store.close()
  for (const name of names) await expectLowerAlone(disk, `/disk/${name}`)
})

test('two copies of one store whose volume was still empty: the second one goes on in its own', async () => {
  const disk = await emptyDisk()
  const made = await openMemory(disk, { lower: lowerFolder })
  const first = await made.branch('main').commit((edit) => void edit.set('a', 'one'))
  await made.close()
  await copyFolder(disk, memoryFolder, '/disk/copy')
  const ours = await openMemory(disk)
  await archived(ours)
  const theirs = await openCopy(disk)
  await theirs.branch('main').commit((edit) => void edit.set('b', 'theirs'))
  await expectCode(archived(theirs), 'GC_FAILED')
  await theirs.advanced.addVolume()
  await archived(theirs)
  for (const store of [ours, theirs]) {
    expect((await store.locate(first.hash)).state).toBe('archived')
    await store.close()
  }
  await expectLowerAlone(disk, memoryFolder)
  await expectLowerAlone(disk, '/disk/copy', { mayHoldMore: true })
})

test('two copies of one store over one lower layer: neither overwrites what the other has', async () => {
  const disk = await emptyDisk()
  const made = await openMemory(disk, { lower: lowerFolder })
  await archived(made)
  await made.close()
  await copyFolder(disk, memoryFolder, '/disk/copy')
  const ours = await openMemory(disk)
  // Another content of the same length, so that the files are as long as those of the other one.
  const old = await ours.branch('main').commit((edit) => void edit.set('a', 'ours '))
  await archived(ours)
  const theirs = await openCopy(disk)
  await theirs.branch('main').commit((edit) => void edit.set('a', 'their'))
  await expectCode(archived(theirs), 'GC_FAILED')
  await theirs.close()
  await ours.close()
  const again = await openMemory(disk)
  expect(Buffer.from((await (await again.getCommit(old.hash))?.tree().get('a')) ?? []).toString()).toBe(
    'ours ',
  )
  await again.close()
  await expectLowerAlone(disk, memoryFolder)
})

function openCopy(disk: MemoryFileSystem): Promise<Store> {
  const platform = { fileSystem: disk, memoryKey: {}, collectorWhere: 'inline' } as const
  return openStore('/disk/copy', { now: () => 1_700_000_000_000 }, platform)
}

async function copyFolder(disk: MemoryFileSystem, from: string, to: string): Promise<void> {
  await disk.mkdir(to)
  for (const name of await disk.list(from)) {
    if ((await disk.stat(`${from}/${name}`))?.kind !== 'file') continue
    const bytes = await disk.readFile(`${from}/${name}`)
    const handle = await disk.open(`${to}/${name}`, 'create')
    handle.writeSync(bytes, 0, bytes.length, 0)
    await handle.sync()
    await handle.close()
  }
}
