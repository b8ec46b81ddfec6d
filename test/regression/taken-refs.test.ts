/** Commits and tags that lose to others, and texts that mean more than one commit. */
import { encodeCommit, hexToRaw, rawToHex } from '@varve/pack/objects'
import { type Commit, type Hash, type Store, VarveError } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { withStore } from '../support/temp-store.ts'

describe('CONFLICT', () => {
  test.each([0, 1, 3])('ends a commit whose branch moves at each of its tries, %i of them again', (retries) =>
    withStore({}, async ({ store }) => {
      const main = store.branch('main')
      const one = await main.commit((edit) => void edit.set('a', '1'))
      const other = await store.commit({ tree: await store.emptyTree().set('a', '2'), parents: [one] })
      let tries = 0
      const beaten = main.commit(
        async (edit) => {
          edit.set('b', `${tries++}`)
          await main.set(tries % 2 === 1 ? other : one)
        },
        { retries },
      )
      await expect(beaten).rejects.toMatchObject({ code: 'CONFLICT', details: { ref: 'main' } })
      expect(tries).toBe(retries + 1)
      expect((await main.head())?.hash).toBe(tries % 2 === 1 ? other.hash : one.hash)
      const next = await main.commit((edit) => void edit.set('c', '3'))
      expect(await next.tree().has('b'), 'nothing of the tries is there').toBe(false)
    }),
  )

  test('does not end a commit whose branch stops moving in time', () =>
    withStore({}, async ({ store }) => {
      const main = store.branch('main')
      const other = await store.commit({ tree: await store.emptyTree().set('a', '2') })
      let tries = 0
      const commit = await main.commit(
        async (edit) => {
          edit.set('b', 'x')
          if (tries++ === 0) await main.set(other)
        },
        { retries: 1 },
      )
      expect(commit.parents).toEqual([other.hash])
      expect(tries).toBe(2)
    }))

  test('refuses a tag that exists, whatever it names; deleted, it can be made again', () =>
    withStore({}, async (temp) => {
      const one = await temp.store.branch('main').commit((edit) => void edit.set('a', '1'))
      const two = await temp.store.branch('main').commit((edit) => void edit.set('a', '2'))
      await temp.store.tag('v1').create(one)
      const store = await temp.reopen()
      for (const commit of [one.hash, two.hash]) {
        const again = store.tag('v1').create(commit)
        await expect(again).rejects.toMatchObject({ code: 'CONFLICT', details: { ref: 'v1' } })
      }
      expect((await store.tag('v1').target())?.hash).toBe(one.hash)
      expect(await store.tag('v1').delete()).toBe(true)
      await store.tag('v1').create(two.hash)
      expect((await store.tag('v1').target())?.hash).toBe(two.hash)
    }))

  test('leaves one of two tags of one name that are made at once', () =>
    withStore({}, async ({ store }) => {
      const one = await store.branch('main').commit((edit) => void edit.set('a', '1'))
      const outcomes = await Promise.allSettled([store.tag('v1').create(one), store.tag('v1').create(one)])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
      expect(outcomes[1]).toMatchObject({ reason: { code: 'CONFLICT' } })
    }))
})

describe('AMBIGUOUS', () => {
  test.each(['open', 'reopened', 'collected'] as const)(
    'lists the commits that a short hash could mean, in a store that is %s',
    (state) =>
      withStore({}, async (temp) => {
        const pair = await commitsOfOnePrefix(temp.store)
        const store = state === 'open' ? temp.store : await temp.reopen()
        // In segments, and no longer in the table of the open chunk.
        if (state === 'collected') await store.gc.run(undefined, { grace: 0 })
        const prefix = pair[0].slice(0, 7)
        const failure = await store.resolve(prefix).catch((error: unknown) => error)
        if (!VarveError.is(failure, 'AMBIGUOUS')) throw failure
        expect([...failure.details.candidates].sort()).toEqual([...pair].sort())
        await expect(store.resolve(`${prefix}~1`)).rejects.toMatchObject({ code: 'AMBIGUOUS' })
        const digits = firstDifference(...pair) + 1
        for (const hash of pair) {
          expect((await store.resolve(hash.slice(0, digits)))?.hash).toBe(hash)
        }
      }),
  )

  test('also where two commits came from Git commits of one prefix', () =>
    withStore({}, async ({ store }) => {
      const ids = [`abcdef0${'1'.repeat(33)}`, `abcdef0${'2'.repeat(33)}`]
      const commits: Commit[] = []
      for (const id of ids) {
        const extra = { 'git:id': id }
        commits.push(await store.branch('main').commit((edit) => void edit.set('id', id), { extra }))
      }
      const candidates = commits.map(({ hash }) => hash)
      const failure = await store.resolve('git:abcdef0').catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'AMBIGUOUS' })
      if (!VarveError.is(failure, 'AMBIGUOUS')) throw failure
      expect([...failure.details.candidates].sort()).toEqual([...candidates].sort())
      for (const [at, id] of ids.entries()) {
        expect((await store.resolve(`git:${id.slice(0, 8)}`))?.hash).toBe(candidates[at])
      }
    }))

  test('never where a branch has the name', () =>
    withStore({}, async ({ store }) => {
      const pair = await commitsOfOnePrefix(store)
      const prefix = pair[0].slice(0, 7)
      await store.branch(prefix).set(pair[1])
      expect((await store.resolve(prefix))?.hash).toBe(pair[1])
    }))
})

/** Digits that a short hash needs at least. */
const prefixDigits = 7
/** Some 20,000 are enough for a pair; the search is the same each time. */
const messagesMax = 200_000

/** Two commits, each on a branch, whose hashes begin with the same 7 digits. */
async function commitsOfOnePrefix(store: Store): Promise<readonly [Hash<'commit'>, Hash<'commit'>]> {
  const tree = store.emptyTree()
  const messages = messagesOfOnePrefix(await tree.hash())
  const hashes: Hash<'commit'>[] = []
  for (const message of messages) {
    const { hash } = await store.commit({ tree, message, author: '', date: 0 })
    await store.branch(`b${message}`).set(hash)
    hashes.push(hash)
  }
  const [one, two] = hashes as [Hash<'commit'>, Hash<'commit'>]
  expect(one.slice(0, prefixDigits)).toBe(two.slice(0, prefixDigits))
  expect(one).not.toBe(two)
  return [one, two]
}

function messagesOfOnePrefix(tree: Hash<'tree'>): readonly [string, string] {
  const seen = new Map<string, string>()
  const root = { hash: hexToRaw(tree), offset: 0 }
  for (let at = 0; at < messagesMax; at++) {
    const message = `${at}`
    const fields = { tree: root, parents: [], author: '', date: 0, message, extra: {} }
    const prefix = rawToHex(encodeCommit(fields).hash).slice(0, prefixDigits)
    const earlier = seen.get(prefix)
    if (earlier !== undefined) return [earlier, message]
    seen.set(prefix, message)
  }
  return expect.fail('no two commits have one prefix')
}

function firstDifference(a: string, b: string): number {
  return [...a].findIndex((digit, at) => digit !== b[at])
}
