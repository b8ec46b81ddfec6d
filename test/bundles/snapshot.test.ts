/**
 * A tree that leaves one store and comes to another, scenario by scenario of Irmin-pack's own suite (snapshot
 * export and import), under their numbers there. Different on purpose: a bundle holds the commit too, so each
 * count is one higher than there; there is one way to index, so that two scenarios of theirs are one here;
 * what has been seen is remembered in memory only, on a disk or not.
 */
import { describe, expect, test } from 'vitest'
import { bundled, sumOf, taken } from '../support/bundled.ts'
import { checkpoint, open, segment } from '../support/file-letters.ts'
import { Scenario, steps } from '../support/scenario.ts'
import { SecondStore } from '../support/second-store.ts'
import { type Place, places, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two, c3: three } = steps

describe.each(places)('a tree from one store to another, %s', (place) => {
  const numbers = place === 'memory' ? '6.8.1 and 6.8.2' : '6.8.3 and 6.8.4'

  test(`${numbers} each object once, and the same tree`, () =>
    run(place, async (s, other) => {
      for (const [step, objects] of [
        [{ a: 'x' }, 3],
        [{ a: 'x', b: 'y', c: 'y', d: 'y' }, 4],
      ] as const) {
        const made = await s.commit(step)
        const bundle = await bundled(s.store, { revisions: [made.commit.hash] })
        expect(bundle).toMatchObject({ objects, commits: 1, prerequisites: 0 })
        await s.expectFilesStay()
        const { contents, refs } = await taken(other.store, bundle.bytes)
        expect(contents).toMatchObject({ objects, commits: 1, bytes: bundle.bytes.length })
        expect(refs).toEqual([])
        await other.files.expect(open('A'))
        await other.expectReadable(made)
        const found = await other.store.getCommit(made.commit.hash)
        expect(found?.treeHash).toBe(made.commit.treeHash)
        const again = await bundled(other.store, { revisions: [made.commit.hash] })
        expect(sumOf(again.bytes)).toBe(sumOf(bundle.bytes))
      }
    }))

  test(`6.8.${place === 'memory' ? 5 : 6} out of a store that was collected`, () =>
    run(place, async (s, other) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c1])
      await s.gc(c3, [segment('A'), checkpoint('A'), open('B')])
      await s.expectGone(c1, c2)
      const bundle = await bundled(s.store, { revisions: [c3.commit.hash] })
      expect(bundle).toMatchObject({ objects: 6, commits: 1, prerequisites: 0 })
      await s.expectFiles([segment('A'), checkpoint('A'), open('B')])
      await taken(other.store, bundle.bytes)
      await other.files.expect(open('A'))
      await other.expectReadable(c3)
      expect(await other.store.getCommit(c1.commit.hash)).toBeUndefined()
    }))

  test('6.8.7 a commit whose parent is absent, taken in, then copied into a store of its own', () =>
    run(place, async (s, other) => {
      const parent = await s.commit({ z: 'z' })
      const made = await s.commit({ z: undefined, a: 'x' }, [parent])
      await s.gc(made, [segment('A'), checkpoint('A'), open('B')])
      const bundle = await bundled(s.store, { revisions: [made.commit.hash] })
      await taken(other.store, bundle.bytes)
      await other.files.expect(open('A'))
      const third = new SecondStore(s.temp, 'third')
      const copied = await other.store.copyTo(third.folder, { commits: [made.commit.hash], depth: 1 })
      expect(copied.objects).toBe(3)
      await third.files.expect(segment('A'), checkpoint('A'), open('A'))
      await third.open()
      await third.expectReadable(made)
      const found = await third.store.getCommit(made.commit.hash)
      expect(found?.parents).toEqual([parent.commit.hash])
      await third.check()
    }))
})

async function run(place: Place, body: (s: Scenario, other: SecondStore) => Promise<void>): Promise<void> {
  await withStore({ place }, async (temp) => {
    const other = new SecondStore(temp)
    await other.open({ create: 'must', author: 'tester' })
    await body(new Scenario(temp), other)
    await other.check()
  })
}
