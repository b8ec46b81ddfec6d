import { readControl } from '@varve/pack/pack'
import type { Hash } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { checkpoint, filters, open, sealed, segment, volume } from '../support/file-letters.ts'
import { listFiles } from '../support/list-files.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { expectCode, type Made, Scenario, steps } from '../support/scenario.ts'
import { type Place, places, withStore } from '../support/temp-store.ts'
import { expectVolumeAlone } from '../support/volume-alone.ts'

const { c1: one, c2: two, c3: three, c4: four, c5: five } = steps

/** After the first collection of a store that has one chunk. */
const first = [segment('A'), checkpoint('A'), filters('A'), open('B'), volume(1, 2, sealed('A'))]
/** After the first collection that archives, of a store that was collected before. */
const firstAfterAnother = [
  ...[segment('B'), checkpoint('B'), filters('A'), open('C')],
  volume(1, 2, sealed('B'), segment('A')),
]

describe.each(places)('archival, %s', (place) => {
  test('6.2.1 what a recent store does with what it retires', async () => {
    await layered(place, async (s) => {
      expect(s.store.gc.behaviour()).toBe('archive')
      expect(await s.store.gc.isAllowed()).toBe(true)
      await s.expectFiles([open('A'), volume(1, 1)])
    })
    await plain(place, async (s) => {
      expect(s.store.gc.behaviour()).toBe('delete')
      expect(await s.store.gc.isAllowed()).toBe(true)
      await s.expectFiles([open('A')])
    })
  })

  test('6.2.2 what an old store does: the same, and it may be collected in any case', () =>
    plain(place, async (s) => {
      const c1 = await s.commit(one)
      await s.reopen([open('A')])
      expect(s.store.gc.behaviour()).toBe('delete')
      expect(await s.store.gc.isAllowed(c1.commit.hash)).toBe(true)
      await s.attach([open('A')])
      expect(s.store.gc.behaviour()).toBe('archive')
      expect(await s.store.gc.isAllowed(c1.commit.hash)).toBe(true)
      expect((await readControl(s.temp.disk, s.temp.folder)).state.format).toBe(2)
      await s.expectAbove(c1)
    }))

  test('6.2.3 archiving twice, into two volumes', () =>
    layered(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c1])
      const c4 = await s.commit(four, [c2])
      await s.gc(c4, first)
      await s.addVolume([...first, volume(2, 1)])
      const c5 = await s.commit(five, [c4])
      const after = [
        ...[segment('B'), checkpoint('B'), filters('AB'), open('C')],
        ...[volume(1, 2, sealed('A')), volume(2, 2, sealed('B'), segment('A'))],
      ]
      await s.gc(c5, after)
      await s.expectAbove(c5)
      await s.expectArchived(c1, c2, c3, c4)
      await expectCode(s.store.startGc(c4.commit), 'TARGET_TOO_OLD')
      await s.reopen(after)
      await s.expectArchived(c1, c2, c3, c4)
    }))

  test('6.2.4 a target that lies in a volume only', () =>
    plain(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.attach([open('A')])
      // Nothing refers to them.
      await s.gc(undefined, [checkpoint('A'), filters('A'), open('B'), volume(1, 2, sealed('A'))])
      await s.expectArchived(c1, c2)
      const c3 = await s.commit(three, [c2])
      expect((await s.store.locate(c2.commit.hash)).file).toMatch(/^volume-1\/suffix-/)
      // It comes up with its tree, and the chunk of c3, which is above the boundary, stays.
      await s.gc(c2, [
        ...[sealed('B'), segment('A'), checkpoint('B'), filters('A'), open('C')],
        volume(1, 2, sealed('A')),
      ])
      expect(s.store.gc.latestTarget()).toBe(c2.commit.hash)
      await s.expectAbove(c2, c3)
      await s.expectArchived(c1)
    }))
})

