/**
 * What a collection keeps and what it drops, scenario by scenario of Irmin-pack's own suite (common part, as
 * it runs when what is dropped is deleted), under their numbers there. Commits are made off any branch and
 * `grace` is 0, so that nothing but the target, the log after it, and what these refer to is held.
 *
 * Different on purpose, everywhere:
 * - The boundary is a border between chunks, and starting a collection seals the open chunk. So the chunk
 * that holds the
 *   target goes as a whole (what it holds after the target is copied), no chunk is ever partly dead, and
 *   `split` is not
 *   needed to reclaim anything.
 * - The target of the last collection may be collected again; only an older one is refused.
 *
 * Not here:
 * | 6.1.7–6.1.10 | are in readers.test.ts                                           |
 * | 6.2          | needs the lower layer                                            |
 * | 6.1.12       | as far as it says "refused": a collection may start at any time  |
 */
import { describe, expect, test } from 'vitest'
import { checkpoint, open, sealed, segment } from '../support/file-letters.ts'
import { expectCode, finalised, Scenario, steps } from '../support/scenario.ts'
import { type Place, places, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two, c3: three, c4: four, c5: five, cDel: less } = steps

describe.each(places)('collections, %s', (place) => {
  test('6.1.1 one gc', () =>
    run(place, async (s) => {
      await s.expectFiles([open('A')])
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c1])
      await s.start(c3, [sealed('A'), segment('A'), checkpoint('A'), open('B')])
      await s.expectReadable(c1, c2, c3)
      await s.finalise([segment('A'), checkpoint('A'), open('B')])
      await s.expectReadable(c3)
      await s.expectGone(c1, c2)
      expect(await s.held('Novembre', 'Juin', 'Mars', 'Fevrier')).toEqual(['Novembre', 'Juin', 'Fevrier'])
      await s.reopen([segment('A'), checkpoint('A'), open('B')])
      await s.expectReadable(c3)
      expect(await s.store.getCommit(c1.commit.hash)).toBeUndefined()
    }))

  test('6.1.2 twice gc', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c1])
      const c4 = await s.commit(four, [c2])
      await s.gc(c4, [segment('A'), checkpoint('A'), open('B')])
      await s.expectReadable(c4)
      await s.expectGone(c1, c2, c3)
      const c5 = await s.commit(five, [c4])
      await s.expectReadable(c5)
      await s.gc(c5, [segment('B'), checkpoint('B'), open('C')])
      await s.expectReadable(c5)
      await s.expectGone(c1, c2, c3, c4)
    }))

  test('6.1.2 again, with the orphan after the target in the log: it stays until a later target', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c4 = await s.commit(four, [c2])
      const c3 = await s.commit(three, [c1])
      await s.gc(c4, [segment('A'), checkpoint('A'), open('B')])
      await s.expectReadable(c3, c4)
      await s.expectGone(c1, c2)
      const c5 = await s.commit(five, [c4])
      await s.gc(c5, [segment('B'), checkpoint('B'), open('C')])
      await s.expectReadable(c5)
      await s.expectGone(c3, c4)
    }))

  test('6.1.3 gc keeps commits after the target', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c2])
      await s.gc(c1, [segment('A'), checkpoint('A'), open('B')])
      await s.expectReadable(c1, c2, c3)
    }))

  test('6.1.4 adding back commits', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const cDel = await s.commit(less, [c1])
      const c3 = await s.commit(three, [cDel])
      await s.gc(c3, [segment('A'), checkpoint('A'), open('B')])
      await s.expectGone(c1, cDel)
      await s.expectReadable(c3)
      expect(await c3.commit.tree().get('a/c')).toBeUndefined()
      expect(await s.held('Juin')).toEqual([])
      const again = await s.commit(one, [c3])
      const c2 = await s.commit(two, [again])
      await s.expectReadable(again, c2)
      expect(await s.held('Juin')).toEqual(['Juin'])
      await s.gc(again, [segment('B'), checkpoint('B'), open('C')])
      await s.expectGone(c3)
      await s.expectReadable(again, c2)
      const c3Again = await s.commit(three, [c2])
      await s.expectReadable(c2, c3Again)
    }))

  test('6.1.5 close: the retired files are kept when asked, and go at the next opening for writing', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      // A chunk that is retired before its index is ready gets none.
      await s.split([sealed('A'), open('B')])
      const all = [sealed('A'), segment('A'), checkpoint('A'), open('B')]
      await s.start(c1, all, { unlink: false })
      await s.swept()
      finalised(await s.finalise(all))
      const c2 = await s.commit(two, [c1])
      await s.close([sealed('A'), segment('A'), checkpoint('A'), open('B')])
      await s.open([segment('A'), checkpoint('A'), open('B')])
      await s.expectReadable(c1, c2)
      await s.reopen([segment('A'), checkpoint('A'), open('B')])
      await s.gc(c2, [segment('B'), checkpoint('B'), open('C')], { unlink: true })
      await s.close([segment('B'), checkpoint('B'), open('C')])
      await s.open([segment('B'), checkpoint('B'), open('C')])
      await s.expectReadable(c2)
      expect(await s.store.getCommit(c1.commit.hash)).toBeUndefined()
    }))

  test('6.1.6 two parents', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two)
      const c3 = await s.commit(three, [c1, c2])
      await s.gc(c3, [segment('A'), checkpoint('A'), open('B')])
      await s.expectGone(c1, c2)
      await s.expectReadable(c3)
      expect((await s.store.getCommit(c3.commit.hash))?.parents).toEqual([c1.commit.hash, c2.commit.hash])
      expect((await s.store.log(c3.commit.hash).toArray()).map(({ hash }) => hash)).toEqual([c3.commit.hash])
    }))
})

