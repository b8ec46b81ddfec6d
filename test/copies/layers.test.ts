/** Copies and backups of a store whose history rests in a lower layer. */
import type { Commit, Store } from '@varve/store'
import { openReadOnly } from '@varve/store/internal'
import { describe, expect, test } from 'vitest'
import { bundled } from '../support/bundled.ts'
import { checkpoint, open, segment } from '../support/file-letters.ts'
import { readCommit, readRefs } from '../support/read-whole.ts'
import { expectCode } from '../support/scenario.ts'
import { SecondStore } from '../support/second-store.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { type Place, places, type TempStore, withStore } from '../support/temp-store.ts'

async function commits(store: Store, count: number): Promise<Commit[]> {
  const made: Commit[] = []
  for (let n = 0; n < count; n++) {
    const message = `commit ${n}`
    made.push(
      await store.branch('main').commit((edit) => void edit.set(`d/${n % 5}`, `content ${n}`), { message }),
    )
  }
  return made
}

interface Layered {
  readonly temp: TempStore
  readonly store: Store
  /** Twenty; all before the last five rest in a volume, or in two. */
  readonly made: Commit[]
  readonly second: SecondStore
  readonly lower: string
}

describe.each(places)('a store of two layers, %s', (place) => {
  test('6.5.4 the copy of a commit that rests below: readable, written to, collected', () =>
    run(place, async ({ temp, store, made, second }) => {
      const [oldest] = made as [Commit]
      const before = await temp.files.names()
      expect((await store.locate(oldest.hash)).state).toBe('archived')
      const { objects } = await store.copyTo(second.folder, { commits: [oldest], depth: 1 })
      expect(objects).toBe(4)
      await second.open()
      await second.files.expect(segment('A'), checkpoint('A'), open('A'))
      expect(await temp.files.names()).toEqual(before)
      expect(await readCommit(second.store, oldest.hash)).toEqual(await readCommit(store, oldest.hash))
      expect(await second.store.getCommit(made[1]!.hash)).toBeUndefined()
      expect(second.store.gc.behaviour()).toBe('delete')
      const next = await second.store.commit({
        ...{ tree: await (await second.store.getCommit(oldest.hash))!.tree().set('d/1', 'content 1') },
        ...{ parents: [oldest.hash], message: 'commit 1', date: made[1]!.date, author: made[1]!.author },
      })
      expect(next.hash).toBe(made[1]!.hash)
      await second.store.gc.run(next, { grace: 0 })
      await second.files.expect(segment('B'), checkpoint('B'), open('B'))
      expect(await readCommit(second.store, next.hash)).toEqual(await readCommit(store, next.hash))
      expect(await second.store.getCommit(oldest.hash)).toBeUndefined()
      expect(await temp.files.names()).toEqual(before)
    }))

  test('a copy has the history of both', () =>
    run(place, async ({ store, made, second }) => {
      await store.copyTo(second.folder)
      await second.open()
      const line = await second.store.log((await second.store.branch('main').head())!).toArray()
      expect(line.map(({ hash }) => hash)).toEqual(made.map(({ hash }) => hash).reverse())
      for (const { hash } of made) {
        expect(await readCommit(second.store, hash)).toEqual(await readCommit(store, hash))
      }
      // So has a bundle, and the same one wherever it rests.
      const { bytes, commits: count } = await bundled(store)
      expect(count).toBe(20)
      expect((await bundled(second.store)).bytes.equals(bytes)).toBe(true)
    }))

  test('or as much of it as it is asked for', () =>
    run(place, async ({ store, made, second }) => {
      await store.copyTo(second.folder, { refs: ['main'], depth: 12 })
      await second.open()
      const line = await second.store.log((await second.store.branch('main').head())!).toArray()
      expect(line.map(({ hash }) => hash)).toEqual(
        made
          .slice(8)
          .map(({ hash }) => hash)
          .reverse(),
      )
    }))

  test('also of records that lie across two regions of the sweep', () =>
    run(place, async ({ store, made, second }) => {
      const main = store.branch('main')
      const old = await main.commit((edit) => {
        for (let n = 0; n < 60; n++) edit.set(`many/${n}`, seededBytes(n, 50_000 + n * 8))
      })
      const next = await main.commit((edit) => void edit.delete('many'))
      await store.gc.run(next, { grace: 0 })
      expect((await store.locate(old.hash)).state).toBe('archived')
      await store.copyTo(second.folder, { commits: [old, made[0]!], depth: 1 })
      await second.open()
      expect(await readCommit(second.store, old.hash)).toEqual(await readCommit(store, old.hash))
      // And what a collection needs above again.
      await store.branch('old').set(old)
      const last = await main.commit((edit) => void edit.set('last', 'last'))
      await store.gc.run(last, { grace: 0 })
      expect((await store.locate(old.hash)).state).toBe('present')
    }))

  test('without its lower layer nothing is made that would need it', () =>
    run(place, async ({ temp, store, made, second, lower }) => {
      await temp.reopen()
      await temp.disk.rename(lower, `${lower}-away`)
      const { store: again } = temp
      expect(store).not.toBe(again)
      await expectCode(again.copyTo(second.folder), 'LOWER_UNAVAILABLE')
      await expectCode(again.backup(second.folder), 'LOWER_UNAVAILABLE')
      // In memory the opening has just read all of it, to make its projections, and remembers the blocks.
      if (place === 'disk') await expectCode(bundled(again), 'LOWER_UNAVAILABLE')
      expect(await second.isThere()).toBe(false)
      await again.copyTo(second.folder, { commits: [made[19]!], depth: 1 })
      await second.open()
      expect(await readCommit(second.store, made[19]!.hash)).toEqual(await readCommit(again, made[19]!.hash))
      await temp.disk.rename(`${lower}-away`, lower)
    }))

  test('no copy is made where an opening or an archive would clear it away', () =>
    run(place, async ({ temp, store, lower }) => {
      const names = async (): Promise<string[][]> => [
        (await temp.disk.list(temp.folder)).sort(),
        (await temp.disk.list(lower)).sort(),
        (await temp.disk.list(`${lower}/volume-1`)).sort(),
      ]
      const before = await names()
      for (const dir of [
        ...[temp.folder, `${temp.folder}/staging`, `${temp.folder}/staging/deeper`],
        ...[`${temp.folder}/suffix-900.pack`, `${temp.folder}/copy`],
        ...[`${lower}/volume-1/suffix-900.pack`, `${lower}/volume-3`],
      ]) {
        await expectCode(store.copyTo(dir), 'OPTION_MISMATCH')
        await expectCode(store.backup(dir), 'OPTION_MISMATCH')
      }
      // Files that the last collection has retired may go meanwhile.
      const made = (await names()).map((list, i) => list.filter((name) => !before[i]?.includes(name)))
      expect(made).toEqual([[], [], []])
      // Beside the volumes nobody looks.
      await store.copyTo(`${lower}/copy`)
      await temp.disk.removeFolder(`${lower}/copy`)
    }))

  test('a backup has a lower layer of its own', () =>
    run(place, async ({ temp, store, made, second, lower }) => {
      await store.backup(second.folder)
      const before = await readRefs(store)
      const names = async (folder: string): Promise<string[]> => (await temp.disk.list(folder)).sort()
      for (const volume of await names(lower)) {
        const at = `${second.folder}/lower/${volume}`
        const kept = await names(at)
        expect((await names(`${lower}/${volume}`)).filter((name) => !name.startsWith('manifest'))).toEqual(
          kept.filter((name) => !name.startsWith('manifest')),
        )
        for (const name of kept) {
          expect((await temp.disk.stat(`${at}/${name}`))?.inode).toBe(
            (await temp.disk.stat(`${lower}/${volume}/${name}`))?.inode,
          )
        }
      }
      // What is archived later comes with the next one.
      await store.gc.run(made[18], { grace: 0 })
      await store.backup(second.folder)
      await temp.disk.rename(lower, `${lower}-away`)
      await second.open()
      expect(await readRefs(second.store)).toEqual(before)
      expect(second.store.gc.behaviour()).toBe('archive')
      for (const { hash } of made) expect(await readCommit(second.store, hash)).toBeDefined()
      const line = await second.store.log((await second.store.branch('main').head())!).toArray()
      expect(line).toHaveLength(20)
      await second.store.branch('main').commit((edit) => void edit.set('own', 'own'))
      await second.store.gc.run(line[0], { grace: 0 })
      expect(await readCommit(second.store, made[0]!.hash)).toBeDefined()
      await second.close()
      await temp.disk.rename(`${lower}-away`, lower)
      for (const { hash } of made) expect(await readCommit(store, hash)).toBeDefined()
    }))
})

