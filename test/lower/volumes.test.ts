/**
 * Volumes themselves: the first lower-layer part (6.6) of Irmin-pack's own suite, under its numbers there.
 *
 * Different on purpose: a store's lower layer has one volume from the start, and a volume that is missing is
 * a lower layer that is away (LOWER_UNAVAILABLE), which an opening may put up with.
 */
import { FolderOpener, LazyDirectory } from '@varve/pack/fs'
import { BlockCache, FileRetirer, Location, LowerSpace, readControl } from '@varve/pack/pack'
import { describe, expect, test } from 'vitest'
import { checkpoint, filters, open, sealed, segment, volume } from '../support/file-letters.ts'
import { expectCode, hashOf, Scenario, steps } from '../support/scenario.ts'
import { ScenarioReader } from '../support/scenario-reader.ts'
import { type Place, type TempStore, withStore } from '../support/temp-store.ts'

const { c1: one, c2: two } = steps

/** After the first collection of a store that has one chunk. */
const first = [segment('A'), checkpoint('A'), filters('A'), open('B'), volume(1, 2, sealed('A'))]

describe('volumes', () => {
  test('6.6.1 a store without a lower layer has none', () =>
    plain('memory', async (s) => {
      expect(s.store.stats().volumes).toEqual([])
      await s.expectFiles([open('A')])
    }))

  test('6.6.2 a volume that is missing from its folder', () =>
    layered('memory', async (s) => {
      const c1 = await s.commit(one)
      await s.gc(await s.commit(two, [c1]), first)
      await s.close(first)
      const { disk, lower } = s.temp
      await disk.rename(`${lower}/volume-1`, `${lower}/elsewhere`)
      const elsewhere = ['manifest-1', 'manifest-2', 'suffix-1.pack', 'suffix-1.idx']
      const away = [...first.slice(0, -1), elsewhere.map((name) => `elsewhere/${name}`)]
      await s.open(away)
      await expectCode(s.store.getCommit(c1.commit.hash), 'LOWER_UNAVAILABLE')
      expect(await s.store.locate(c1.commit.hash)).toEqual({ state: 'unavailable' })
      await s.close(away)
      await expectCode(s.temp.open({ lower: { path: lower, missing: 'refuse' } }), 'LOWER_UNAVAILABLE')
      await s.expectFiles(away)
      await disk.rename(`${lower}/elsewhere`, `${lower}/volume-1`)
      await s.open(first, { lower: { path: lower, missing: 'refuse' } })
      await s.expectArchived(c1)
    }))

  test('6.6.3 there is one from the start, and still one after opening again', () =>
    layered('memory', async (s) => {
      expect(s.store.stats().volumes).toEqual([{ id: 1, low: 0, high: 0, bytes: 0 }])
      await s.reopen([open('A'), volume(1, 1)])
      expect(s.store.stats().volumes).toEqual([{ id: 1, low: 0, high: 0, bytes: 0 }])
      await s.reopen([open('A'), volume(1, 1)], { lower: s.temp.lower })
      expect(s.store.stats().volumes).toHaveLength(1)
    }))

  test('6.6.4 a store opened only to read has no call that adds one', () =>
    layered('memory', async (s) => {
      await s.gc(await s.commit(one), first)
      const reader = await ScenarioReader.open(s.temp)
      expect(reader.store.stats().volumes).toHaveLength(1)
      expect('advanced' in reader.store).toBe(false)
      await reader.close()
      await s.expectFilesStay()
    }))

  test('6.6.5 two in a row are refused', () =>
    layered('memory', async (s) => {
      await expectCode(s.store.advanced.addVolume(), 'OPTION_MISMATCH')
      const c1 = await s.commit(one)
      await s.gc(c1, first)
      await s.addVolume([...first, volume(2, 1)])
      await expectCode(s.store.advanced.addVolume(), 'OPTION_MISMATCH')
      await s.expectFilesStay()
    }))

  test('6.6.6 the volume of an offset is found as soon as control names a manifest that has it', () =>
    layered('memory', async (s) => {
      const before = await lowerViewOf(s.temp)
      const c1 = await s.commit(one)
      const { file, offset } = await s.store.locate(c1.commit.hash)
      expect(file).toMatch(/^suffix-/)
      const { chunks } = (await readControl(s.temp.disk, s.temp.folder)).state
      const virtual = (chunks[0]?.base ?? 0) + (offset ?? 0)
      await s.gc(await s.commit(two, [c1]), first)
      expect(before.volumeOf(virtual, new Location())).toBeUndefined()
      const after = await lowerViewOf(s.temp)
      const at = new Location()
      expect(after.volumeOf(virtual, at)).toBe(1)
      expect(at.position).toBe(offset)
      expect(await s.store.locate(c1.commit.hash)).toMatchObject({ file: `volume-1/${file}`, offset })
    }))

  test('6.6.7 what was put is read back after opening again', () =>
    layered('memory', async (s) => {
      const c1 = await s.commit({ greeting: 'hello' })
      await s.gc(await s.commit({ greeting: 'bye' }, [c1]), first)
      await s.reopen(first)
      const found = await s.store.getBlob(hashOf('hello'))
      expect(Buffer.from(found ?? []).toString()).toBe('hello')
      expect(await s.store.locate(hashOf('hello'))).toMatchObject({ state: 'archived' })
    }))
})

async function lowerViewOf({ disk, folder, lower }: TempStore): ReturnType<typeof viewOf> {
  return viewOf(disk, folder, lower)
}

async function viewOf(disk: TempStore['disk'], folder: string, lower: string) {
  const { state } = await readControl(disk, folder)
  const directory = new LazyDirectory(new FolderOpener(disk, lower))
  const space = new LowerSpace({
    ...{ fs: disk, folder, directory, storeId: Buffer.from(state.storeId, 'hex') },
    ...{ cache: new BlockCache({ bytesMax: 1 << 20 }), retirer: new FileRetirer(disk, () => {}) },
  })
  return space.view(state.volumes)
}

function layered(place: Place, body: (scenario: Scenario) => Promise<void>): Promise<void> {
  return withStore({ place, isLayered: true }, (temp) => body(new Scenario(temp)))
}

function plain(place: Place, body: (scenario: Scenario) => Promise<void>): Promise<void> {
  return withStore({ place }, (temp) => body(new Scenario(temp)))
}
