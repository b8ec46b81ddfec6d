/**
 * Instances that only read, beside the one that writes and collects: the reader cases of Irmin-pack's own
 * suite, under their numbers there. A reader asserts of itself that it writes nothing.
 *
 * Different on purpose: a reader sees the state of its opening or its last `reload` in everything, refs
 * included; its caches are kept by file, so a reload after a collection drops those of the files that went
 * (6.3.10). That the files a reader still has open are unlinked shows in the lists of files: they are gone,
 * and it reads on.
 */
import { describe, expect, test } from 'vitest'
import { checkpoint, open, sealed, segment } from '../support/file-letters.ts'
import { readTree } from '../support/read-whole.ts'
import { Scenario, steps } from '../support/scenario.ts'
import { ScenarioReader } from '../support/scenario-reader.ts'
import { type Place, places, type TempStore, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two, c3: three, c4: four, c5: five } = steps

const swept = [sealed('A'), segment('A'), checkpoint('A'), open('B')]
const once = [segment('A'), checkpoint('A'), open('B')]
const twice = [segment('B'), checkpoint('B'), open('C')]

describe.each(places)('readers beside collections, %s', (place) => {
  test('6.1.7 a reader over two gcs', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const reader = await ScenarioReader.open(temp)
      await s.expectFilesStay()
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c1])
      await reader.expectAbsent(c2, c3)
      expect(await reader.reload()).toEqual([])
      const [held1, held2] = [await reader.commit(c1), await reader.commit(c2)]
      await s.gc(c3, once)
      await reader.expectReadable(c1, c2, c3)
      await reader.reload()
      await s.expectFilesStay()
      await reader.expectReadable(c3)
      await reader.expectGone(held1, c1)
      await reader.expectGone(held2, c2)
      const c4 = await s.commit(four, [c3])
      const c5 = await s.commit(five, [c4])
      await reader.reload()
      const held3 = await reader.commit(c3)
      await s.gc(c4, twice)
      await reader.expectReadable(c3, c4, c5)
      await reader.reload()
      await reader.expectReadable(c4, c5)
      await reader.expectGone(held3, c3)
      await reader.close()
      await s.expectFiles(twice)
    }))

  test('6.1.8 a reload after two gcs', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const reader = await ScenarioReader.open(temp)
      await reader.reload()
      await s.gc(c1, once)
      const c2 = await s.commit(two, [c1])
      await s.gc(c2, twice)
      await reader.expectReadable(c1)
      await reader.expectAbsent(c2)
      await reader.reload()
      await reader.expectReadable(c2)
      await reader.expectAbsent(c1)
      await reader.close()
      await s.expectFiles(twice)
    }))

  test('6.1.9 a reader that was closed during a gc', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const first = await ScenarioReader.open(temp)
      await first.expectReadable(c1, c2)
      await first.close()
      await s.gc(c2, once)
      const reader = await ScenarioReader.open(temp)
      await s.expectFiles(once)
      await reader.expectReadable(c2)
      await reader.expectAbsent(c1)
      const c3 = await s.commit(three, [c2])
      await reader.reload()
      await reader.expectReadable(c2, c3)
      await s.expectReadable(c3)
      await reader.expectAbsent(c1)
      await reader.close()
      await s.expectFiles(once)
    }))

  test('6.1.10 a reload right after opening', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const reader = await ScenarioReader.open(temp)
      expect(await reader.reload()).toEqual([])
      await reader.expectReadable(c1)
      await reader.close()
      await s.expectFiles([open('A')])
    }))

  test('6.3.7 a reader finds while a gc runs', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const reader = await ScenarioReader.open(temp)
      await s.start(c2, swept)
      await reader.reload()
      await reader.expectReadable(c1, c2)
      await s.swept()
      await reader.reload()
      await reader.expectReadable(c1, c2)
      const held = await reader.commit(c1)
      await s.finalise(once)
      await reader.expectReadable(c1, c2)
      await reader.reload()
      await reader.expectGone(held, c1)
      await reader.expectReadable(c2)
      await reader.close()
      await s.expectFiles(once)
    }))

  test('6.3.8 a reader beside commits while a gc runs', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const reader = await ScenarioReader.open(temp)
      await s.start(c2, swept)
      const c3 = await s.commit(three, [c2])
      await reader.expectAbsent(c3)
      await reader.reload()
      await reader.expectReadable(c1, c2, c3)
      const c4 = await s.commit(four, [c3])
      await reader.expectAbsent(c4)
      await s.finalise(once)
      await reader.expectReadable(c1, c2, c3)
      await reader.expectAbsent(c4)
      await reader.reload()
      await reader.expectAbsent(c1)
      await reader.expectReadable(c2, c3, c4)
      await reader.close()
      await s.expectFiles(once)
    }))

  test('6.3.9 a reload after a second gc', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const reader = await ScenarioReader.open(temp)
      await s.gc(c2, once)
      const c3 = await s.commit(three, [c2])
      await s.gc(c3, twice)
      await reader.expectReadable(c1, c2)
      await reader.reload()
      await reader.expectAbsent(c1, c2)
      await reader.expectReadable(c3)
      await reader.close()
      await s.expectFiles(twice)
    }))

  test('6.3.10 a reload keeps what is cached, except of files that went', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const reader = await ScenarioReader.open(temp)
      const whole = await readTree((await reader.commit(c1)).tree())
      await s.commit(two, [c1])
      await reader.reload()
      reader.disk.forget()
      expect(await readTree((await reader.commit(c1)).tree())).toEqual(whole)
      expect(reader.disk.bytesRead(), 'all is cached').toBe(0)
      const c3 = await s.commit(three, [c1])
      await s.gc(c3, once)
      await reader.reload()
      reader.disk.forget()
      await reader.expectReadable(c3)
      expect(reader.disk.bytesRead(/gen-\d+\.pack$/), 'its files are new').toBeGreaterThan(0)
      expect(reader.disk.bytesRead(/suffix-\d+\.pack$/), 'the target is in none').toBe(0)
      await reader.close()
      await s.expectFiles(once)
    }))

  test('6.4.2 two splits and a reader', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      await s.split([sealed('A'), open('B')])
      const c2 = await s.commit(two, [c1])
      const reader = await ScenarioReader.open(temp)
      await s.split([sealed('A'), sealed('B'), open('C')])
      const c3 = await s.commit(three, [c2])
      await reader.expectReadable(c1, c2)
      await reader.expectAbsent(c3)
      await reader.reload()
      await reader.expectReadable(c1, c2, c3)
      await reader.close()
      await s.expectFiles([sealed('A'), sealed('B'), open('C')])
    }))

  test('6.4.4 split and close, and a reader of the closed store', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      await s.split([sealed('A'), open('B')])
      const c2 = await s.commit(two, [c1])
      await s.reopen([sealed('A'), open('B')])
      await s.split([sealed('A'), sealed('B'), open('C')])
      const c3 = await s.commit(three, [c2])
      await s.close([sealed('A'), sealed('B'), open('C')])
      const reader = await ScenarioReader.open(temp)
      await s.expectFiles([sealed('A'), sealed('B'), open('C')])
      await reader.expectReadable(c1, c2, c3)
      await reader.close()
      await s.expectFiles([sealed('A'), sealed('B'), open('C')])
    }))
})

