/**
 * What is put without anything that refers to it is kept for `grace` after it was put, by the time that the
 * log says, and goes with the first collection after that.
 */
import type { Hash, Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { expectCode } from '../support/scenario.ts'
import { type Place, places, type TempStore, withStore } from '../support/temp-store.ts'

const minute = 60_000

describe.each(places)('bare puts and collections, %s', (place) => {
  test('a blob is kept for its grace and no longer', () =>
    withHistory(place, async (temp) => {
      const hash = await temp.store.putBlob('bare')
      await temp.store.flush()
      for (const age of [0, 5, 9]) {
        await ageTo(temp, age)
        await collect(temp, '10m')
        expect(await temp.store.hasBlobs([hash]), `after ${age} minutes`).toEqual([true])
      }
      await ageTo(temp, 11)
      await collect(temp, '10m')
      expect(await temp.store.hasBlobs([hash])).toEqual([false])
      await expectCode(refer(temp.store, hash), 'COLLECTED')
    }))

  test('ten minutes unless told otherwise', () =>
    withHistory(place, async (temp) => {
      const hash = await temp.store.putBlob('bare')
      await temp.store.flush()
      await ageTo(temp, 9)
      await collect(temp, undefined)
      expect(await temp.store.hasBlobs([hash])).toEqual([true])
      await ageTo(temp, 11)
      await collect(temp, undefined)
      expect(await temp.store.hasBlobs([hash])).toEqual([false])
    }))

  test('putting it again begins anew, whether it was copied or not', () =>
    withHistory(place, async (temp) => {
      const hash = await temp.store.putBlob('bare')
      await temp.store.flush()
      await ageTo(temp, 8)
      expect(await temp.store.putBlob('bare')).toBe(hash)
      await temp.store.flush()
      await ageTo(temp, 16)
      await collect(temp, '10m')
      expect(await temp.store.hasBlobs([hash])).toEqual([true])
      expect(await temp.store.hasBlobs([hash], { touch: true })).toEqual([true])
      await temp.store.flush()
      await ageTo(temp, 25)
      await collect(temp, '10m')
      expect(await temp.store.hasBlobs([hash])).toEqual([true])
      await ageTo(temp, 27)
      await collect(temp, '10m')
      expect(await temp.store.hasBlobs([hash])).toEqual([false])
    }))

  test('asking for it without touch does not', () =>
    withHistory(place, async (temp) => {
      const hash = await temp.store.putBlob('bare')
      await temp.store.flush()
      await ageTo(temp, 8)
      expect(await temp.store.hasBlobs([hash])).toEqual([true])
      await ageTo(temp, 11)
      await collect(temp, '10m')
      expect(await temp.store.hasBlobs([hash])).toEqual([false])
    }))

  test('its age outlives closing and opening', () =>
    withHistory(place, async (temp) => {
      const hash = await temp.store.putBlob('bare')
      await ageTo(temp, 4)
      await temp.reopen()
      await collect(temp, '10m')
      await temp.reopen()
      await ageTo(temp, 9)
      await collect(temp, '10m')
      expect(await temp.store.hasBlobs([hash])).toEqual([true])
      await temp.reopen()
      await ageTo(temp, 15)
      await collect(temp, '10m')
      expect(await temp.store.hasBlobs([hash])).toEqual([false])
    }))

  test('a tree keeps all below it, and a commit its tree', () =>
    withHistory(place, async (temp) => {
      const { store } = temp
      const tree = await store.putTree(await store.emptyTree().set('d/x', 'in a bare tree'))
      const commit = await store.commit({ tree: await store.emptyTree().set('d/y', 'in a bare commit') })
      await store.flush()
      await ageTo(temp, 9)
      await collect(temp, '10m')
      expect(await text(store, tree, 'd/x')).toBe('in a bare tree')
      expect(await text(store, commit.treeHash, 'd/y')).toBe('in a bare commit')
      expect((await store.getCommit(commit.hash))?.hash).toBe(commit.hash)
      await ageTo(temp, 11)
      await collect(temp, '10m')
      expect(await store.getTree(tree)).toBeUndefined()
      expect(await store.getCommit(commit.hash)).toBeUndefined()
      expect(await store.getTree(commit.treeHash)).toBeUndefined()
    }))

  test('one that a branch refers to in time stays, and goes with the branch', () =>
    withHistory(place, async (temp) => {
      const hash = await temp.store.putBlob('bare')
      await ageTo(temp, 9)
      await collect(temp, '10m')
      await refer(temp.store, hash)
      await ageTo(temp, 100)
      await collect(temp, '10m')
      expect(await temp.store.hasBlobs([hash])).toEqual([true])
      await temp.store.branch('refers').delete()
      await collect(temp, '10m')
      expect(await temp.store.hasBlobs([hash])).toEqual([false])
    }))

  test('one that waits in memory for its batch counts from when it was put, not from when others were', () =>
    withHistory(place, async (temp) => {
      const early = await temp.store.putBlob('early')
      await ageTo(temp, 30)
      // Nothing has made the batch of the first one durable so far.
      const late = await temp.store.putBlob('late')
      await ageTo(temp, 39)
      await collect(temp, '10m')
      expect(await temp.store.hasBlobs([late])).toEqual([true])
      await ageTo(temp, 100)
      await collect(temp, '10m')
      expect(await temp.store.hasBlobs([early, late])).toEqual([false, false])
    }))

  test('a grace of 0 keeps what is put after the start, and nothing before', () =>
    withHistory(place, async (temp) => {
      const { store } = temp
      const before = await store.putBlob('before')
      const target = await store.branch('main').commit((edit) => void edit.set('n', 'n'))
      expect(await store.startGc(target, { grace: 0 })).toBe(true)
      const during = await store.putBlob('during')
      const again = await store.putBlob('before')
      expect(again).toBe(before)
      const hit = await store.putBlob('only in the first commit')
      expect((await store.finaliseGc({ wait: true })).state).toBe('finalised')
      expect(await store.hasBlobs([before, during, hit])).toEqual([true, true, true])
      await refer(store, before)
      await collect(temp, 0)
      expect(await store.hasBlobs([before, during, hit])).toEqual([true, false, false])
    }))
})

/** A branch whose first commit holds a text that the later ones do not. */
function withHistory(place: Place, body: (temp: TempStore) => Promise<void>): Promise<void> {
  return withStore({ place }, async (temp) => {
    const main = temp.store.branch('main')
    await main.commit((edit) => void edit.set('a', 'only in the first commit'))
    await main.commit((edit) => void edit.set('a', 'in all others'))
    const first = temp.now
    await body(temp)
    expect(temp.now).toBeGreaterThanOrEqual(first)
  })
}

/** Sets the clock to so many minutes after the beginning of the test. */
async function ageTo(temp: TempStore, minutes: number): Promise<void> {
  temp.now = 1_700_000_000_000 + minutes * minute
}

/**
 * Commits something and collects with that as the target, so that nothing before is held for its place in the
 * log.
 */
async function collect(temp: TempStore, grace: `${number}m` | number | undefined): Promise<void> {
  const { store } = temp
  const target = await store.branch('main').commit((edit) => void edit.set('n', `${temp.now}`), {
    allowEmpty: true,
  })
  const stats = await store.gc.run(target, grace === undefined ? {} : { grace })
  expect(stats.target).toBe(target.hash)
}

async function refer(store: Store, hash: Hash<'blob'>): Promise<void> {
  await store.branch('refers').commit((edit) => void edit.setBlob('x', hash))
}

async function text(store: Store, tree: Hash<'tree'>, path: string): Promise<string | undefined> {
  const bytes = await (await store.getTree(tree))?.get(path)
  return bytes === undefined ? undefined : Buffer.from(bytes).toString()
}
