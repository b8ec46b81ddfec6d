/** Backups: what they consist of, what is shared with the store, and that they can be taken at any time. */
import { FaultFileSystem } from '@varve/pack/testing'
import type { Commit, Progress, Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { checkpoint, open, sealed, segment } from '../support/file-letters.ts'
import { readRefs } from '../support/read-whole.ts'
import { expectCode } from '../support/scenario.ts'
import { SecondStore } from '../support/second-store.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { places, type TempStore, withStore } from '../support/temp-store.ts'

const put = (store: Store, path: string, content: string | Uint8Array): Promise<Commit> =>
  store.branch('main').commit((edit) => void edit.set(path, content), { message: path })

/** For each file of the folder whether it is the very same as in the store. */
async function shared(temp: TempStore, folder: string): Promise<{ same: string[]; own: string[] }> {
  const found = { same: [] as string[], own: [] as string[] }
  for (const name of await temp.disk.list(folder)) {
    const [here, there] = await Promise.all(
      [folder, temp.folder].map((at) => temp.disk.stat(`${at}/${name}`)),
    )
    found[here?.inode === there?.inode ? 'same' : 'own'].push(name)
  }
  return found
}

describe.each(places)('backups, %s', (place) => {
  test('one after another into the same folder: what is new comes, what is outdated goes', () =>
    withStore({ place }, async (temp) => {
      const { store } = temp
      const backup = new SecondStore(temp)
      await put(store, 'a', '1')
      await store.backup(backup.folder)
      await backup.files.expect(open('A'))
      expect(await shared(temp, backup.folder)).toEqual({ same: [], own: ['control', 'suffix-1.pack'] })

      await store.advanced.split()
      await temp.files.expect(sealed('A'), open('B'))
      const second = await put(store, 'b', '2')
      await store.backup(backup.folder)
      await backup.files.expect(sealed('A'), open('B'))
      expect(await shared(temp, backup.folder)).toEqual({
        same: ['suffix-1.idx', 'suffix-1.pack'],
        own: ['control', 'suffix-2.pack'],
      })

      await store.gc.run(second, { grace: 0 })
      await temp.files.expect(segment('A'), checkpoint('A'), open('C'))
      await put(store, 'c', '3')
      const progress: Progress[] = []
      await store.backup(backup.folder, { onProgress: (p) => progress.push(p) })
      await backup.files.expect(segment('A'), checkpoint('A'), open('C'))
      const { same, own } = await shared(temp, backup.folder)
      expect(same.map((name) => name.replace(/[0-9]+/, 'N'))).toEqual([
        ...['gen-N.idx', 'gen-N.map', 'gen-N.pack', 'meta-N.ckpt'],
      ])
      expect(own).toHaveLength(2)
      expect(progress.at(-1)).toMatchObject({ phase: 'files', done: 5, total: 5 })

      const before = await readRefs(store)
      await backup.open()
      expect(backup.store.id).toBe(store.id)
      expect(await readRefs(backup.store)).toEqual(before)
      await backup.check()
    }))

  test('where files cannot be linked they are copied, once', () =>
    withStore(
      {
        place,
        wrap: (inner) =>
          new FaultFileSystem(inner, [
            { fault: { kind: 'error', code: 'EXDEV' }, kinds: ['link'], times: 'always' },
          ]),
      },
      async (temp) => {
        const { store } = temp
        const backup = new SecondStore(temp)
        await put(store, 'a', seededBytes(1, 3_000_000))
        await store.gc.run(undefined, { grace: 0 })
        const bytes: number[] = []
        const onProgress = (progress: Progress): void => void bytes.push(progress.bytesDone)
        await store.backup(backup.folder, { onProgress })
        expect(bytes.at(-1)).toBeGreaterThan(3_000_000)
        expect((await shared(temp, backup.folder)).same).toEqual([])
        await put(store, 'b', 'b')
        await store.backup(backup.folder, { onProgress })
        expect(bytes.at(-1)).toBeLessThan(10_000)
        await backup.open()
        expect(await readRefs(backup.store)).toEqual(await readRefs(store))
        await backup.check()
      },
    ))

  test('folders that are refused stay as they are', () =>
    withStore({ place }, async (temp) => {
      const { store, disk } = temp
      const other = new SecondStore(temp, 'other')
      await put(store, 'a', 'a')
      await store.copyTo(other.folder)
      const names = await disk.list(other.folder)
      await expectCode(store.backup(other.folder), 'OPTION_MISMATCH')
      expect(await disk.list(other.folder)).toEqual(names)
      await expectCode(store.backup(store.path), 'OPTION_MISMATCH')
      await expectCode(store.backup(`${other.folder}/control`), 'OPTION_MISMATCH')
      await expectCode(store.backup(`${other.folder}/control/x`), 'INVALID_PATH')
      await expectCode(store.backup(''), 'INVALID_PATH')
      await expectCode(store.backup(other.folder, { refs: [] } as never), 'OPTION_MISMATCH')
      await other.check()
    }))

  test('abort and close: an older backup stays, a new one leaves nothing', () =>
    withStore({ place }, async (temp) => {
      const { store } = temp
      const backup = new SecondStore(temp)
      await put(store, 'a', 'a')
      const before = await readRefs(store)
      const stop = new AbortController()
      const stopped = store.backup(backup.folder, {
        signal: stop.signal,
        onProgress: () => stop.abort(),
      })
      await expectCode(stopped, 'ABORTED')
      expect(await backup.isThere()).toBe(false)
      await store.backup(backup.folder)
      await put(store, 'b', 'b')
      const closed = store.backup(backup.folder)
      const closing = temp.close()
      await expectCode(closed, 'STORE_CLOSED')
      await closing
      await backup.open()
      expect(await readRefs(backup.store)).toEqual(before)
      await backup.check()
      await temp.open()
    }))

  test('taken while commits and collections go on: everything from before the call is in it', () =>
    withStore({ place }, async (temp) => {
      const { store } = temp
      const commits: Commit[] = []
      let isOver = false
      const commit = async (): Promise<void> => {
        const n = commits.length
        commits.push(await put(store, `f${n % 40}`, seededBytes(n, 2_000 + (n % 7) * 9_000)))
      }
      await commit()
      const writing = (async () => {
        while (!isOver && commits.length < 3_000) await commit()
      })()
      const collecting = (async () => {
        while (!isOver) await store.gc.run(commits.at(-1), { grace: 0 })
      })()
      const folders = [new SecondStore(temp, 'one'), new SecondStore(temp, 'two')]
      const found: { known: number; line: string[] }[] = []
      for (let round = 0; round < 8; round++) {
        const known = commits.length
        const backup = folders[round % 2] as SecondStore
        await store.backup(backup.folder)
        await backup.open()
        const head = (await backup.store.branch('main').head()) as Commit
        const line = await backup.store.log(head, { firstParent: true }).toArray()
        found.push({ known, line: line.map(({ hash }) => hash) })
        await backup.check()
        await temp.disk.removeFolder(`${backup.folder}/lock`)
        await temp.disk.removeFolder(`${backup.folder}/db`)
      }
      isOver = true
      await Promise.all([writing, collecting])
      for (const { known, line } of found) {
        const end = commits.findIndex(({ hash }) => hash === line[0]) + 1
        expect(end).toBeGreaterThanOrEqual(known)
        const ours = commits.slice(Math.max(0, end - line.length), end).map(({ hash }) => hash)
        expect(line).toEqual(ours.reverse())
      }
    }))
})

describe('backups that were opened', () => {
  test('a backup that was opened and written to becomes one of the store again', () =>
    withStore({ place: 'disk' }, async (temp) => {
      const { store } = temp
      const backup = new SecondStore(temp)
      await put(store, 'a', 'a')
      await store.advanced.split()
      await put(store, 'b', 'b')
      await store.backup(backup.folder)
      await backup.open()
      await expectCode(store.backup(backup.folder), 'OPTION_MISMATCH')
      await put(backup.store, 'theirs', 'of the backup')
      await backup.store.advanced.split()
      await put(backup.store, 'theirs too', 'of the backup')
      await backup.close()
      // An index of their own, where the store has none.
      const odd = await temp.disk.open(`${backup.folder}/suffix-3.idx`, 'create')
      await odd.close()
      await put(store, 'ours', 'of the store!')
      await store.advanced.split()
      await put(store, 'ours too', 'of the store!')
      await store.backup(backup.folder)
      expect(await temp.disk.list(backup.folder)).toContain('suffix-3.pack')
      expect(await temp.disk.list(backup.folder)).not.toContain('suffix-3.idx')
      await backup.open()
      expect(await readRefs(backup.store)).toEqual(await readRefs(store))
      await backup.check()
    }))
})