describe.each(places)('readers, %s', (place) => {
  test('6.10.1 a reader finds the head and the data that a closed writer left', () =>
    run(place, async (s, temp) => {
      const head = await s.store.branch('main').commit((edit) => void edit.set('a/b', 'Novembre'))
      await s.store.tag('v1').create(head, { message: 'first' })
      const reader = await ScenarioReader.open(temp)
      await s.close([open('A')])
      expect((await reader.store.branch('main').head())?.hash).toBe(head.hash)
      expect(await reader.store.branch('main').get('a/b')).toEqual(new TextEncoder().encode('Novembre'))
      expect((await reader.store.tag('v1').target())?.hash).toBe(head.hash)
      expect(await reader.store.tag('v1').annotation()).toMatchObject({ message: 'first' })
      await reader.close()
      await s.expectFiles([open('A')])
    }))

  test('6.10.2 a reader sees a commit after its reload, the one before it all along', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const reader = await ScenarioReader.open(temp)
      await reader.expectReadable(c1)
      const c2 = await s.commit(two, [c1])
      await reader.expectReadable(c1)
      await reader.expectAbsent(c2)
      await reader.reload()
      await reader.expectReadable(c1, c2)
      await reader.close()
      await s.expectFilesStay()
    }))

  test('6.10.3 a reader sees what a writer committed before it closed', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const reader = await ScenarioReader.open(temp)
      const c2 = await s.commit(two, [c1])
      await s.close([open('A')])
      await reader.expectAbsent(c2)
      await reader.reload()
      await reader.expectReadable(c1, c2)
      // Another writer raises the term and goes on in the same chunk.
      await s.open([open('A')])
      const c3 = await s.commit(three, [c2])
      await reader.reload()
      await reader.expectReadable(c1, c2, c3)
      await reader.close()
      await s.expectFilesStay()
    }))

  test('6.10.4 a reader has no way to write', () =>
    run(place, async (s, temp) => {
      await s.store.branch('main').commit((edit) => void edit.set('a', 'b'))
      const reader = await ScenarioReader.open(temp)
      const { store } = reader
      const calls = [
        'putBlob',
        'putTree',
        'commit',
        'startGc',
        'finaliseGc',
        'flush',
        'emptyTree',
        'advanced',
      ]
      for (const call of calls) expect(store).not.toHaveProperty(call)
      for (const call of ['run', 'cancel', 'wait']) expect(store.gc).not.toHaveProperty(call)
      for (const call of ['commit', 'set', 'compareAndSet', 'delete']) {
        expect(store.branch('main')).not.toHaveProperty(call)
      }
      for (const call of ['create', 'delete']) expect(store.tag('v1')).not.toHaveProperty(call)
      const touched = store.hasBlobs([], { touch: true } as never)
      await expect(touched).rejects.toMatchObject({ code: 'OPTION_MISMATCH', details: { option: 'touch' } })
      // An edit is in memory; nobody takes its tree.
      const edited = await (await store.branch('main').head())?.tree().set('a', 'c')
      expect(await edited?.get('a')).toEqual(new TextEncoder().encode('c'))
      await reader.close()
      await s.expectFiles([open('A')])
    }))
})

function run(place: Place, body: (s: Scenario, temp: TempStore) => Promise<void>): Promise<void> {
  return withStore({ place }, (temp) => body(new Scenario(temp), temp))
}
