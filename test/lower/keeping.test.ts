/**
 * What a collection archives rather than deletes, scenario by scenario of Irmin-pack's own suite (common
 * part, as it runs over its archive backend), under their numbers there. Commits are made off any branch and
 * `grace` is 0, so that nothing but the target, the log after it, and what these refer to stays above.
 *
 * Different on purpose, besides what `gc-scenarios/keeping.test.ts` says:
 * - Nothing is lost. What Irmin drops from both layers, commits that are no ancestors of the target
 *   (`removed(x)`), rests in the lower layer here as all others do.
 * - Whole files go down: the chunks below the boundary with all that is in them, also what is kept above.
 * - The same content put again after it went down is written again: nothing above depends on a volume.
 *
 * Not here:
 * | 6.1.7–6.1.10 | are in readers.test.ts                                           |
 * | 6.1.12       | as far as it says "refused": a collection may start at any time  |
 */
import { describe, expect, test } from 'vitest'
import { checkpoint, filters, open, sealed, segment, volume } from '../support/file-letters.ts'
import { expectCode, finalised, Scenario, steps } from '../support/scenario.ts'
import { type Place, places, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two, c3: three, c4: four, c5: five, cDel: less } = steps

/** After the first collection of a store that has one chunk. */
const first = [segment('A'), checkpoint('A'), filters('A'), open('B'), volume(1, 2, sealed('A'))]
/** After the second. */
const second = [
  ...[segment('B'), checkpoint('B'), filters('AB'), open('C')],
  volume(1, 3, sealed('A'), sealed('B')),
]

describe.each(places)('collections that archive, %s', (place) => {
  test('6.1.1 one gc', () =>
    run(place, async (s) => {
      await s.expectFiles([open('A'), volume(1, 1)])
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c1])
      const swept = [sealed('A'), segment('A'), checkpoint('A'), filters('A'), open('B')]
      await s.start(c3, [...swept, volume(1, 2, sealed('A'))])
      await s.expectAbove(c1, c2, c3)
      await s.finalise(first)
      await s.expectAbove(c3)
      await s.expectArchived(c1, c2)
      expect(await s.held('Novembre', 'Juin', 'Mars', 'Fevrier')).toHaveLength(4)
      await s.reopen(first)
      await s.expectAbove(c3)
      await s.expectArchived(c1, c2)
    }))

  test('6.1.2 twice gc', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c1])
      const c4 = await s.commit(four, [c2])
      await s.gc(c4, first)
      await s.expectAbove(c4)
      await s.expectArchived(c1, c2, c3)
      const c5 = await s.commit(five, [c4])
      await s.expectAbove(c5)
      await s.gc(c5, second)
      await s.expectAbove(c5)
      await s.expectArchived(c1, c2, c3, c4)
      await s.reopen(second)
      await s.expectArchived(c1, c2, c3, c4)
    }))

  test('6.1.2 again, with the orphan after the target in the log: it goes down with a later target', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c4 = await s.commit(four, [c2])
      const c3 = await s.commit(three, [c1])
      await s.gc(c4, first)
      await s.expectAbove(c3, c4)
      await s.expectArchived(c1, c2)
      const c5 = await s.commit(five, [c4])
      await s.gc(c5, second)
      await s.expectAbove(c5)
      await s.expectArchived(c1, c2, c3, c4)
    }))

  test('6.1.3 gc keeps commits after the target', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c2])
      await s.gc(c1, first)
      await s.expectAbove(c1, c2, c3)
    }))

  test('6.1.4 adding back commits', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const cDel = await s.commit(less, [c1])
      const c3 = await s.commit(three, [cDel])
      await s.gc(c3, first)
      await s.expectArchived(c1, cDel)
      await s.expectAbove(c3)
      expect(await c3.commit.tree().get('a/c')).toBeUndefined()
      expect(await s.held('Juin')).toEqual(['Juin'])
      const again = await s.commit(one, [c3])
      const c2 = await s.commit(two, [again])
      await s.expectAbove(again, c2)
      await s.gc(again, second)
      await s.expectArchived(c1, cDel, c3)
      await s.expectAbove(again, c2)
      const c3Again = await s.commit(three, [c2])
      await s.expectAbove(c2, c3Again)
    }))

  test('6.1.5 close: the retired files are kept when asked, and go at the next opening for writing', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      // Unlike a chunk that is deleted, one that is archived always gets its index.
      await s.split([sealed('A'), open('B'), volume(1, 1)])
      const all = [sealed('A'), ...first]
      await s.start(c1, all, { unlink: false })
      await s.swept()
      finalised(await s.finalise(all))
      const c2 = await s.commit(two, [c1])
      await s.close(all)
      await s.open(first)
      await s.expectAbove(c1, c2)
      await s.reopen(first)
      await s.gc(c2, second, { unlink: true })
      await s.close(second)
      await s.open(second)
      await s.expectAbove(c2)
      await s.expectArchived(c1)
    }))

  test('6.1.6 two parents', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two)
      const c3 = await s.commit(three, [c1, c2])
      await s.gc(c3, first)
      await s.expectArchived(c1, c2)
      await s.expectAbove(c3)
      expect((await s.store.getCommit(c3.commit.hash))?.parents).toEqual([c1.commit.hash, c2.commit.hash])
    }))
})

