/**
 * An archive on one file system: files get a second name, so that nothing is copied, whatever their size.
 */
import { InterceptedFileSystem, type MemoryFileSystem } from '@varve/pack/testing'
import { describe, expect, test } from 'vitest'
import { checkpoint, filters, open, sealed, segment, volume } from '../support/file-letters.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { Scenario, steps } from '../support/scenario.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { places, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two, c3: three } = steps

describe.each(places)('what goes down, %s', (place) => {
  test('is the same file as before, and both names stay where `unlink` is false', () =>
    withStore({ place, isLayered: true }, async (temp) => {
      const s = new Scenario(temp)
      const { disk, folder, lower } = temp
      const inodes = async (at: string): Promise<Map<string, number | undefined>> => {
        const packs = (await disk.list(at)).filter((name) => /^(suffix|gen)-/.test(name))
        return new Map(
          await Promise.all(
            packs.map(async (name) => [name, (await disk.stat(`${at}/${name}`))?.inode] as const),
          ),
        )
      }
      const c1 = await s.commit(one)
      const c2 = await s.commit(two, [c1])
      const after = [segment('A'), checkpoint('A'), filters('A'), open('B'), volume(1, 2, sealed('A'))]
      await s.gc(c2, [sealed('A'), ...after], { unlink: false })
      const above = await inodes(folder)
      const below = await inodes(`${lower}/volume-1`)
      expect(below.size).toBe(2)
      for (const [name, inode] of below) expect(above.get(name)).toBe(inode)
      await s.expectArchived(c1)
      // The upper names go with the next opening; the files stay.
      await s.close([sealed('A'), ...after])
      await s.open(after)
      expect(await inodes(`${lower}/volume-1`)).toEqual(below)
      // The same for a generation that goes into a new volume.
      await s.addVolume([...after, volume(2, 1)])
      const c3 = await s.commit(three, [c2])
      const generation = await inodes(folder)
      await s.gc(c3, [
        ...[segment('B'), checkpoint('B'), filters('AB'), open('C')],
        ...[volume(1, 2, sealed('A')), volume(2, 2, sealed('B'), segment('A'))],
      ])
      const second = await inodes(`${lower}/volume-2`)
      expect(second.size).toBe(5)
      // The index of the chunk was not there before.
      for (const [name, inode] of second) {
        if (!/^suffix-.*\.idx$/.test(name)) expect(generation.get(name)).toBe(inode)
      }
      await s.expectArchived(c1, c2)
    }))
})

test('an archive writes as many bytes however large the chunks are that go down', async () => {
  const [small, large] = [await bytesOfArchive(1_000), await bytesOfArchive(150_000)]
  expect(large.archived).toBeGreaterThan(50 * small.archived)
  // An index may have been written before, in the background.
  expect(large.written).toBeLessThan(small.written + 16 * 1024)
  // Nothing but the new manifest lies below that is not linked.
  expect(large.writtenBelow).toBeLessThanOrEqual(2 * 4096)
  expect(large.links).toBe(small.links)
})

/** A collection that retires 40 blobs of this size, in four chunks. */
async function bytesOfArchive(
  size: number,
): Promise<{ archived: number; written: number; writtenBelow: number; links: number }> {
  const disk = await emptyDisk()
  const counted = { written: 0, writtenBelow: 0, links: 0 }
  const through = counting(disk, counted)
  const store = await openMemory(disk, { through, lower: '/disk/lower' })
  for (let i = 0; i < 40; i++) {
    await store
      .branch('main')
      .commit((edit) => void edit.set('content', seededBytes(i + 1, size)), { date: i })
    if (i % 10 === 9) await store.advanced.split()
  }
  await store.branch('main').commit((edit) => void edit.set('content', 'little'), { date: 41 })
  Object.assign(counted, { written: 0, writtenBelow: 0, links: 0 })
  const head = await store.branch('main').head()
  const { bytesArchived } = await store.gc.run(head, { grace: 0 })
  const found = { archived: bytesArchived, ...counted }
  await store.close()
  return found
}

function counting(
  disk: MemoryFileSystem,
  into: { written: number; writtenBelow: number; links: number },
): InterceptedFileSystem {
  return new InterceptedFileSystem(disk, {
    before: ({ kind, path, length }) => {
      if (kind === 'link') into.links++
      if (kind !== 'write') return undefined
      into.written += length ?? 0
      if (!path.startsWith(memoryFolder)) into.writtenBelow += length ?? 0
      return undefined
    },
  })
}