describe.each(places)('stores over a lower layer, %s', (place) => {
  test('6.7.1 made with a lower layer', () =>
    layered(place, async (s) => {
      await s.expectFiles([open('A'), volume(1, 1)])
      expect(s.store.stats().volumes).toHaveLength(1)
    }))

  test('6.7.3 a lower layer for a store that is there', () =>
    plain(place, async (s) => {
      await s.expectFiles([open('A')])
      await s.attach([open('A')])
      expect(s.store.stats().volumes).toHaveLength(1)
    }))

  test('6.7.4 a volume needs a lower layer', () =>
    plain(place, async (s) => {
      await expectCode(s.store.advanced.addVolume(), 'OPTION_MISMATCH')
      await s.expectFiles([open('A')])
    }))

  test('6.7.5 no new volume during a collection', () =>
    layered(place, async (s) => {
      const c1 = await s.commit(one)
      await s.gc(c1, first)
      const c2 = await s.commit(two, [c1])
      const after = [
        ...[segment('B'), checkpoint('B'), filters('AB'), open('C')],
        volume(1, 3, sealed('A'), sealed('B')),
      ]
      await s.start(c2, [segment('A'), checkpoint('A'), sealed('B'), ...after])
      await expectCode(s.store.advanced.addVolume(), 'GC_RUNNING')
      await s.finalise(after)
      await s.addVolume([...after, volume(2, 1)])
    }))

  test('6.7.6 a second volume, also after opening again', () =>
    layered(place, async (s) => {
      const c1 = await s.commit(one)
      await s.gc(c1, first)
      const [archived] = s.store.stats().volumes
      await s.addVolume([...first, volume(2, 1)])
      const high = archived?.high ?? 0
      const volumes = [archived, { id: 2, low: high, high, bytes: 0 }]
      expect(s.store.stats().volumes).toEqual(volumes)
      await s.reopen([...first, volume(2, 1)])
      expect(s.store.stats().volumes).toEqual(volumes)
      await s.expectAbove(c1)
    }))

  test('6.7.7 attached to a store with history', () =>
    plain(place, async (s) => {
      const c1 = await s.commit(one)
      await s.attach([open('A')])
      await s.expectAbove(c1)
      expect(s.store.gc.latestTarget()).toBeUndefined()
      const c2 = await s.commit(two, [c1])
      await s.reopen([open('A'), volume(1, 1)])
      await s.gc(c2, first)
      await s.expectAbove(c2)
      await s.expectArchived(c1)
      await s.reopen(first)
      await s.expectAbove(c2)
      await s.expectArchived(c1)
    }))

  test('6.7.8 attached to a store that was collected: what that kept goes down first', () =>
    plain(place, async (s) => {
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      await s.gc(c2, [segment('A'), checkpoint('A'), open('B')])
      const before = [segment('A'), checkpoint('A'), open('B')]
      await s.attach(before)
      // What was deleted before is nowhere.
      expect(await s.store.getCommit(c1.commit.hash)).toBeUndefined()
      const c3 = await s.commit(three, [{ ...c2, parents: [] }])
      await s.gc(c3, firstAfterAnother)
      await s.expectArchived({ ...c2, parents: [] })
      await s.expectAbove(c3)
      await s.reopen(firstAfterAnother)
      expect(await s.store.getCommit(c1.commit.hash)).toBeUndefined()
    }))

  test('6.7.9 attached to a store of many chunks', () =>
    plain(place, async (s) => {
      const chunks = [...'ABCDEF']
      const made: Made[] = []
      for (const [i, letter] of chunks.entries()) {
        made.push(await s.commit({ [`file-${i}`]: `content ${i}` }, made.slice(-1)))
        await s.split([...chunks.slice(0, i + 1).map(sealed), open('BCDEFG'.charAt(i))])
        expect(letter).toBe(chunks[i])
      }
      await s.attach([...chunks.map(sealed), open('G')])
      // The end of the chunk that holds the target is the boundary.
      const after = [
        ...[segment('A'), checkpoint('A'), filters('A'), sealed('E'), sealed('F'), open('G')],
        volume(1, 2, ...chunks.slice(0, 4).map(sealed)),
      ]
      await s.gc(made[3], after)
      await s.expectArchived(...made.slice(0, 3))
      await s.expectAbove(...made.slice(3))
      await s.reopen(after)
      await s.expectArchived(...made.slice(0, 3))
      expect((await s.store.log(made[5]?.commit.hash as never).toArray()).length).toBe(6)
    }))

  test('6.7.10 attached, gone on, collected', () =>
    plain(place, async (s) => {
      const a = await s.commit(one)
      await s.attach([open('A')])
      const b = await s.commit(two, [a])
      const c = await s.commit(three, [b])
      await s.gc(b, first)
      await s.expectArchived(a)
      await s.expectAbove(b, c)
    }))

  test('6.7.11 a target that is not the last commit of what goes down', () =>
    plain(place, async (s) => {
      const a = await s.commit(one)
      const b = await s.commit(two, [a])
      await s.attach([open('A')])
      await s.gc(a, first)
      await s.expectAbove(a, b)
      const c = await s.commit(three, [b])
      // Below the boundary, and b after it: both stay.
      await s.gc(a, [
        ...[sealed('B'), segment('B'), checkpoint('B'), filters('A'), open('C')],
        volume(1, 2, sealed('A')),
      ])
      await s.expectAbove(a, b, c)
    }))

  test('6.7.12 data locality: a commit and all of its tree lie in one volume', () =>
    layered(place, async (s) => {
      const c1 = await s.commit(one)
      await s.gc(c1, first)
      await s.addVolume([...first, volume(2, 1)])
      const c2 = await s.commit(two, [c1])
      const c3 = await s.commit(three, [c2])
      const c4 = await s.commit(four, [c3])
      const c5 = await s.commit(five, [c4])
      await s.gc(c5, [
        ...[segment('B'), checkpoint('B'), filters('AB'), open('C')],
        ...[volume(1, 2, sealed('A')), volume(2, 2, sealed('B'), segment('A'))],
      ])
      expect((await s.store.locate(c3.commit.hash)).file).toMatch(/^volume-2\//)
      const { hashes } = await expectVolumeAlone(s.temp.disk, `${s.temp.lower}/volume-2`)
      const found = await s.store.getCommit(c3.commit.hash)
      const whole: Hash[] = [c3.commit.hash, c3.commit.treeHash]
      for await (const { kind, path, hash } of found?.tree().entries('', { recursive: true }) ?? []) {
        whole.push(hash)
        if (kind === 'tree') continue
        expect(Buffer.from((await found?.tree().get(path)) ?? []).toString()).toBe(
          c3.content.get(path.join('/')),
        )
      }
      // Commit, root, the directory a, four blobs.
      expect(whole).toHaveLength(7)
      expect(whole.filter((hash) => !hashes.has(hash))).toEqual([])
    }))

  test('6.7.13 what a collection that came to nothing has left in a volume', () =>
    layered(place, async (s) => {
      const { disk, lower } = s.temp
      const c1 = await s.commit(one)
      await s.gc(c1, first)
      const c2 = await s.commit(two, [c1])
      await s.close(first)
      // Half a copy of the chunk that goes next, and a manifest that is no whole one.
      const names = await disk.list(s.temp.folder)
      const chunk = names.find((name) => /^suffix-.*\.pack$/.test(name)) as string
      for (const name of [chunk, 'manifest-3']) {
        const handle = await disk.open(`${lower}/volume-1/${name}`, 'create')
        await handle.write(Buffer.from('half'), 0, 4, 0)
        await handle.close()
      }
      const left = volume(1, 3, open('B'))
      await s.open([...first, left])
      await s.expectAbove(c1, c2)
      // It is written anew, and the manifest gets the next number that is free.
      await s.store.gc.run(c2.commit.hash, { grace: 0 })
      await s.expectFiles([
        ...[segment('B'), checkpoint('B'), filters('AB'), open('C')],
        volume(1, 4, sealed('A'), sealed('B')),
      ])
      await s.expectArchived(c1)
      await s.expectAbove(c2)
    }))
})

test('6.7.2 nested: a lower layer in the folder of a store that does not exist', async () => {
  const disk = await emptyDisk()
  const lower = `${memoryFolder}/lower`
  const made = await openMemory(disk, { lower })
  const main = made.branch('main')
  const c1 = await main.commit((edit) => void edit.set('a', 'one'))
  const c2 = await main.commit((edit) => void edit.set('a', 'two'))
  await made.gc.run(c2, { grace: 0 })
  await made.close()
  const below = ['manifest-1', 'manifest-2', 'suffix-1.idx', 'suffix-1.pack']
  const above = ['gen-N.idx', 'gen-N.map', 'gen-N.pack', 'meta-N.ckpt', 'suffix-N.pack']
  const expectAllFiles = async (): Promise<void> => {
    expect(await listFiles(disk, lower)).toEqual(below.map((name) => `volume-1/${name}`))
    const names = (await disk.list(memoryFolder)).map((name) => name.replace(/-[0-9]+/, '-N'))
    expect(names.sort()).toEqual([
      'control',
      'filter-N.bloom',
      ...above.slice(0, 3),
      'lower',
      ...above.slice(3),
    ])
  }
  await expectAllFiles()
  // It moves with the store.
  await disk.rename(memoryFolder, '/disk/elsewhere')
  await disk.rename('/disk/elsewhere', memoryFolder)
  const { state } = await readControl(disk, memoryFolder)
  expect(state.lower).toBe('lower')
  const again = await openMemory(disk)
  expect(Buffer.from((await (await again.getCommit(c1.hash))?.tree().get('a')) ?? []).toString()).toBe('one')
  await again.close()
  await expectAllFiles()
  await expectVolumeAlone(disk, `${lower}/volume-1`)
})

function layered(place: Place, body: (scenario: Scenario) => Promise<void>): Promise<void> {
  return withStore({ place, isLayered: true }, (temp) => body(new Scenario(temp)))
}

function plain(place: Place, body: (scenario: Scenario) => Promise<void>): Promise<void> {
  return withStore({ place }, (temp) => body(new Scenario(temp)))
}
