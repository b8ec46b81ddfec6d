/** Archives and volumes where Irmin-pack has no scenario: each step asserts the files of both layers. */
import { describe, expect, test } from 'vitest'
import { checkpoint, filters, open, sealed, segment, volume } from '../support/file-letters.ts'
import { expectCode, Scenario, steps } from '../support/scenario.ts'
import { places, type TempStoreOptions, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two, c3: three, c4: four } = steps

/** After the first collection of a store that has one chunk. */
const first = [segment('A'), checkpoint('A'), filters('A'), open('B'), volume(1, 2, sealed('A'))]

describe.each(places)('archives beyond Irmin-pack, %s', (place) => {
  const run = (o: TempStoreOptions, body: (s: Scenario) => Promise<void>): Promise<void> =>
    withStore({ place, ...o }, (temp) => body(new Scenario(temp)))
  const layered = { isLayered: true }

  test('a target below the boundary: of what is above, only the generation goes into a volume that lacks it', () =>
    run(layered, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.gc(c1, first)
      await s.addVolume([...first, volume(2, 1)])
      const c3 = await s.commit(three, [c2])
      // The chunk of c3 stays where it is.
      const after = [
        ...[sealed('B'), segment('B'), checkpoint('B'), filters('AB'), open('C')],
        ...[volume(1, 2, sealed('A')), volume(2, 2, segment('A'))],
      ]
      await s.gc(c2, after)
      await s.expectArchived(c1)
      await s.expectAbove(c2, c3)
      // Once more: now no volume lacks anything.
      const again = [sealed('B'), segment('C'), checkpoint('C'), ...after.slice(3)]
      await s.gc(c2, again)
      // A volume that holds a generation only is not empty.
      await s.addVolume([...again, volume(3, 1)])
      await s.reopen([...again, volume(3, 1)])
      await s.expectArchived(c1)
      await s.expectAbove(c2, c3)
    }))

  test('attached after a collection, with a target below the boundary', () =>
    run({}, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.gc(c1, [segment('A'), checkpoint('A'), open('B')])
      await s.attach([segment('A'), checkpoint('A'), open('B')])
      await s.gc(c2, [segment('B'), checkpoint('B'), filters('A'), open('B'), volume(1, 2, segment('A'))])
      await s.expectArchived(c1)
      await s.expectAbove(c2)
    }))

  test('without a target: all history that refs reach stays above, the rest goes down', () =>
    run(layered, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c1])
      await s.store.branch('main').set(c2.commit)
      await s.gc(undefined, first)
      await s.expectAbove(c1, c2)
      await s.expectArchived(c3)
      // Nothing was written since: nothing goes down, and the generation is written once more.
      await s.gc(undefined, [segment('B'), checkpoint('B'), filters('A'), open('B'), first[4] ?? []])
      await s.expectAbove(c1, c2)
      await s.store.branch('main').delete()
      const after = [checkpoint('C'), filters('AB'), open('C'), volume(1, 3, sealed('A'), sealed('B'))]
      await s.gc(undefined, after)
      await s.expectArchived(c1, c2, c3)
      await s.reopen(after)
      await s.expectArchived(c1, c2, c3)
    }))

  test('a branch on an archived commit: it comes up, and the volume that holds it gets nothing twice', () =>
    run(layered, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.gc(c2, first)
      await s.expectArchived(c1)
      await s.store.branch('old').set(c1.commit)
      // The chunk of the ref is above the boundary.
      const after = [
        ...[segment('B'), checkpoint('B'), filters('A'), sealed('B'), open('C')],
        volume(1, 2, sealed('A')),
      ]
      await s.gc(c2, after)
      await s.expectAbove(c1, c2)
    }))

  test('the same with a second volume: what comes up goes into that one too, in a segment of its own', () =>
    run(layered, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.gc(c2, first)
      await s.addVolume([...first, volume(2, 1)])
      const c3 = await s.commit(three, [c2])
      await s.store.branch('old').set(c1.commit)
      const after = [
        ...[segment('B'), segment('C'), checkpoint('B'), filters('AB'), open('C')],
        ...[volume(1, 2, sealed('A')), volume(2, 2, sealed('B'), segment('A'), segment('C'))],
      ]
      await s.gc(c3, after)
      await s.expectAbove(c1, c3)
      await s.expectArchived(c2)
      await s.store.branch('old').delete()
      const c4 = await s.commit(four, [c3])
      await s.gc(c4, [
        ...[segment('D'), checkpoint('C'), filters('ABC'), open('D')],
        ...[volume(1, 2, sealed('A')), volume(2, 3, sealed('B'), sealed('C'), segment('A'), segment('C'))],
      ])
      await s.expectArchived(c1, c2, c3)
      await s.expectAbove(c4)
    }))

  test('a commit that keeps nothing above its own: `keep` holds archived ones too', () =>
    run(layered, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.gc(c2, first)
      const c3 = await s.commit(three, [c2])
      const after = [
        ...[segment('B'), checkpoint('B'), filters('AB'), open('C')],
        volume(1, 3, sealed('A'), sealed('B')),
      ]
      await s.gc(c3, after, { keep: [c1.commit.hash] })
      await s.expectAbove(c1, c3)
      await s.expectArchived(c2)
    }))
})

