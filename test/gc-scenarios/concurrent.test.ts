/**
 * Collections that overlap with reading, writing, cancelling, closing, and dying: the concurrent part of
 * Irmin-pack's own suite, under its numbers there.
 *
 * Different on purpose: a worker that dies ends the collection with GC_FAILED, and leaves the store as it
 * was; the next collection works. `close` cancels, and waits until the collection's files are gone.
 *
 * Not here: 6.3.7–6.3.10 are in readers.test.ts.
 */
import { describe, expect, test } from 'vitest'
import { dyingFileSystem } from '../support/dying-file-system.ts'
import { checkpoint, type FileList, open, sealed, segment } from '../support/file-letters.ts'
import { expectCode, Scenario, steps } from '../support/scenario.ts'
import { type Place, places, type TempStoreOptions, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two, c3: three, c4: four, c5: five } = steps

/** What the first collection has kept, whole; control does not name it yet. */
const sweptOnce = [sealed('A'), segment('A'), checkpoint('A'), open('B')]

/** Little enough that nothing stays cached, and the default. */
const caches = [64 * 1024, undefined]

describe.each(places)('collections beside other work, %s', (place) => {
  test.each(caches)('6.3.1–2 find while a gc runs, cache of %s', (cacheBytes) =>
    run({ place, cacheBytes }, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2, sweptOnce)
      await s.expectReadable(c1, c2)
      await s.swept()
      await s.expectReadable(c1, c2)
      await s.finalise([segment('A'), checkpoint('A'), open('B')])
      await s.expectGone(c1)
      await s.expectReadable(c2)
    }),
  )

  test.each(caches)('6.3.3–4 add while a gc runs, cache of %s', (cacheBytes) =>
    run({ place, cacheBytes }, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2, sweptOnce)
      const c3 = await s.commit(three, [c2])
      await s.expectReadable(c1, c2, c3)
      await s.finalise([segment('A'), checkpoint('A'), open('B')])
      await s.expectGone(c1)
      await s.expectReadable(c2, c3)
    }),
  )

  test.each(caches)('6.3.5–6 several gcs, cache of %s', (cacheBytes) =>
    run({ place, cacheBytes }, async (s) => {
      let head = await s.commit(one)
      const made = [head]
      let before: FileList = []
      for (const [round, step] of [two, three, four, five].entries()) {
        const [letter, next] = ['ABCD'.charAt(round), 'BCDE'.charAt(round)]
        const kept = [segment(letter), checkpoint(letter), open(next)]
        await s.start(head, [...before, sealed(letter), ...kept])
        head = await s.commit(step, [head])
        made.push(head)
        await s.finalise(kept)
        before = kept.slice(0, 2)
        await s.expectGone(...made.slice(0, -2))
        await s.expectReadable(...made.slice(-2))
      }
    }),
  )

  test('6.3.11 close while a gc runs', () =>
    run({ place }, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2, sweptOnce)
      await s.close([sealed('A'), open('B')])
      await s.open([sealed('A'), open('B')])
      expect(s.store.gc.isFinished()).toBe(true)
      await s.expectReadable(c1, c2)
      await s.gc(c2, [segment('A'), checkpoint('A'), open('B')])
      await s.expectReadable(c2)
      await s.expectGone(c1)
    }))

  test('6.3.12 a second start while a gc runs changes nothing', () =>
    run({ place }, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2, sweptOnce)
      const c3 = await s.commit(three, [c2])
      expect(await s.store.startGc(c3.commit, { grace: 0 })).toBe(false)
      expect(s.store.gc.status).toMatchObject({ target: c2.commit.hash })
      await expectCode(s.store.gc.run(c3.commit, { grace: 0 }), 'GC_RUNNING')
      await s.finalise([segment('A'), checkpoint('A'), open('B')])
      await s.expectGone(c1)
      await s.expectReadable(c2, c3)
      expect(s.store.gc.latestTarget()).toBe(c2.commit.hash)
    }))

  test('6.3.15 close cancels a gc whose chunks were split, and keeps what is needed', () =>
    run({ place }, async (s) => {
      const c1 = await s.commit(one)
      await s.split([sealed('A'), open('B')])
      const c2 = await s.commit(two, [c1])
      await s.split([sealed('A'), sealed('B'), open('C')])
      await s.gc(c2, [segment('A'), checkpoint('A'), open('C')])
      const c3 = await s.commit(three, [c2])
      await s.split([segment('A'), checkpoint('A'), sealed('C'), open('D')])
      await s.start(c3, [
        ...[segment('A'), checkpoint('A'), sealed('C'), open('D')],
        ...[segment('B'), checkpoint('B')],
      ])
      await s.close([segment('A'), checkpoint('A'), sealed('C'), open('D')])
      await s.open([segment('A'), checkpoint('A'), sealed('C'), open('D')])
      await s.expectReadable(c2, c3)
      expect(await s.store.getCommit(c1.commit.hash)).toBeUndefined()
    }))

  test('cancel, at once and after the sweep: the store is as before, and can be collected', () =>
    run({ place }, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2, sweptOnce)
      await s.cancel([sealed('A'), open('B')])
      expect(await s.store.gc.cancel()).toBe(false)
      await s.expectReadable(c1, c2)
      await s.start(c2, sweptOnce)
      await s.swept()
      await s.cancel([sealed('A'), open('B')])
      expect(await s.store.finaliseGc()).toEqual({ state: 'idle' })
      await s.expectReadable(c1, c2)
      expect(s.store.gc.latestTarget()).toBeUndefined()
      await s.gc(c2, [segment('A'), checkpoint('A'), open('B')])
      await s.expectGone(c1)
      expect(await s.store.gc.cancel()).toBe(false)
    }))
})

describe('collections whose worker dies', () => {
  test('6.3.13 kill gc and finalise', () =>
    run({ place: 'disk', wrap: dyingFileSystem }, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2, sweptOnce)
      await expectCode(s.store.finaliseGc({ wait: true }), 'GC_FAILED')
      expect(s.store.gc.isFinished()).toBe(true)
      await s.expectFiles([sealed('A'), open('B')])
      await s.expectReadable(c1, c2)
      const c3 = await s.commit(three, [c2])
      await expectCode(s.store.gc.run(c3.commit, { grace: 0 }), 'GC_FAILED')
      await s.expectFiles([sealed('A'), sealed('B'), open('C')])
      await s.expectReadable(c1, c2, c3)
    }))

  test('6.3.14 kill gc and close', () =>
    run({ place: 'disk', wrap: dyingFileSystem }, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2, sweptOnce)
      await s.reopen([sealed('A'), open('B')])
      await s.expectReadable(c1, c2)
      await s.start(c2, sweptOnce)
      await s.swept([sealed('A'), open('B')])
      await s.reopen([sealed('A'), open('B')])
      await s.expectReadable(c1, c2)
    }))
})

function run(
  options: TempStoreOptions & { place: Place },
  body: (scenario: Scenario) => Promise<void>,
): Promise<void> {
  return withStore(options, (temp) => body(new Scenario(temp)))
}
