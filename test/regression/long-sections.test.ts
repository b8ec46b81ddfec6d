/** Calls with much to do: they give way to others, and to a collection, on the way. */
import { systemClock } from '@varve/pack/base'
import type { Commit, Hash } from '@varve/store'
import { expect, test } from 'vitest'
import { sha256 } from '../support/read-whole.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { withStore } from '../support/temp-store.ts'

/** Turns of the event loop that come before a promise settles. */
async function turnsOf(work: Promise<unknown>): Promise<number> {
  let isDone = false
  let turns = 0
  const done = work.finally(() => {
    isDone = true
  })
  for (; !isDone; turns++) await systemClock.turn()
  await done
  return turns
}

test('a large blob in one piece is put in parts', () =>
  withStore({}, async ({ store }) => {
    const content = seededBytes(11, 24_000_000)
    let hash: Hash<'blob'> | undefined
    const putting = store.putBlob(content, { size: content.length }).then((put) => {
      hash = put
    })
    expect(await turnsOf(putting)).toBeGreaterThan(3)
    expect(hash).toBe(sha256(content))
    expect(Buffer.compare((await store.getBlob(hash as Hash<'blob'>)) ?? Buffer.alloc(0), content)).toBe(0)
    await expect(store.putBlob(content, { expected: 'ab'.repeat(32) as Hash<'blob'> })).rejects.toMatchObject(
      {
        code: 'DIGEST_MISMATCH',
      },
    )
    await expect(store.putBlob(content, { size: 7 })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
    await expect(store.putBlob(content, { signal: abortSoon() })).rejects.toMatchObject({ code: 'ABORTED' })
  }))

test('many hashes are looked up, and touched, in parts', () =>
  withStore({}, async ({ store }) => {
    const there = await store.putBlob('there')
    const hashes = Array.from({ length: 20_000 }, (_, at) =>
      at % 100 === 0 ? there : (sha256(`${at}`) as Hash<'blob'>),
    )
    for (const touch of [false, true]) {
      let found: readonly boolean[] = []
      const asking = store.hasBlobs(hashes, { touch }).then((answers) => {
        found = answers
      })
      expect(await turnsOf(asking)).toBeGreaterThan(3)
      expect(found.filter(Boolean).length).toBe(200)
      expect(found.every((isThere, at) => isThere === (at % 100 === 0))).toBe(true)
    }
    await expect(store.hasBlobs(hashes, { signal: abortSoon() })).rejects.toMatchObject({ code: 'ABORTED' })
  }))

function abortSoon(): AbortSignal {
  const controller = new AbortController()
  void systemClock.turn().then(() => controller.abort())
  return controller.signal
}

test('the start of a hash is looked for in slices, also across a collection', () =>
  withStore({}, async ({ store }) => {
    const first = await store.branch('main').commit((edit) => {
      for (let at = 0; at < 6_000; at++) edit.set(`${at}`, `text ${at}`)
    })
    const prefix = first.hash.slice(0, 9)
    const resolving = store.resolve(prefix)
    expect(await turnsOf(resolving)).toBeGreaterThan(3)
    expect((await resolving)?.hash).toBe(first.hash)
    const last = await store.branch('main').commit((edit) => void edit.delete('7'))
    const both = [store.resolve(prefix), store.gc.run(last, { grace: 0 })] as const
    expect([undefined, first.hash]).toContain((await both[0])?.hash)
    await both[1]
    expect((await store.resolve(last.hash.slice(0, 9)))?.hash).toBe(last.hash)
  }))

test('a history is searched, left out, and walked back in slices', () =>
  withStore({}, async ({ store }) => {
    const branch = store.branch('main')
    for (let at = 0; at < 3_000; at++)
      await branch.commit(() => undefined, { allowEmpty: true, durability: 'flush' })
    const head = (await branch.head()) as Commit
    expect(await turnsOf(store.log(head, { path: 'nowhere' }).toArray())).toBeGreaterThan(5)
    expect(await turnsOf(store.log(head, { not: [head] }).next())).toBeGreaterThan(3)
    expect(await turnsOf(store.resolve('main~2999'))).toBeGreaterThan(3)
    expect((await store.resolve('main~2999'))?.parents).toEqual([])
    expect(await store.resolve('main~3000')).toBeUndefined()
    const searching = store.log(head, { path: 'nowhere', signal: abortSoon() }).toArray()
    await expect(searching).rejects.toMatchObject({ code: 'ABORTED' })
  }))
