import type { FileSystem } from '@varve/pack/fs'
import { FaultFileSystem, type MemoryFileSystem, type OperationKind } from '@varve/pack/testing'
import type { Commit, Store, StoreEvent } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { type CrashPoint, CrashPoints } from '../support/crash-points.ts'
import { Ledger } from '../support/ledger.ts'
import { expectLowerAlone } from '../support/lower-alone.ts'
import { emptyDisk, expectTidy, memoryFolder, openMemory } from '../support/memory-store.ts'
import { seededBytes } from '../support/seeded-bytes.ts'

const seed = 20_240_502

const lower = '/disk/lower'
/** Small, so that chunks are sealed by themselves on the way. */
const chunkBytes = 96 * 1024
/** Large enough to be stored in chunks. */
const big = seededBytes(seed, 263_000)

/** Of so many images one is collected, too. */
const collectedEvery = 4

type Open = (o?: { readonly isLayered?: boolean }) => Promise<Store>

/**
 * The life of a store that gets a lower layer after its first collection: archives into two volumes, refs and
 * trees that reach into them, a collection that is cancelled, and one after opening again.
 */
async function* live(openIt: Open, ledger: Ledger): AsyncGenerator<void, void, undefined> {
  let store = await openIt({ isLayered: false })
  yield void (await ledger.commit(store, 'main', { 'a/x': 'one', 'a/y': 'two', big }))
  yield void (await ledger.commit(store, 'side', { name: 'side' }))
  yield await ledger.collect(store, undefined)
  yield await store.close()
  store = await openIt()
  const first = await ledger.commit(store, 'main', { 'a/x': 'three', big: undefined })
  yield await ledger.putBlob(store, 'a blob that nobody refers to')
  yield void (await ledger.commit(store, 'main', { b: 'four' }))
  const meanwhile = async (): Promise<void> => {
    await ledger.commit(store, 'main', { c: 'five' })
    await ledger.commit(store, 'side', { 'deep/er': 'six' })
  }
  yield await ledger.collect(store, { branch: 'main', index: 2 }, { meanwhile })
  yield await store.advanced.addVolume()
  // What rests in the first volume only comes up, and goes down into the second one too.
  yield void (await store.tag('old').create(first))
  yield await graft(store, first)
  yield await store.advanced.split()
  yield void (await ledger.commit(store, 'main', { d: 'seven' }))
  yield await ledger.collect(store, { branch: 'main', index: 4 })
  yield void (await store.tag('old').delete())
  yield await cancel(store)
  yield await store.close()
  store = await openIt()
  yield void (await ledger.commit(store, 'side', { half: big.subarray(0, 100_000) }))
  yield await ledger.collect(store, undefined)
  yield await store.close()
}

async function graft(store: Store, from: Commit): Promise<void> {
  const found = (await store.getCommit(from.hash)) as Commit
  const tree = await store.emptyTree().edit().setTree('old', found.tree()).set('new', 'text').tree()
  await store.tag('grafted').create(await store.commit({ tree }))
}

async function cancel(store: Store): Promise<void> {
  expect(await store.startGc(undefined, { grace: 0 })).toBe(true)
  await store.gc.cancel()
}

/**
 * Opens what a power cut left: everything acknowledged is there, in whichever layer, it can be written to and
 * collected, and each volume is complete by itself.
 */
async function survive({ image, mark }: CrashPoint, ledger: Ledger, goesOn = true): Promise<void> {
  const events: StoreEvent[] = []
  const store = await openMemory(image, { events, chunkBytes, lower })
  await ledger.verify(store, mark)
  await expectLowerAlone(image, memoryFolder, { mayHoldMore: true })
  await expectGrafted(store)
  if (!goesOn) return store.close()
  await store.branch('after').commit((edit) => void edit.set('after', 'the power cut'))
  await store.gc.run(undefined, { grace: 0 })
  await store.branch('after').delete()
  await ledger.verify(store, mark)
  await expectGrafted(store)
  await store.close()
  await expectLowerAlone(image, memoryFolder, { mayHoldMore: true })
  const damage = events.filter(({ type }) => type === 'damaged' || type === 'healed')
  expect(damage, 'a power cut damages nothing that was acknowledged').toEqual([])
  await expectTidy(image)
}

async function expectGrafted(store: Store): Promise<void> {
  const grafted = await store.tag('grafted').target()
  const found = await grafted?.tree().get('old/a/x')
  if (grafted !== undefined) expect(Buffer.from(found ?? []).toString()).toBe('three')
}

async function survived(point: CrashPoint, ledger: Ledger, goesOn = true): Promise<void> {
  try {
    await survive(point, ledger, goesOn)
  } catch (error) {
    throw new Error(`seed ${seed}: after a power cut before ${point.label}`, { cause: error })
  }
}

const opening =
  (disk: MemoryFileSystem, through: FileSystem): Open =>
  ({ isLayered = true } = {}) =>
    openMemory(disk, { through, chunkBytes, ...(isLayered && { lower }) })

test(`a power cut at any moment of a life with two layers takes nothing (seed ${seed})`, async () => {
  const disk = await emptyDisk()
  const ledger = new Ledger({ keepsAll: true })
  const points = new CrashPoints(disk, { mark: () => ledger.now, seed })
  let count = 0
  for await (const _ of live(opening(disk, points.watched()), ledger)) {
    for (const point of points.drain()) {
      count++
      await survived(point, ledger, count % collectedEvery === 0)
    }
  }
  points.take('the end')
  for (const point of points.drain()) await survived(point, ledger)
  await expectTidy(disk)
  await expectLowerAlone(disk, memoryFolder, { mayHoldMore: true })
  expect(count).toBeGreaterThan(300)
})

/** Syncs without which something that rests in the lower layer can be lost. */
const syncs: readonly { readonly name: string; readonly kind: OperationKind; readonly path: RegExp }[] = [
  { name: 'a manifest', kind: 'sync', path: /volume-\d+\/manifest-\d+$/ },
  { name: "a volume's folder", kind: 'syncFolder', path: /volume-\d+$/ },
  { name: "the lower layer's folder", kind: 'syncFolder', path: /\/lower$/ },
  { name: 'the folder above it', kind: 'syncFolder', path: /\/disk$/ },
  { name: 'filters', kind: 'sync', path: /filter-\d+\.bloom$/ },
]

describe('these tests would notice if a sync were forgotten: that of', () => {
  test.each(syncs)('$name', async ({ kind, path }) => {
    const disk = await emptyDisk()
    const ledger = new Ledger({ keepsAll: true })
    const points = new CrashPoints(disk, { mark: () => ledger.now, seed })
    const lying = new FaultFileSystem(points.watched(), [
      { fault: { kind: 'lie' }, kinds: [kind], path, times: 'always' },
    ])
    let isNoticed = false
    for await (const _ of live(opening(disk, lying), ledger)) {
      for (const point of points.drain()) {
        if (isNoticed) break
        isNoticed = await survive(point, ledger).then(
          () => false,
          () => true,
        )
      }
      if (isNoticed) break
    }
    expect(isNoticed).toBe(true)
  })
})