/**
 * A thread is ended whatever it is doing: what it has put into a volume then stays, and counts for nothing.
 */
test('a collection that is cancelled on the thread of its caller leaves both layers as they were', () =>
  withStore({ isLayered: true }, async (temp) => {
    const s = new Scenario(temp)
    const c1 = await s.commit(one)
    const c2 = await s.commit(two, [c1])
    await s.gc(c1, first)
    await s.addVolume([...first, volume(2, 1)])
    const c3 = await s.commit(three, [c2])
    const swept = [
      ...[segment('A'), segment('B'), checkpoint('A'), checkpoint('B'), filters('AB')],
      ...[sealed('B'), open('C'), volume(1, 2, sealed('A'))],
      volume(2, 2, sealed('B'), segment('A')),
    ]
    await s.start(c3, swept)
    await s.swept()
    await s.cancel([...first.slice(0, 3), sealed('B'), open('C'), first[4] ?? [], volume(2, 1)])
    await s.expectAbove(c1, c2, c3)
    await s.store.gc.run(c3.commit.hash, { grace: 0 })
    await s.expectArchived(c1, c2)
    await s.expectAbove(c3)
  }))

test.each(places)('what was lifted into a volume for a collection that is cancelled goes, %s', (place) =>
  withStore({ place, isLayered: true }, async (temp) => {
    const s = new Scenario(temp)
    const c1 = await s.commit(one)
    const c2 = await s.commit(two, [c1])
    await s.gc(c2, first)
    await s.addVolume([...first, volume(2, 1)])
    const c3 = await s.commit(three, [c2])
    await s.store.branch('old').set(c1.commit)
    await s.start(c3, [
      ...[segment('A'), segment('B'), segment('C'), checkpoint('A'), checkpoint('B'), filters('AB')],
      ...[sealed('B'), open('C'), volume(1, 2, sealed('A'))],
      volume(2, 2, sealed('B'), segment('A'), segment('C')),
    ])
    await s.swept()
    await s.store.gc.cancel()
    expect((await temp.files.names()).filter((name) => /gen-[BC]/.test(name))).toEqual([])
    await s.expectArchived(c1)
    await s.expectAbove(c2, c3)
    await s.store.gc.run(c3.commit.hash, { grace: 0 })
    await s.expectAbove(c1, c3)
    await s.expectArchived(c2)
  }),
)

test('a new volume is refused, and nothing changes: without a lower layer, in an empty one, while one is away', () =>
  withStore({ isLayered: true }, async (temp) => {
    const s = new Scenario(temp)
    await expectCode(s.store.advanced.addVolume(), 'OPTION_MISMATCH')
    await s.gc(await s.commit(one), first)
    await temp.disk.rename(temp.lower, '/away')
    // A file stands where its folder was.
    await (await temp.disk.open(temp.lower, 'create')).close()
    await expectCode(s.store.advanced.addVolume(), 'LOWER_UNAVAILABLE')
    expect(s.store.stats().volumes).toHaveLength(1)
    await temp.disk.remove(temp.lower)
    await temp.disk.rename('/away', temp.lower)
    await s.expectFilesStay()
    await s.addVolume([...first, volume(2, 1)])
  }))
