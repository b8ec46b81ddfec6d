import type { FileSystem } from '@varve/pack/fs'
import { FaultFileSystem, type MemoryFileSystem, type OperationKind } from '@varve/pack/testing'
import type { Store, StoreEvent } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { type CrashPoint, CrashPoints } from '../support/crash-points.ts'
import { Ledger } from '../support/ledger.ts'
import { emptyDisk, expectTidy, openMemory } from '../support/memory-store.ts'
import { seededBytes } from '../support/seeded-bytes.ts'

const seed = 20_240_501

/** Small, so that chunks are sealed by themselves on the way. */
const chunkBytes = 96 * 1024
/** Large enough to be stored in chunks. */
const big = seededBytes(seed, 263_000)
/** Of so many images one is opened under a power cut of its own. */
const nestedEvery = 12

type Open = (disk: MemoryFileSystem, through: FileSystem) => Promise<Store>
const open: Open = (disk, through) => openMemory(disk, { through, chunkBytes })

/** The life of a store: made, written to, collected three times, closed, opened again, written to. */
async function* live(openIt: () => Promise<Store>, ledger: Ledger): AsyncGenerator<void, void, undefined> {
  let store = await openIt()
  yield
  yield void (await ledger.commit(store, 'main', { 'a/x': 'one', 'a/y': 'two', b: 'three' }))
  yield void (await ledger.commit(store, 'main', { 'a/x': 'four', big }))
  yield void (await Promise.all([0, 1, 2].map((i) => ledger.commit(store, `side-${i}`, { name: `${i}` }))))
  yield await ledger.tag(store, 'v1', 'side-0')
  yield await ledger.putBlob(store, 'a blob that nobody refers to')
  yield await ledger.flush(store)
  yield void (await ledger.commit(store, 'main', { 'a/x': undefined, big: undefined, c: 'five' }))
  yield await store.advanced.split()
  yield void (await ledger.commit(store, 'main', { d: 'six' }))
  const meanwhile = async (): Promise<void> => {
    await ledger.commit(store, 'main', { e: 'seven' })
    await ledger.commit(store, 'side-0', { 'deep/er/and/deeper': 'eight' })
  }
  yield await ledger.collect(store, { branch: 'main', index: 2 }, { meanwhile })
  yield void (await ledger.commit(store, 'side-0', { half: big.subarray(0, 100_000) }))
  yield await store.close()
  store = await openIt()
  yield
  yield void (await ledger.commit(store, 'main', { f: 'nine' }))
  yield await ledger.collect(store, { branch: 'main', index: 4 })
  yield void (await ledger.commit(store, 'main', { g: 'ten' }))
  yield await ledger.collect(store, undefined)
  yield await store.close()
}

/**
 * Opens what a power cut left: everything acknowledged is there, it can be written to, and nothing is left
 * over.
 */
async function survive({ image, mark }: CrashPoint, ledger: Ledger): Promise<void> {
  const events: StoreEvent[] = []
  const store = await openMemory(image, { events, chunkBytes })
  await ledger.verify(store, mark)
  await store.branch('after').commit((edit) => void edit.set('after', 'the power cut'))
  await store.close()
  const damage = events.filter(({ type }) => type === 'damaged' || type === 'healed')
  expect(damage, 'a power cut damages nothing that was acknowledged').toEqual([])
  await expectTidy(image)
  const again = await openMemory(image, { events, chunkBytes })
  expect(new TextDecoder().decode(await again.branch('after').get('after'))).toBe('the power cut')
  await again.branch('after').delete()
  await ledger.verify(again, mark)
  await again.close()
}

/** A power cut while the store is opened after a power cut. */
async function surviveNested({ image, mark, label }: CrashPoint, ledger: Ledger): Promise<number> {
  const points = new CrashPoints(image, { mark: () => mark, seed })
  const store = await open(image, points.watched())
  points.isWatching = false
  await store.close()
  const nested = points.drain()
  for (const point of nested) {
    await survived({ ...point, label: `${label}, then before ${point.label}` }, ledger)
  }
  return nested.length
}

async function survived(point: CrashPoint, ledger: Ledger): Promise<void> {
  try {
    await survive(point, ledger)
  } catch (error) {
    throw new Error(`seed ${seed}: after a power cut before ${point.label}`, { cause: error })
  }
}

test(`a power cut at any moment takes nothing that was acknowledged (seed ${seed})`, async () => {
  const disk = await emptyDisk()
  const ledger = new Ledger()
  const points = new CrashPoints(disk, { mark: () => ledger.now, seed })
  const through = points.watched()
  let count = 0
  let nestedCount = 0
  const check = async (point: CrashPoint): Promise<void> => {
    if (++count % nestedEvery === 0) {
      nestedCount += await surviveNested({ ...point, image: point.image.clone() }, ledger)
    }
    await survived(point, ledger)
  }
  for await (const _ of live(() => open(disk, through), ledger)) {
    for (const point of points.drain()) await check(point)
  }
  points.take('the end')
  for (const point of points.drain()) await check(point)
  await expectTidy(disk)
  expect(count).toBeGreaterThan(300)
  expect(nestedCount).toBeGreaterThan(50)
})

/**
 * Syncs without which something acknowledged can be lost. (An index is built again, so its sync is not among
 * them.)
 */
const syncs: readonly { readonly name: string; readonly kind: OperationKind; readonly path: RegExp }[] = [
  { name: 'the log', kind: 'datasync', path: /suffix-\d+\.pack$/ },
  { name: 'a new chunk', kind: 'sync', path: /suffix-\d+\.pack$/ },
  { name: 'control', kind: 'sync', path: /control\.tmp$/ },
  { name: 'a segment', kind: 'sync', path: /gen-\d+\.pack$/ },
  { name: 'a map', kind: 'sync', path: /gen-\d+\.map$/ },
  { name: 'a checkpoint', kind: 'sync', path: /meta-\d+\.ckpt$/ },
  { name: 'the folder', kind: 'syncFolder', path: /\/store$/ },
  { name: 'the folder above', kind: 'syncFolder', path: /\/disk$/ },
]

describe('these tests would notice if a sync were forgotten: that of', () => {
  test.each(syncs)('$name', async ({ kind, path }) => {
    const disk = await emptyDisk()
    const ledger = new Ledger()
    const points = new CrashPoints(disk, { mark: () => ledger.now, seed })
    const lying = new FaultFileSystem(points.watched(), [
      { fault: { kind: 'lie' }, kinds: [kind], path, times: 'always' },
    ])
    let isNoticed = false
    for await (const _ of live(() => open(disk, lying), ledger)) {
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
