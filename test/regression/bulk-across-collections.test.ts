/** A bulk that rests on what was there before, with collections in between. */
import { openBulk } from '@varve/store/internal'
import { describe, expect, test } from 'vitest'
import { collectionSteps, Stepper, settled } from '../support/stepper.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

describe('a bulk', () => {
  test('keeps the tree of a commit that it has looked at', () =>
    withStore({}, async (temp) => {
      const { store } = temp
      const { first, last } = await layHistory(temp)
      const bulk = await openBulk(store)
      const root = await bulk.commitTree(first.hash)
      const entries = [...bulk.directoryEntries(root)]
      await store.gc.run(last, { grace: 0 })
      await bulk.ready()
      const tree = bulk.putDirectory(undefined, entries)
      const commit = bulk.putCommit({ tree, parents: [], author: '', date: 1, message: '', extra: {} })
      await bulk.finish([{ name: 'heads/copy', commit: commit.hash }])
      expect(await read(temp, 'd/text')).toBe('text 0')
      await store.gc.run(undefined, { grace: 0 })
      expect(await read(temp, 'd/text')).toBe('text 0')
    }))

  test('looks at no commit while the files are being changed', async () => {
    const stepper = new Stepper()
    await withStore({ wrap: stepper.wrap }, async (temp) => {
      const { store } = temp
      const { first, last } = await layHistory(temp)
      expect(await store.startGc(last, { grace: 0 })).toBe(true)
      while (store.gc.status.state === 'running') await settled()
      const bulk = await openBulk(store)
      const hold = stepper.hold(collectionSteps.control)
      const finishing = store.finaliseGc()
      await hold.reached()
      const looking = bulk.commitTree(first.hash)
      looking.catch(() => undefined)
      await settled()
      hold.release()
      await finishing
      await expect(looking).rejects.toMatchObject({ code: 'UNKNOWN_COMMIT' })
      await bulk.abort()
    })
  })

  test('moves all refs or none', () =>
    withStore({}, async (temp) => {
      const { store } = temp
      const { first } = await layHistory(temp)
      const bulk = await openBulk(store)
      const refs = [
        { name: 'heads/one', commit: first.hash },
        { name: 'heads/two', commit: 'ab'.repeat(32) },
      ]
      await expect(bulk.finish(refs)).rejects.toMatchObject({ code: 'UNKNOWN_COMMIT' })
      const odd = [
        { name: 'heads/one', commit: first.hash },
        { name: 'heads/t..wo', commit: first.hash },
      ]
      await expect(bulk.finish(odd)).rejects.toMatchObject({ code: 'INVALID_PATH' })
      await bulk.abort()
      expect(await store.branch('one').head()).toBeUndefined()
      const made = await store.branch('one').commit((edit) => void edit.set('a', 'b'))
      expect(made.parents).toEqual([])
      await temp.reopen()
      expect((await temp.store.branch('one').head())?.hash).toBe(made.hash)
    }))
})

async function read(temp: TempStore, path: string): Promise<string> {
  return Buffer.from((await temp.store.branch('copy').get(path)) ?? []).toString()
}

async function layHistory(
  temp: TempStore,
): Promise<Record<'first' | 'last', Awaited<ReturnType<TempStore['store']['commit']>>>> {
  const main = temp.store.branch('main')
  const first = await main.commit((edit) => void edit.set('d/text', 'text 0'))
  const last = await main.commit((edit) => void edit.set('d/text', 'last'))
  return { first, last }
}
