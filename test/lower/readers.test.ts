/**
 * Instances that only read, beside collections that archive: the reader cases of Irmin-pack's own suite as
 * they run over its archive backend, under their numbers there. What a reload finds collected without a lower
 * layer, it finds in the volume here: nothing is ever lost to a reader.
 */
import type { ObjectPlace } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { checkpoint, filters, open, sealed, segment, volume } from '../support/file-letters.ts'
import { readTree } from '../support/read-whole.ts'
import { type Made, Scenario, steps } from '../support/scenario.ts'
import { ScenarioReader } from '../support/scenario-reader.ts'
import { type Place, places, type TempStore, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two, c3: three, c4: four, c5: five } = steps

const none = [open('A'), volume(1, 1)]
const swept = [sealed('A'), segment('A'), checkpoint('A'), filters('A'), open('B'), volume(1, 2, sealed('A'))]
const once = [segment('A'), checkpoint('A'), filters('A'), open('B'), volume(1, 2, sealed('A'))]
const twice = [
  ...[segment('B'), checkpoint('B'), filters('AB'), open('C')],
  volume(1, 3, sealed('A'), sealed('B')),
]

/** Asserts that each can be read, from there. */
async function expectIn(
  state: ObjectPlace['state'],
  reader: ScenarioReader,
  ...made: readonly Made[]
): Promise<void> {
  await reader.expectReadable(...made)
  for (const { commit } of made) expect((await reader.store.locate(commit.hash)).state).toBe(state)
}

describe.each(places)('readers beside collections that archive, %s', (place) => {
  test('6.1.7 a reader over two gcs', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const reader = await ScenarioReader.open(temp)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c1])
      await reader.expectAbsent(c2, c3)
      await reader.reload()
      const held = await reader.commit(c1)
      const whole = await readTree(held.tree())
      await s.gc(c3, once)
      await expectIn('present', reader, c1, c2, c3)
      await reader.reload()
      await s.expectFilesStay()
      await expectIn('present', reader, c3)
      await expectIn('archived', reader, c1, c2)
      expect(await readTree(held.tree()), 'what it has read before').toEqual(whole)
      const c4 = await s.commit(four, [c3])
      const c5 = await s.commit(five, [c4])
      await reader.reload()
      await s.gc(c4, twice)
      await expectIn('present', reader, c3, c4, c5)
      await reader.reload()
      await expectIn('present', reader, c4, c5)
      await expectIn('archived', reader, c1, c2, c3)
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
      await expectIn('present', reader, c1)
      await reader.expectAbsent(c2)
      await reader.reload()
      await expectIn('present', reader, c2)
      await expectIn('archived', reader, c1)
      await reader.close()
      await s.expectFiles(twice)
    }))

  test('6.1.9 a reader that was closed during a gc', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const first = await ScenarioReader.open(temp)
      await expectIn('present', first, c1, c2)
      await first.close()
      await s.gc(c2, once)
      const reader = await ScenarioReader.open(temp)
      await s.expectFiles(once)
      await expectIn('present', reader, c2)
      await expectIn('archived', reader, c1)
      const c3 = await s.commit(three, [c2])
      await reader.reload()
      await expectIn('present', reader, c2, c3)
      await expectIn('archived', reader, c1)
      await reader.close()
      await s.expectFiles(once)
    }))

  test('6.1.10 a reload right after opening', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const reader = await ScenarioReader.open(temp)
      expect(await reader.reload()).toEqual([])
      await expectIn('present', reader, c1)
      await reader.close()
      await s.expectFiles(none)
    }))

  test('6.3.7 a reader finds while a gc runs', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const reader = await ScenarioReader.open(temp)
      await s.start(c2, swept)
      await reader.reload()
      await expectIn('present', reader, c1, c2)
      await s.swept()
      await reader.reload()
      await expectIn('present', reader, c1, c2)
      await s.finalise(once)
      await expectIn('present', reader, c1, c2)
      await reader.reload()
      await expectIn('archived', reader, c1)
      await expectIn('present', reader, c2)
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
      await expectIn('present', reader, c1, c2, c3)
      const c4 = await s.commit(four, [c3])
      await s.finalise(once)
      await expectIn('present', reader, c1, c2, c3)
      await reader.expectAbsent(c4)
      await reader.reload()
      await expectIn('archived', reader, c1)
      await expectIn('present', reader, c2, c3, c4)
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
      await expectIn('present', reader, c1, c2)
      await reader.reload()
      await expectIn('archived', reader, c1, c2)
      await expectIn('present', reader, c3)
      await reader.close()
      await s.expectFiles(twice)
    }))

  test('6.3.10 a reload keeps what is cached, except of files that went', () =>
    run(place, async (s, temp) => {
      const c1 = await s.commit(one)
      const reader = await ScenarioReader.open(temp)
      const whole = await readTree((await reader.commit(c1)).tree())
      const c3 = await s.commit(three, [c1])
      await s.gc(c3, once)
      await reader.reload()
      reader.disk.forget()
      await expectIn('present', reader, c3)
      expect(reader.disk.bytesRead(/gen-\d+\.pack$/), 'its files are new').toBeGreaterThan(0)
      expect(await readTree((await reader.commit(c1)).tree())).toEqual(whole)
      expect(reader.disk.bytesRead(/volume-1\/suffix-\d+\.pack$/), 'what went lies there').toBeGreaterThan(0)
      await reader.close()
      await s.expectFiles(once)
    }))
})

function run(place: Place, body: (s: Scenario, temp: TempStore) => Promise<void>): Promise<void> {
  return withStore({ place, isLayered: true }, (temp) => body(new Scenario(temp), temp))
}
