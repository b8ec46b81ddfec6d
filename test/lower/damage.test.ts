/**
 * Damage in a store with a lower layer: a record that is whole in some layer, under its own offset or another
 * one, stands in for one that is not.
 */
import { readControl } from '@varve/pack/pack'
import type { Commit, Hash, Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { expectLowerAlone } from '../support/lower-alone.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { hashOf } from '../support/scenario.ts'

const lower = '/disk/lower'
type Disk = Awaited<ReturnType<typeof emptyDisk>>

describe('what is damaged above and whole in a volume', () => {
  test.each(['commit', 'tree', 'blob'] as const)(
    'a %s is read, and the next collection writes it anew',
    async (what) => {
      const { disk, head } = await collected()
      const hash = { commit: head.hash, tree: head.treeHash, blob: hashOf('two') }[what]
      await damage(disk, hash, /^gen-/)
      const store = await openMemory(disk)
      await expectWhole(store, head)
      await collect(store)
      await store.close()
      await disk.rename(lower, '/disk/away')
      const alone = await openMemory(disk)
      await expectWhole(alone, head)
      await alone.close()
      await disk.rename('/disk/away', lower)
      await expectLowerAlone(disk, memoryFolder)
    },
  )

  test('content put again above whose only whole copy lies in the volume under another offset', async () => {
    const { disk, head } = await collected()
    let store = await openMemory(disk)
    // Not above any more: it is written again, and nothing but that copy is above.
    await store.branch('main').commit((edit) => void edit.set('b', 'one'))
    await store.close()
    await damage(disk, hashOf('one'), /^suffix-/)
    store = await openMemory(disk)
    expect(Buffer.from((await store.branch('main').get('b')) ?? []).toString()).toBe('one')
    // Once where it stays above the boundary, and once where it is copied.
    await store.gc.run(head, { grace: 0 })
    expect(Buffer.from((await store.branch('main').get('b')) ?? []).toString()).toBe('one')
    await collect(store)
    expect(Buffer.from((await store.branch('main').get('b')) ?? []).toString()).toBe('one')
    await store.close()
    await expectLowerAlone(disk, memoryFolder)
  })
})

test('what is damaged in one volume and whole in another', async () => {
  const { disk, head } = await collected()
  let store = await openMemory(disk)
  await store.advanced.addVolume()
  await store.branch('main').commit((edit) => void edit.set('a', 'three'))
  await collect(store)
  // Nobody refers to it: what both volumes hold of it is all that there is.
  await store.branch('main').set(await store.branch('other').commit((edit) => void edit.set('z', 'z')))
  await collect(store)
  expect(await store.locate(head.hash)).toMatchObject({ state: 'archived', file: /^volume-2\// })
  await store.close()
  await damage(disk, head.hash, /^volume-2\//)
  await damage(disk, head.treeHash, /^volume-2\//)
  store = await openMemory(disk)
  await expectWhole(store, head)
  expect((await store.resolve(head.hash.slice(0, 20)))?.hash).toBe(head.hash)
  // Needed above again: it comes from the volume that has it whole.
  await store.branch('main').set(head)
  await collect(store)
  await expectWhole(store, head)
  expect(await store.locate(head.hash)).toMatchObject({ state: 'present' })
  await store.close()
})

/** A store that was collected once: `head`, which main is at, is above, and in volume 1. */
async function collected(): Promise<{ disk: Disk; head: Commit }> {
  const disk = await emptyDisk()
  const store = await openMemory(disk, { lower })
  const main = store.branch('main')
  await main.commit((edit) => void edit.set('a', 'one'))
  const head = await main.commit((edit) => void edit.set('a', 'two'))
  await store.gc.run(head, { grace: 0 })
  expect(await store.locate(hashOf('one'))).toMatchObject({ state: 'archived' })
  await store.close()
  return { disk, head }
}

async function collect(store: Store): Promise<void> {
  await store.gc.run(undefined, { grace: 0 })
}

async function expectWhole(store: Store, head: Commit): Promise<void> {
  const found = await store.getCommit(head.hash)
  expect(found?.hash).toBe(head.hash)
  expect(Buffer.from((await found?.tree().get('a')) ?? []).toString()).toBe('two')
}

/** Of a closed store: flips a byte of the record that is read first. */
async function damage(disk: Disk, hash: Hash, expected: RegExp): Promise<void> {
  const store = await openMemory(disk)
  const { file = '', offset = 0 } = await store.locate(hash)
  await store.close()
  expect(file).toMatch(expected)
  const root = (await readControl(disk, memoryFolder)).state.lower
  const path = file.startsWith('volume-') ? `${root}/${file}` : `${memoryFolder}/${file}`
  const handle = await disk.open(path, 'write')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, offset + 50)
  await handle.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, offset + 50)
  await handle.close()
}
