/**
 * Collections that overlap with reading, writing, cancelling, closing, and dying: the concurrent part of
 * Irmin-pack's own suite, under its numbers there.
 *
 * Different on purpose: a worker that dies ends the collection with GC_FAILED, and leaves the store as it
 * was; the next collection works. `close` cancels, and waits until the collection's files are gone.
 *
 * Not here: 6.3.7–6.3.10 need an instance in another process that only reads.
 */
import { describe, expect, test } from 'vitest'
import { dyingFileSystem } from '../support/dying-file-system.ts'
import { checkpoint, open, sealed, segment } from '../support/file-letters.ts'
import { expectCode, Scenario, steps } from '../support/scenario.ts'
import { type Place, places, type TempStoreOptions, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two, c3: three, c4: four, c5: five } = steps

/** Little enough that nothing stays cached, and the default. */
const caches = [64 * 1024, undefined]

describe.each(places)('collections beside other work, %s', (place) => {
  test.each(caches)('6.3.1–2 find while a gc runs, cache of %s', (cacheBytes) =>
    run({ place, cacheBytes }, async (s) => {
      const { files } = s.temp
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2)
      await s.expectReadable(c1, c2)
      await s.swept()
      // What the sweep has kept, whole; control does not name it yet.
      await files.expect(sealed('A'), segment('A'), checkpoint('A'), open('B'))
      await s.expectReadable(c1, c2)
      await s.finalise()
      await files.expect(segment('A'), checkpoint('A'), open('B'))
      await s.expectGone(c1)
      await s.expectReadable(c2)
    }),
  )

  test.each(caches)('6.3.3–4 add while a gc runs, cache of %s', (cacheBytes) =>
    run({ place, cacheBytes }, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2)
      const c3 = await s.commit(three, [c2])
      await s.expectReadable(c1, c2, c3)
      await s.finalise()
      await s.temp.files.expect(segment('A'), checkpoint('A'), open('B'))
      await s.expectGone(c1)
      await s.expectReadable(c2, c3)
    }),
  )

  test.each(caches)('6.3.5–6 several gcs, cache of %s', (cacheBytes) =>
    run({ place, cacheBytes }, async (s) => {
      let head = await s.commit(one)
      const made = [head]
      for (const [round, step] of [two, three, four, five].entries()) {
        await s.start(head)
        head = await s.commit(step, [head])
        made.push(head)
        await s.finalise()
        const letter = 'ABCD'.charAt(round)
        await s.temp.files.expect(segment(letter), checkpoint(letter), open('BCDE'.charAt(round)))
        await s.expectGone(...made.slice(0, -2))
        await s.expectReadable(...made.slice(-2))
      }
    }),
  )

  test('6.3.11 close while a gc runs', () =>
    run({ place }, async (s) => {
      const { files } = s.temp
      const c1 = await s.commit(one)
      await files.expect(open('A'))
      const c2 = await s.commit(two, [c1])
      await files.expect(open('A'))
      await s.start(c2)
      // Of the collection there is any part by now, or none.
      await files.include(sealed('A'), open('B'))
      await s.temp.close()
      await files.expect(sealed('A'), open('B'))
      await files.forgetGone()
      await s.temp.open()
      expect(s.store.gc.isFinished()).toBe(true)
      await files.expect(sealed('A'), open('B'))
      await s.expectReadable(c1, c2)
      await s.gc(c2)
      // Nothing has been written to B.
      await files.expect(segment('A'), checkpoint('A'), open('B'))
      await s.expectReadable(c2)
      await s.expectGone(c1)
    }))

  test('6.3.12 a second start while a gc runs changes nothing', () =>
    run({ place }, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2)
      const c3 = await s.commit(three, [c2])
      expect(await s.store.startGc(c3.commit, { grace: 0 })).toBe(false)
      expect(s.store.gc.status).toMatchObject({ target: c2.commit.hash })
      await expectCode(s.store.gc.run(c3.commit, { grace: 0 }), 'GC_RUNNING')
      await s.finalise()
      await s.temp.files.expect(segment('A'), checkpoint('A'), open('B'))
      await s.expectGone(c1)
      await s.expectReadable(c2, c3)
      expect(s.store.gc.latestTarget()).toBe(c2.commit.hash)
    }))

  test('6.3.15 close cancels a gc whose chunks were split, and keeps what is needed', () =>
    run({ place }, async (s) => {
      const { files } = s.temp
      const c1 = await s.commit(one)
      await s.store.advanced.split()
      await files.expect(sealed('A'), open('B'))
      const c2 = await s.commit(two, [c1])
      await s.store.advanced.split()
      await s.gc(c2)
      await files.expect(segment('A'), checkpoint('A'), open('C'))
      const c3 = await s.commit(three, [c2])
      await s.store.advanced.split()
      await files.expect(segment('A'), checkpoint('A'), sealed('C'), open('D'))
      await s.start(c3)
      await s.temp.close()
      await files.expect(segment('A'), checkpoint('A'), sealed('C'), open('D'))
      await s.temp.open()
      await s.expectReadable(c2, c3)
      expect(await s.store.getCommit(c1.commit.hash)).toBeUndefined()
    }))

  test('cancel, at once and after the sweep: the store is as before, and can be collected', () =>
    run({ place }, async (s) => {
      const { files } = s.temp
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2)
      expect(await s.store.gc.cancel()).toBe(true)
      expect(await s.store.gc.cancel()).toBe(false)
      await files.expect(sealed('A'), open('B'))
      await s.expectReadable(c1, c2)
      await s.start(c2)
      await s.swept()
      expect(await s.store.gc.cancel()).toBe(true)
      expect(await s.store.finaliseGc()).toEqual({ state: 'idle' })
      await files.expect(sealed('A'), open('B'))
      await s.expectReadable(c1, c2)
      expect(s.store.gc.latestTarget()).toBeUndefined()
      await s.gc(c2)
      await files.expect(segment('A'), checkpoint('A'), open('B'))
      await s.expectGone(c1)
      expect(await s.store.gc.cancel()).toBe(false)
    }))
})

describe('collections whose worker dies', () => {
  test('6.3.13 kill gc and finalise', () =>
    run({ place: 'disk', wrap: dyingFileSystem }, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2)
      await expectCode(s.store.finaliseGc({ wait: true }), 'GC_FAILED')
      expect(s.store.gc.isFinished()).toBe(true)
      await s.temp.files.expect(sealed('A'), open('B'))
      await s.expectReadable(c1, c2)
      const c3 = await s.commit(three, [c2])
      await expectCode(s.store.gc.run(c3.commit, { grace: 0 }), 'GC_FAILED')
      await s.temp.files.expect(sealed('A'), sealed('B'), open('C'))
      await s.expectReadable(c1, c2, c3)
    }))

  test('6.3.14 kill gc and close', () =>
    run({ place: 'disk', wrap: dyingFileSystem }, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.start(c2)
      await s.temp.reopen()
      await s.temp.files.expect(sealed('A'), open('B'))
      await s.expectReadable(c1, c2)
      await s.start(c2)
      await s.swept()
      await s.temp.reopen()
      await s.temp.files.expect(sealed('A'), open('B'))
      await s.expectReadable(c1, c2)
    }))
})

function run(
  options: TempStoreOptions & { place: Place },
  body: (scenario: Scenario) => Promise<void>,
): Promise<void> {
  return withStore(options, (temp) => body(new Scenario(temp)))
}