describe.each(places)('collections that archive, what is special, %s', (place) => {
  test('6.1.11 lru: a cached subtree that later commits share stays above', () =>
    run(place, async (s) => {
      const c1 = await s.commit({ 'a/b/c': 'b' })
      const c2 = await s.commit({ 'a/d/c': 'b' }, [c1])
      const c3 = await s.commit({ 'a/d/c': undefined }, [c2])
      const c4 = await s.commit({ 'a/b/e': 'a' }, [c3])
      await s.expectAbove(c1, c2, c3, c4)
      await s.gc(c3, first)
      expect(Buffer.from((await c4.commit.tree().get('a/b/c')) ?? []).toString()).toBe('b')
      expect(c3.commit.treeHash).toBe(c1.commit.treeHash)
      await s.expectAbove(c3, c4)
      await s.expectArchived(c1, c2)
    }))

  test('6.1.12 gc while a commit is being made: not refused, and the commit is whole', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const branch = s.store.branch('main')
      await branch.set(c1.commit)
      const made = await branch.commit(async (edit) => {
        const swept = [sealed('A'), segment('A'), checkpoint('A'), filters('A'), open('B')]
        await s.start(c2, [...swept, volume(1, 2, sealed('A'))])
        edit.set('a/f', 'Fevrier')
        finalised(await s.finalise(first))
      })
      await s.expectFilesStay()
      const content = new Map([...c1.content, ['a/f', 'Fevrier']])
      await s.expectAbove({ commit: made, content, parents: [c1], store: s.store })
      // The branch held it, though it is older than the target.
      await s.expectAbove(c1, c2)
    }))

  test('6.1.13 add back an archived commit: it is written again, above', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c2])
      await s.gc(c3, first)
      await s.expectArchived(c1, c2)
      const c1Again = await s.commit(one)
      expect(c1Again.commit.hash).toBe(c1.commit.hash)
      await s.expectAbove(c1)
      await s.expectArchived(c2)
      const c2Again = await s.commit(two, [c1Again])
      expect(c2Again.commit.hash).toBe(c2.commit.hash)
      await s.expectAbove(c1, c2, c3)
    }))

  test('6.1.14 similar commits', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      await s.gc(c1, first)
      const similar = await s.commit(one, [], { author: 'somebody else' })
      expect(similar.commit.treeHash).toBe(c1.commit.treeHash)
      expect(similar.commit.hash).not.toBe(c1.commit.hash)
      await s.gc(similar, second)
      await s.expectAbove(similar)
      await s.expectArchived(c1)
    }))

  test('6.1.15 the latest target, also after opening again', () =>
    run(place, async (s) => {
      expect(s.store.gc.latestTarget()).toBeUndefined()
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      expect(s.store.gc.latestTarget()).toBeUndefined()
      await s.gc(c2, first)
      expect(s.store.gc.latestTarget()).toBe(c2.commit.hash)
      const c3 = await s.commit(three, [c2])
      await s.gc(c3, second)
      expect(s.store.gc.latestTarget()).toBe(c3.commit.hash)
      await s.reopen(second)
      expect(s.store.gc.latestTarget()).toBe(c3.commit.hash)
      // A collection without a target sets none. Nothing refers to anything here, so nothing stays above, and
      // what goes from there has gone down before.
      await s.gc(undefined, [checkpoint('C'), filters('AB'), open('C'), ...second.slice(-1)])
      expect(s.store.gc.latestTarget()).toBe(c3.commit.hash)
      await s.expectArchived(c1, c2, c3)
    }))

  test('6.1.16 worker gc stats', () =>
    run(place, async (s) => {
      const long = 'Decembre'.repeat(20_000)
      const c1 = await s.commit({ ...one, 'a/z': long })
      const c2 = await s.commit({ ...two, 'a/z': undefined }, [c1])
      // Kept: c2, its root, the directory a, three blobs.
      const stats = [await s.gc(c2, first)]
      const archived = s.store.stats().volumes
      expect(stats[0]).toMatchObject({ target: c2.commit.hash, objectsKept: 6 })
      expect(stats[0]?.bytesArchived).toBeGreaterThan(long.length)
      expect(archived).toMatchObject([{ id: 1, bytes: stats[0]?.bytesArchived }])
      const c3 = await s.commit(three, [c2])
      // Likewise, with a fourth blob.
      stats.push(await s.gc(c3, second))
      expect(stats[1]).toMatchObject({ target: c3.commit.hash, objectsKept: 7 })
      expect(stats[1]?.bytesArchived).toBeGreaterThan(0)
      expect(stats[1]?.bytesArchived).toBeLessThan(32 * 1024)
      const bytes = (stats[0]?.bytesArchived ?? 0) + (stats[1]?.bytesArchived ?? 0)
      expect(s.store.stats().volumes).toMatchObject([{ id: 1, bytes }])
      for (const { peakBytes, wallMs, longestStallMs } of stats) {
        expect(peakBytes).toBeGreaterThan(0)
        expect(wallMs).toBeGreaterThanOrEqual(longestStallMs)
      }
      // Of the upper layer.
      expect(s.store.stats().objects).toEqual({ blob: 4, tree: 2, commit: 1 })
    }))

  test('6.1.17 caches go by file, so that a switch leaves nothing stale in them', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(less, [c1])
      const c3 = await s.commit(three, [c2])
      for (let round = 0; round < 3; round++) await s.expectAbove(c1, c2, c3)
      await s.gc(c2, first)
      for (let round = 0; round < 3; round++) {
        await s.expectAbove(c2, c3)
        await s.expectArchived(c1)
      }
    }))

  test('a target older than the last one is refused, also where it is archived; the same one is not', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c2])
      await s.gc(c1, first)
      // Below the boundary already: nothing goes down.
      const later = [filters('A'), open('B'), volume(1, 2, sealed('A'))]
      await s.gc(c2, [segment('B'), checkpoint('B'), ...later])
      await s.expectAbove(c2, c3)
      await s.expectArchived(c1)
      await expectCode(s.store.startGc(c1.commit), 'TARGET_TOO_OLD')
      expect(await s.store.gc.isAllowed(c1.commit)).toMatchObject({ code: 'TARGET_TOO_OLD' })
      await s.gc(c2, [segment('C'), checkpoint('C'), ...later])
      await s.gc(c3, [segment('D'), checkpoint('D'), ...later])
      await s.expectAbove(c3)
      await s.expectArchived(c1, c2)
      await expectCode(s.store.startGc(c2.commit), 'TARGET_TOO_OLD')
      await s.expectFilesStay()
    }))
})

function run(place: Place, body: (scenario: Scenario) => Promise<void>): Promise<void> {
  return withStore({ place, isLayered: true }, (temp) => body(new Scenario(temp)))
}
