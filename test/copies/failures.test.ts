/** How copies and backups end that cannot be finished, and what they are worth when the writer has failed. */
import { FaultFileSystem } from '@varve/pack/testing'
import type { Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { dyingFileSystem } from '../support/dying-file-system.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { readRefs } from '../support/read-whole.ts'
import { expectCode } from '../support/scenario.ts'
import { SecondStore } from '../support/second-store.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { withStore } from '../support/temp-store.ts'

const target = '/disk/second'
const works = {
  copyTo: (store: Store, o?: { signal: AbortSignal }) => store.copyTo(target, o),
  backup: (store: Store, o?: { signal: AbortSignal }) => store.backup(target, o),
} as const
const names = Object.keys(works) as (keyof typeof works)[]

async function fill(store: Store): Promise<void> {
  await store.branch('main').commit((edit) => void edit.set('big', seededBytes(1, 2_000_000)))
  await store.gc.run()
  await store.branch('main').commit((edit) => void edit.set('next', seededBytes(2, 500_000)))
}

describe.each(names)('%s', (name) => {
  test('says which folder, and why the disk refused', async () => {
    const disk = await emptyDisk()
    const faults = new FaultFileSystem(disk)
    const store = await openMemory(disk, { through: faults })
    await fill(store)
    const ofTarget = { path: target, kinds: ['write'] as const }
    faults.setPlan([{ fault: { kind: 'error', code: 'EIO' }, ...ofTarget }])
    const failed: unknown = await works[name](store).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'COPY_FAILED', details: { path: target, reason: 'disk' } })
    faults.setPlan([{ fault: { kind: 'error', code: 'ENOSPC' }, ...ofTarget }])
    await expectCode(works[name](store), 'NO_SPACE')
    faults.setPlan([{ fault: { kind: 'error', code: 'EACCES' }, path: target, kinds: ['mkdir'] }])
    await expectCode(works[name](store), 'READ_ONLY_FOLDER')
    faults.setPlan([])
    expect(await disk.stat(target)).toBeUndefined()
    expect(store.gc.status).toEqual({ state: 'idle' })
    await store.branch('main').commit((edit) => void edit.set('on', 'it goes'))
    await store.close()
  })

  test('on a full disk leaves room as it was', async () => {
    const disk = await emptyDisk()
    const store = await openMemory(disk)
    await fill(store)
    const free = 300_000
    let used = 0
    for (const file of await disk.list(memoryFolder))
      used += (await disk.stat(`${memoryFolder}/${file}`))?.size ?? 0
    disk.setQuota(used + free)
    const before = await disk.freeBytes(memoryFolder)
    await expectCode(works[name](store), 'NO_SPACE')
    expect(await disk.stat(target)).toBeUndefined()
    expect(await disk.freeBytes(memoryFolder)).toBe(before)
    await store.close()
  })

  test('of a store whose writer has failed has all that was acknowledged', async () => {
    const disk = await emptyDisk()
    const faults = new FaultFileSystem(disk)
    const store = await openMemory(disk, { through: faults })
    await fill(store)
    const refs = await readRefs(store)
    faults.setPlan([{ fault: { kind: 'error', code: 'EIO' }, kinds: ['datasync', 'sync'] }])
    await expectCode(
      store.branch('main').commit((edit) => void edit.set('lost', 'perhaps')),
      'WRITER_FAILED',
    )
    faults.setPlan([])
    await works[name](store)
    await store.close().catch(() => undefined)
    const { openStore } = await import('@varve/store/internal')
    const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' } as const
    const second = await openStore(target, { create: 'never' }, platform)
    expect(await readRefs(second)).toEqual(refs)
    expect((await second.check({ full: true })).findings).toEqual([])
    await second.close()
  })

  test('of a store that is closed is refused', async () => {
    const disk = await emptyDisk()
    const store = await openMemory(disk)
    await store.close()
    await expectCode(works[name](store), 'STORE_CLOSED')
    expect(await disk.stat(target)).toBeUndefined()
  })
})

test('a thread that dies takes the copy along, and nothing else', () =>
  withStore({ place: 'disk', wrap: dyingFileSystem }, async (temp) => {
    const copy = new SecondStore(temp)
    await temp.store.branch('main').commit((edit) => void edit.set('a', 'a'))
    const failed: unknown = await temp.store.copyTo(copy.folder).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'COPY_FAILED', details: { path: copy.folder, reason: 'worker' } })
    expect(await copy.isThere()).toBe(false)
    await temp.store.branch('main').commit((edit) => void edit.set('b', 'b'))
  }))

test('closing the store ends a copy on its thread, and leaves nothing', () =>
  withStore({ place: 'disk' }, async (temp) => {
    const copy = new SecondStore(temp)
    await temp.store.branch('main').commit((edit) => void edit.set('big', seededBytes(1, 5_000_000)))
    const copying = temp.store.copyTo(copy.folder)
    const closing = temp.close()
    await expectCode(copying, 'STORE_CLOSED')
    await closing
    expect(await copy.isThere()).toBe(false)
    await temp.open()
  }))
