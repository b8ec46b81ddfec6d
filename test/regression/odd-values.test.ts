/** Values of the right type that make no sense, or that cannot be stored as they are. */
import { ManualClock, MemoryFileSystem } from '@varve/pack/testing'
import type { CommitInfo, Store } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { describe, expect, test } from 'vitest'
import { firstNow, withStore } from '../support/temp-store.ts'

describe.each([
  ['NaN', Number.NaN],
  ['an invalid date', new Date(Number.NaN)],
  ['too late', 8.64e15 + 1],
  ['too early', -8.64e15 - 1],
  ['infinite', Number.POSITIVE_INFINITY],
])('a date that is %s', (_, date) => {
  test('is refused by commits and tags, and leaves the store in order', () =>
    withStore({}, async (temp) => {
      const { store } = temp
      const first = await store.branch('main').commit((edit) => void edit.set('a', '1'))
      for (const attempt of datedWrites(store, date)) {
        await expect(attempt).rejects.toMatchObject({ code: 'OPTION_MISMATCH', details: { option: 'date' } })
      }
      const second = await store.branch('main').commit((edit) => void edit.set('a', '2'))
      expect(second.parents).toEqual([first.hash])
      expect(await store.tag('v1').target()).toBeUndefined()
    }))
})

test.each([-1, 8.64e15, -8.64e15, 0, 1.9, new Date(7)])('a commit may have the date %s', (date) =>
  withStore({}, async (temp) => {
    const commit = await temp.store.branch('main').commit((edit) => void edit.set('a', 'b'), { date })
    expect(commit.date.getTime()).toBe(Math.trunc(Number(date)))
    await temp.reopen()
    expect((await temp.store.branch('main').head())?.date).toEqual(commit.date)
  }),
)

test('a commit says at once what it will say when it is read', () =>
  withStore({}, async (temp) => {
    const extra: CommitInfo['extra'] = JSON.parse(
      '{"__proto__": "p", "10": "x", "9": "y", "half": "\\ud800"}',
    )
    const info = { author: 'half \udc00', message: 'half \ud800 of one', extra }
    const commit = await temp.store.branch('main').commit((edit) => void edit.set('a', 'b'), info)
    const read = await temp.store.getCommit(commit.hash)
    expect(read?.message).toBe('half \ufffd of one')
    expect(commit.message).toBe(read?.message)
    expect(commit.author).toBe(read?.author)
    expect(Object.entries(commit.extra).sort()).toEqual(Object.entries(read?.extra ?? {}).sort())
    expect(Object.entries(commit.extra)).toContainEqual(['__proto__', 'p'])
  }))

test('a clock that goes wrong refuses what needs it, and never stops the writer', () =>
  withStore({}, async (temp) => {
    const { store } = temp
    const branch = store.branch('main')
    const head = await branch.commit((edit) => void edit.set('a', 'b'))
    for (const now of [-5, Number.NaN, 9e15]) {
      temp.now = now
      const commit = branch.commit((edit) => void edit.set('a', 'c'))
      await expect(commit).rejects.toMatchObject({ code: 'OPTION_MISMATCH', details: { option: 'now' } })
      await store.putBlob(`while it is ${now}`)
      await store.flush()
    }
    await store.gc.run(head, { grace: 0 })
    temp.now = firstNow + 1
    const last = await branch.commit((edit) => void edit.set('a', 'd'))
    expect(last.date.getTime()).toBe(firstNow + 1)
  }))

test('keys that would be the same when stored are refused', () =>
  withStore({}, async ({ store }) => {
    const extra = { 'a\ud800': '1', 'a\ud801': '2' }
    const commit = store.branch('main').commit((edit) => void edit.set('a', 'b'), { extra })
    await expect(commit).rejects.toMatchObject({ code: 'OPTION_MISMATCH', details: { option: 'extra' } })
    expect(() => store.branch('half \ud800')).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }))
    expect(() => store.tag('half\ud800')).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }))
  }))

test('content that is not bytes is refused, never taken for less than it is', () =>
  withStore({}, async ({ store }) => {
    for (const content of [
      [1, 2],
      ['text'],
      [[1]],
      (async function* () {
        yield 7
      })(),
    ]) {
      await expect(store.putBlob(content as never)).rejects.toThrow('Uint8Array')
    }
    const expected = 'zz' as never
    await expect(store.putBlob('x', { expected })).rejects.toMatchObject({ code: 'INVALID_HASH' })
    await expect(store.putBlob([Buffer.from('x')], { expected })).rejects.toMatchObject({
      code: 'INVALID_HASH',
    })
  }))

test('more text than a record can hold is refused', () =>
  withStore({}, async ({ store }) => {
    const text = 'x'.repeat(4_194_305)
    const main = store.branch('main')
    const kept = await main.commit((edit) => void edit.set('a', 'b'), { message: text.slice(1) })
    const option = { code: 'OPTION_MISMATCH', details: { option: 'message' } }
    const change = (edit: { set(path: string, text: string): unknown }): void => void edit.set('a', 'c')
    await expect(main.commit(change, { message: text })).rejects.toMatchObject(option)
    await expect(main.commit(change, { extra: { text } })).rejects.toMatchObject(option)
    await expect(store.tag('v1').create(kept, { message: text })).rejects.toMatchObject(option)
    expect((await main.commit(change)).parents).toEqual([kept.hash])
  }))

test('a durability that there is not is refused, not taken for the weaker one', () =>
  withStore({}, async ({ store }) => {
    const durability = 'Commit' as 'commit'
    const option = { code: 'OPTION_MISMATCH', details: { option: 'durability' } }
    const main = store.branch('main')
    await expect(main.commit((edit) => void edit.set('a', 'b'), { durability })).rejects.toMatchObject(option)
    await expect(store.commit({ tree: store.emptyTree(), durability })).rejects.toMatchObject(option)
    expect(await main.head()).toBeUndefined()
  }))

describe('the option now', () => {
  test('may give fractions, and leaves the rest of the clock as it is', async () => {
    const disk = new MemoryFileSystem()
    const clock = new ManualClock()
    const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline', clock } as const
    const store = await openStore('/store', { now: () => 1_700_000_000_000.75 }, platform)
    const commit = await store.branch('main').commit((edit) => void edit.set('a', 'b'))
    expect(commit.date.getTime()).toBe(1_700_000_000_000)
    expect((await store.gc.run(commit)).objectsKept).toBe(3)
    await store.close()
  })

  test('is refused when it gives no time', async () => {
    const disk = new MemoryFileSystem()
    const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' } as const
    for (const time of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      await expect(openStore('/store', { now: () => time }, platform)).rejects.toMatchObject({
        code: 'OPTION_MISMATCH',
        details: { option: 'now' },
      })
    }
  })
})

function* datedWrites(store: Store, date: Date | number): Generator<Promise<unknown>, void, undefined> {
  yield store.branch('main').commit((edit) => void edit.set('a', 'x'), { date })
  yield store.commit({ tree: store.emptyTree(), date })
  yield store
    .branch('main')
    .head()
    .then((head) => store.tag('v1').create(head as never, { message: 'm', date }))
}