describe('a store that is only read', () => {
  test.each(places)('6.5.2 is copied, and the copy is opened only to read, %s', (place) =>
    run(place, async ({ temp, made, second }) => {
      const before = await temp.files.names()
      const reader = await openReadOnly(temp.folder, { readOnly: true }, { fileSystem: temp.disk })
      await reader.copyTo(second.folder, { commits: [made[2]!.hash], depth: 1 })
      await reader.close()
      expect(await temp.files.names()).toEqual(before)
      await second.files.expect(segment('A'), checkpoint('A'), open('A'))
      const copied = await openReadOnly(second.folder, { readOnly: true }, { fileSystem: temp.disk })
      expect(copied.id).not.toBe(temp.store.id)
      expect((await copied.getCommit(made[2]!.hash))?.treeHash).toBe(made[2]!.treeHash)
      expect(await copied.getCommit(made[1]!.hash)).toBeUndefined()
      await copied.close()
      await second.files.expect(segment('A'), checkpoint('A'), open('A'))
    }),
  )

  test.each(places)('is backed up as it was read; when its files have gone it says so, %s', (place) =>
    run(place, async ({ temp, store, made, second }) => {
      const reader = await openReadOnly(temp.folder, { readOnly: true }, { fileSystem: temp.disk })
      const before = await readRefs(store)
      await store.branch('main').commit((edit) => void edit.set('later', 'later'))
      await reader.backup(second.folder)
      await second.open()
      expect(await readRefs(second.store)).toEqual(before)
      await second.close()
      await store.gc.run(made[19], { grace: 0 })
      await store.backup(`${second.folder}-other`)
      const third = new SecondStore(temp, 'third')
      await expectCode(reader.copyTo(third.folder), 'COLLECTED')
      await expectCode(reader.backup(third.folder), 'COLLECTED')
      expect(await third.isThere()).toBe(false)
      await reader.reload()
      await reader.copyTo(third.folder, { depth: 1 })
      await reader.close()
      await third.open()
      expect((await third.store.branch('main').head())?.hash).toBe((await store.branch('main').head())?.hash)
      await third.check()
    }),
  )
})

async function run(place: Place, body: (layered: Layered) => Promise<void>): Promise<void> {
  const lowerOf = (folder: string): string => folder.replace(/store$/, 'lower')
  await withStore({ place }, async (temp) => {
    const lower = lowerOf(temp.folder)
    await temp.reopen({ lower })
    const made = await commits(temp.store, 20)
    await temp.store.gc.run(made[8], { grace: 0 })
    await temp.store.advanced.addVolume()
    await temp.store.gc.run(made[15], { grace: 0 })
    const second = new SecondStore(temp)
    await body({ temp, store: temp.store, made, second, lower })
    if (await second.isThere()) await second.check()
  })
}
