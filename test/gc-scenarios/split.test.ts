/**
 * Chunks that are split by hand: the split part of Irmin-pack's own suite, under its numbers there. Nobody
 * has to split: starting a collection seals the open chunk, and chunks are sealed by themselves as they grow.
 *
 * Different on purpose: the boundary is the end of the chunk that holds the target, so all of that chunk goes
 * (what it holds after the target is copied), and the dead bytes whose arithmetic 6.4.7 watches do not exist.
 * Splitting an empty chunk does nothing, rather than being refused.
 *
 * Not here:
 * | 6.4.2  | is in readers.test.ts, as is what 6.4.4 has to say of readers                        |
 * | 6.4.11 | there are no stores that refuse to split: every store can be collected               |
 */
import { describe, expect, test } from 'vitest'
import { checkpoint, open, sealed, segment } from '../support/file-letters.ts'
import { Scenario, steps } from '../support/scenario.ts'
import { type Place, places, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two, c3: three, c4: four } = steps

describe.each(places)('splits, %s', (place) => {
  test('6.4.1 two splits, and reads across three chunks', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      await s.split([sealed('A'), open('B')])
      const c2 = await s.commit(two, [c1])
      await s.split([sealed('A'), sealed('B'), open('C')])
      const c3 = await s.commit(three, [c2])
      await s.expectReadable(c1, c2, c3)
      await s.reopen([sealed('A'), sealed('B'), open('C')])
      await s.expectReadable(c1, c2, c3)
    }))

  test('6.4.1 again: splitting an empty chunk does nothing', () =>
    run(place, async (s) => {
      await s.split([open('A')])
      await s.commit(one)
      await s.split([sealed('A'), open('B')])
      await s.split([sealed('A'), open('B')])
    }))

  test('6.4.3 gcs of commits of earlier chunks, one by one', () =>
    run(place, async (s) => {
      const c0 = await s.commit({ 'z/z': 'Decembre' })
      const c1 = await s.commit(one, [c0])
      await s.split([sealed('A'), open('B')])
      const c2 = await s.commit(two, [c1])
      await s.split([sealed('A'), sealed('B'), open('C')])
      // The chunk of c0 goes at once; c1, which it held too, is copied.
      await s.gc(c0, [segment('A'), checkpoint('A'), sealed('B'), open('C')])
      await s.expectReadable(c0, c1, c2)
      await s.gc(c1, [segment('B'), checkpoint('B'), sealed('B'), open('C')])
      await s.expectGone(c0)
      await s.expectReadable(c1, c2)
      await s.gc(c2, [segment('C'), checkpoint('C'), open('C')])
      await s.expectGone(c0, c1)
      await s.expectReadable(c2)
    }))

  test('6.4.4 split and close', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      // An index that is not ready at the close is made at the next opening.
      await s.split([sealed('A'), open('B')])
      const c2 = await s.commit(two, [c1])
      await s.close([sealed('A'), open('B')])
      await s.open([sealed('A'), open('B')])
      await s.split([sealed('A'), sealed('B'), open('C')])
      const c3 = await s.commit(three, [c2])
      await s.close([sealed('A'), sealed('B'), open('C')])
      await s.open([sealed('A'), sealed('B'), open('C')])
      await s.expectReadable(c1, c2, c3)
    }))

  test('6.4.5 two gcs, then a split', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c2])
      await s.gc(c2, [segment('A'), checkpoint('A'), open('B')])
      await s.gc(c3, [segment('B'), checkpoint('B'), open('B')])
      await s.split([segment('B'), checkpoint('B'), open('B')])
      const c4 = await s.commit(four, [c3])
      await s.expectReadable(c3, c4)
      await s.expectGone(c1, c2)
    }))

  test('6.4.6 split and gc', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      await s.split([sealed('A'), open('B')])
      const c2 = await s.commit(two, [c1])
      await s.gc(c2, [segment('A'), checkpoint('A'), open('C')])
      await s.expectReadable(c2)
      await s.expectGone(c1)
    }))

  test('6.4.7 several splits and gcs', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      await s.split([sealed('A'), open('B')])
      const c2 = await s.commit(two, [c1])
      await s.split([sealed('A'), sealed('B'), open('C')])
      await s.gc(c1, [segment('A'), checkpoint('A'), sealed('B'), open('C')])
      const c3 = await s.commit(three, [c2])
      await s.split([segment('A'), checkpoint('A'), sealed('B'), sealed('C'), open('D')])
      await s.gc(c2, [segment('B'), checkpoint('B'), sealed('C'), open('D')])
      const c4 = await s.commit(four, [c3])
      await s.expectGone(c1)
      await s.expectReadable(c2, c3, c4)
    }))

  test('6.4.8 a gc of the first of two chunks', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      await s.split([sealed('A'), open('B')])
      const c2 = await s.commit(two, [c1])
      await s.gc(c1, [segment('A'), checkpoint('A'), sealed('B'), open('C')])
      await s.expectReadable(c1, c2)
    }))

  test('6.4.9 a split while a gc runs', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      const swept = [sealed('A'), segment('A'), checkpoint('A'), open('B')]
      await s.start(c1, swept)
      await s.split(swept)
      await s.finalise([segment('A'), checkpoint('A'), open('B')])
      const c2 = await s.commit(two, [c1])
      await s.expectReadable(c1, c2)
    }))

  test('6.4.10 commits and splits while a gc runs', () =>
    run(place, async (s) => {
      const c1 = await s.commit(one)
      await s.split([sealed('A'), open('B')])
      const c2 = await s.commit(two, [c1])
      const kept = [segment('A'), checkpoint('A')]
      await s.start(c2, [...kept, sealed('A'), sealed('B'), open('C')])
      await s.split([...kept, sealed('A'), sealed('B'), open('C')])
      const c3 = await s.commit(three, [c2])
      await s.split([...kept, sealed('A'), sealed('B'), sealed('C'), open('D')])
      const c4 = await s.commit(four, [c3])
      await s.expectReadable(c1, c2, c3, c4)
      await s.finalise([segment('A'), checkpoint('A'), sealed('C'), open('D')])
      await s.expectGone(c1)
      await s.expectReadable(c2, c3, c4)
      await s.reopen([segment('A'), checkpoint('A'), sealed('C'), open('D')])
      await s.expectReadable(c2, c3, c4)
      expect(await s.store.getCommit(c1.commit.hash)).toBeUndefined()
    }))
})

function run(place: Place, body: (scenario: Scenario) => Promise<void>): Promise<void> {
  return withStore({ place }, (temp) => body(new Scenario(temp)))
}