describe.each(places)('collections, what is special, %s', (place) => {
  test('6.1.11 lru: a cached subtree that later commits share stays readable', () =>
    run(place, async (s) => {
      const c1 = await s.commit({ 'a/b/c': 'b' })
      const c2 = await s.commit({ 'a/d/c': 'b' }, [c1])
      const c3 = await s.commit({ 'a/d/c': undefined }, [c2])
      const c4 = await s.commit({ 'a/b/e': 'a' }, [c3])
      await s.expectReadable(c1, c2, c3, c4)
      await s.gc(c3, [segment('A'), checkpoint('A'), open('B')])
      expect(Buffer.from((await c4.commit.tree().get('a/b/c')) ?? []).toString()).toBe('b')
      // A commit's tree may be an earlier one's: what c1 and c3 share by content is one tree.
      expect(c3.commit.treeHash).toBe(c1.commit.treeHash)
      await s.expectReadable(c3, c4)
      expect(await s.store.getCommit(c1.commit.hash)).toBeUndefined()
      await s.expectGone(c2)
    }))

  test('6.1.12 gc while a commit is being made: not refused, and the commit is whole', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const branch = s.store.branch('main')
      await branch.set(c1.commit)
      const made = await branch.commit(async (edit) => {
        await s.start(c2, [sealed('A'), segment('A'), checkpoint('A'), open('B')])
        edit.set('a/f', 'Fevrier')
        finalised(await s.finalise([segment('A'), checkpoint('A'), open('B')]))
      })
      await s.expectFilesStay()
      const content = new Map([...c1.content, ['a/f', 'Fevrier']])
      await s.expectReadable({ ...c1, commit: made, content })
      // The branch held it, though it is older than the target.
      await s.expectReadable(c1, c2)
    }))

  test('6.1.13 add back gced commit', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c2])
      await s.gc(c3, [segment('A'), checkpoint('A'), open('B')])
      await s.expectGone(c1, c2)
      const c1Again = await s.commit(one)
      expect(c1Again.commit.hash).toBe(c1.commit.hash)
      await s.expectReadable(c1)
      const c2Again = await s.commit(two, [c1Again])
      expect(c2Again.commit.hash).toBe(c2.commit.hash)
      await s.expectReadable(c1, c2, c3)
    }))

  test('6.1.14 similar commits', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      await s.gc(c1, [segment('A'), checkpoint('A'), open('B')])
      const similar = await s.commit(one, [], { author: 'somebody else' })
      expect(similar.commit.treeHash).toBe(c1.commit.treeHash)
      expect(similar.commit.hash).not.toBe(c1.commit.hash)
      await s.gc(similar, [segment('B'), checkpoint('B'), open('C')])
      await s.expectReadable(similar)
      expect(await s.store.getCommit(c1.commit.hash)).toBeUndefined()
    }))

  test('6.1.15 the latest target, also after opening again', () =>
    run(place, async (s) => {
      expect(s.store.gc.latestTarget()).toBeUndefined()
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      expect(s.store.gc.latestTarget()).toBeUndefined()
      await s.gc(c2, [segment('A'), checkpoint('A'), open('B')])
      expect(s.store.gc.latestTarget()).toBe(c2.commit.hash)
      const c3 = await s.commit(three, [c2])
      await s.gc(c3, [segment('B'), checkpoint('B'), open('C')])
      expect(s.store.gc.latestTarget()).toBe(c3.commit.hash)
      await s.reopen([segment('B'), checkpoint('B'), open('C')])
      expect(s.store.gc.latestTarget()).toBe(c3.commit.hash)
      // A collection without a target sets none. Nothing refers to anything here, so nothing stays.
      await s.gc(undefined, [checkpoint('C'), open('C')])
      expect(s.store.gc.latestTarget()).toBe(c3.commit.hash)
      await s.expectGone(c3)
    }))

  test('6.1.16 worker gc stats', () =>
    run(place, async (s) => {
      const long = 'Decembre'.repeat(20_000)
      const c1 = await s.commit({ ...one, 'a/z': long })
      const c2 = await s.commit({ ...two, 'a/z': undefined }, [c1])
      // Kept: c2, its root, the directory a, three blobs.
      const first = await s.gc(c2, [segment('A'), checkpoint('A'), open('B')])
      expect(first).toMatchObject({ target: c2.commit.hash, objectsKept: 6, bytesArchived: 0 })
      expect(first.bytesKept).toBeGreaterThan(6 * 48)
      // All that went but for the pages of the new index, map, and checkpoint.
      expect(first.bytesFreed).toBeGreaterThan(long.length - 32 * 1024)
      expect(first.bytesFreed).toBeLessThan(long.length + 32 * 1024)
      const c3 = await s.commit(three, [c2])
      // Likewise, with a fourth blob.
      const second = await s.gc(c3, [segment('B'), checkpoint('B'), open('C')])
      expect(second).toMatchObject({ target: c3.commit.hash, objectsKept: 7, bytesArchived: 0 })
      expect(second.bytesKept).toBeGreaterThan(first.bytesKept)
      expect(second.bytesFreed).toBeLessThan(32 * 1024)
      for (const stats of [first, second]) {
        expect(stats.peakBytes).toBeGreaterThan(0)
        expect(stats.wallMs).toBeGreaterThanOrEqual(stats.longestStallMs)
      }
      expect(s.store.stats().objects).toEqual({ blob: 4, tree: 2, commit: 1 })
    }))

  test('6.1.17 caches go by file, so that a switch leaves nothing stale in them', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(less, [c1])
      const c3 = await s.commit(three, [c2])
      for (let round = 0; round < 3; round++) await s.expectReadable(c1, c2, c3)
      await s.gc(c2, [segment('A'), checkpoint('A'), open('B')])
      for (let round = 0; round < 3; round++) {
        await s.expectReadable(c2, c3)
        await s.expectGone(c1)
      }
    }))

  test('a target older than the last one is refused, the same one is not', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c2])
      await s.gc(c1, [segment('A'), checkpoint('A'), open('B')])
      await s.gc(c2, [segment('B'), checkpoint('B'), open('B')])
      await s.expectReadable(c2, c3)
      await s.expectGone(c1)
      await s.store.tag('old').create(c2.commit)
      await s.gc(c2, [sealed('B'), segment('C'), checkpoint('C'), open('C')])
      await s.expectReadable(c2, c3)
      // Below the boundary already: the boundary stays, and with it the chunks above.
      await s.gc(c3, [sealed('B'), segment('D'), checkpoint('D'), open('C')])
      await s.expectReadable(c2, c3)
      await expectCode(s.store.startGc(c2.commit), 'TARGET_TOO_OLD')
      expect(await s.store.gc.isAllowed(c2.commit)).toMatchObject({ code: 'TARGET_TOO_OLD' })
      expect(await s.store.gc.isAllowed(c3.commit)).toBe(true)
      await s.expectFilesStay()
    }))
})

function run(place: Place, body: (scenario: Scenario) => Promise<void>): Promise<void> {
  return withStore({ place }, (temp) => body(new Scenario(temp)))
}
