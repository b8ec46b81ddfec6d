/**
 * Commits that were found before a collection and handed out after it: their trees are only as fresh as the
 * finding.
 */
import { VarveError } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { type TempStore, withStore } from '../support/temp-store.ts'

describe('a commit that a log found before a collection and gives after it', () => {
  test('is no base for a commit when it is gone', () =>
    withStore({}, async (temp) => {
      const { store } = temp
      const last = await layHistory(temp)
      const cursor = store.log(last)
      expect((await cursor.next()).value?.message).toBe('3')
      await store.gc.run(last, { grace: 0 })
      const next = await cursor.next()
      expect(next.value?.message).toBe('2')
      const tree = next.value?.tree() ?? store.emptyTree()
      await expect(store.commit({ tree })).rejects.toMatchObject({ code: 'COLLECTED' })
      const copying = store.branch('copy').commit((edit) => void edit.setTree('there', tree))
      await expect(copying).rejects.toMatchObject({ code: 'COLLECTED' })
      expect(await store.branch('copy').head()).toBeUndefined()
    }))

  test('has the tree of its copy when it was put again', () =>
    withStore({}, async (temp) => {
      const { store } = temp
      const last = await layHistory(temp)
      const cursor = store.log(last)
      await cursor.next()
      await store.gc.run(last, { grace: 0 })
      const again = await store.commit({ tree: await store.emptyTree().set('d/text', 'text 2') })
      const { value } = await cursor.next()
      expect(value?.treeHash).toBe(again.treeHash)
      const copy = await store
        .branch('copy')
        .commit((edit) => void edit.setTree('there', value?.tree() ?? again.tree()))
      await store.gc.run(copy, { grace: 0 })
      expect(Buffer.from((await copy.tree().get('there/d/text')) ?? []).toString()).toBe('text 2')
    }))
})

describe('a log that is read across a collection', () => {
  test('ends at the horizon, with no error', () =>
    withStore({}, async (temp) => {
      const { store } = temp
      const last = await layHistory(temp)
      const cursor = store.log(last)
      await cursor.next()
      await store.gc.run(last, { grace: 0 })
      const messages: (string | undefined)[] = []
      for await (const commit of cursor) messages.push(commit.message)
      expect(messages).toEqual(['2'])
    }))

  test('by path, too', () =>
    withStore({}, async (temp) => {
      const { store } = temp
      const last = await layHistory(temp)
      const cursor = store.log(last, { path: 'd/text' })
      expect((await cursor.next()).value?.message).toBe('3')
      await store.gc.run(last, { grace: 0 })
      const rest = await cursor.toArray().catch((error: unknown) => {
        if (!VarveError.is(error, 'COLLECTED')) throw error
        return []
      })
      expect(rest.length).toBeLessThanOrEqual(1)
    }))
})

async function layHistory(temp: TempStore): ReturnType<ReturnType<TempStore['store']['branch']>['commit']> {
  const main = temp.store.branch('main')
  for (let at = 0; at < 3; at++) {
    await main.commit((edit) => void edit.set('d/text', `text ${at}`), { message: `${at}` })
  }
  return main.commit((edit) => void edit.set('d/text', 'last'), { message: '3' })
}
