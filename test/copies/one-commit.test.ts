/**
 * A store of one commit, scenario by scenario of Irmin-pack's own suite (one-commit snapshot), under their
 * numbers there. Different on purpose: the copy has an id of its own, and nothing of the source's collector
 * is busy afterwards.
 */
import { describe, expect, test } from 'vitest'
import { checkpoint, open, sealed, segment } from '../support/file-letters.ts'
import { expectCode, Scenario, steps } from '../support/scenario.ts'
import { SecondStore } from '../support/second-store.ts'
import { type Place, places, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two, c3: three } = steps
const copied = [segment('A'), checkpoint('A'), open('A')]

describe.each(places)('a store of one commit, %s', (place) => {
  test('6.5.1 made from a writer: the source goes on, and the copy goes its own way', () =>
    run(place, async (s, copy) => {
      const c1 = await s.commit(one)
      const report = await s.store.copyTo(copy.folder, { commits: [c1.commit], depth: 1 })
      // Commit, root, directory a, two blobs.
      expect(report).toMatchObject({ objects: 5, refs: [] })
      await s.expectFiles([open('A')])
      await copy.files.expect(...copied)
      expect(s.store.gc.status).toEqual({ state: 'idle' })
      const c2 = await s.commit(two, [c1])
      await s.expectReadable(c1, c2)

      await copy.open()
      await copy.files.expect(...copied)
      expect(copy.store.id).not.toBe(s.store.id)
      await copy.expectReadable(c1)
      expect(await copy.store.getCommit(c2.commit.hash)).toBeUndefined()
      const again = await copy.store.commit({
        ...{ tree: await (await copy.store.getCommit(c1.commit.hash))!.tree().set('a/d', 'Mars') },
        ...{ parents: [c1.commit.hash], message: 'a/d', date: 0, author: 'tester' },
      })
      expect(again.hash).toBe(c2.commit.hash)
      await copy.expectReadable(c1, c2)
      await copy.files.expect(...copied)

      await copy.store.gc.run(again, { grace: 0 })
      expect(await copy.store.getCommit(c1.commit.hash)).toBeUndefined()
      await copy.expectReadable(c2)
      await copy.files.expect(segment('B'), checkpoint('B'), open('B'))
      await s.expectReadable(c1, c2)
    }))

  test('6.5.3 made after the store was opened again', () =>
    run(place, async (s, copy) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.reopen([open('A')])
      await s.store.copyTo(copy.folder, { commits: [c1.commit.hash], depth: 1 })
      await s.expectFiles([open('A')])
      await copy.open()
      await copy.files.expect(...copied)
      expect((await copy.store.getCommit(c1.commit.hash))?.treeHash).toBe(c1.commit.treeHash)
      expect(await copy.store.getCommit(c2.commit.hash)).toBeUndefined()
    }))

  test('6.5.4 of a commit that a collection dropped: refused, and nothing is made', () =>
    run(place, async (s, copy) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.gc(c2, [segment('A'), checkpoint('A'), open('B')])
      await expectCode(s.store.copyTo(copy.folder, { commits: [c1.commit] }), 'COLLECTED')
      await expectCode(s.store.copyTo(copy.folder, { commits: [c1.commit.hash] }), 'UNKNOWN_COMMIT')
      expect(await copy.isThere()).toBe(false)
      // What the collection kept comes out of its segment.
      await s.store.copyTo(copy.folder, { commits: [c2.commit], depth: 1 })
      await copy.open()
      await copy.files.expect(...copied)
      expect((await copy.store.getCommit(c2.commit.hash))?.treeHash).toBe(c2.commit.treeHash)
      await s.expectFiles([segment('A'), checkpoint('A'), open('B')])
    }))

  test('beside a collection: neither changes what the other does', () =>
    run(place, async (s, copy) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2, [sealed('A'), segment('A'), checkpoint('A'), open('B')])
      const c3 = await s.commit(three, [c2])
      const copying = s.store.copyTo(copy.folder, { commits: [c3.commit] })
      await s.finalise([segment('A'), checkpoint('A'), open('B')])
      const { objects } = await copying
      await s.expectReadable(c2, c3)
      await copy.open()
      const isBefore = (await copy.store.getCommit(c1.commit.hash)) !== undefined
      // The history ends where that of the source ended when the files were captured.
      expect(objects).toBe(isBefore ? 13 : 10)
      expect((await copy.store.getCommit(c3.commit.hash))?.treeHash).toBe(c3.commit.treeHash)
    }))
})

async function run(
  place: Place,
  body: (scenario: Scenario, copy: SecondStore) => Promise<void>,
): Promise<void> {
  await withStore({ place }, async (temp) => {
    const copy = new SecondStore(temp)
    await body(new Scenario(temp), copy)
    if (await copy.isThere()) await copy.check()
  })
}
