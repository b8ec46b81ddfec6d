/**
 * Whatever operation fails while a copy or a backup is made, and wherever the power goes: nothing half-made
 * opens as a store, an older backup stays whole, and the source is as it was.
 */
import { FaultFileSystem, type MemoryFileSystem, type OperationKind } from '@varve/pack/testing'
import { type Store, VarveError } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { describe, expect, test } from 'vitest'
import { CrashPoints } from '../support/crash-points.ts'
import { leftovers } from '../support/leftovers.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { readRefs } from '../support/read-whole.ts'
import { seededBytes } from '../support/seeded-bytes.ts'

const target = '/disk/second'
const chunkBytes = 64 * 1024
const kinds: readonly OperationKind[] = [
  ...(['create', 'open', 'write', 'mkdir', 'rename', 'link', 'read', 'list'] as const),
  ...(['sync', 'syncFolder', 'close', 'stat', 'realPath'] as const),
  ...(['remove', 'removeFolder'] as const),
]

/** What these never do. */
const unused: ReadonlySet<string> = new Set(['copy link', 'first backup remove', 'copy removeFolder'])

type Refs = Awaited<ReturnType<typeof readRefs>>

/** A store with a generation, sealed chunks, and an open one. */
async function layOut(store: Store): Promise<void> {
  const put = (name: string, bytes: number): Promise<unknown> =>
    store.branch('main').commit((edit) => void edit.set(name, seededBytes(bytes, bytes)))
  await put('a', 30_000)
  await put('b', 50_000)
  await store.gc.run(undefined, { grace: 0 })
  await put('c', 70_000)
  await store.tag('v1').create((await store.branch('main').head())!)
  await put('d', 10_000)
}

function openSecond(disk: MemoryFileSystem): Promise<Store> {
  const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' } as const
  return openStore(target, { create: 'never' }, platform)
}

/** What a folder is to those who open it: its refs, or `undefined` where there is no store that opens. */
async function refsOf(disk: MemoryFileSystem): Promise<Refs | undefined> {
  let store: Store
  try {
    store = await openSecond(disk)
  } catch (error) {
    if (!VarveError.is(error, 'NO_STORE') && !VarveError.is(error, 'CORRUPT')) throw error
    return undefined
  }
  const refs = await readRefs(store)
  await store.close()
  return refs
}

const works = {
  copy: (store: Store) => store.copyTo(target),
  'first backup': (store: Store) => store.backup(target),
  'second backup': (store: Store) => store.backup(target),
} as const
const names = Object.keys(works) as (keyof typeof works)[]

/** The store before the work, and what a backup may hold besides that of its end. */
async function prepare(
  store: Store,
  work: keyof typeof works,
): Promise<{ readonly refs: Refs; readonly older: Refs | undefined }> {
  await layOut(store)
  if (work !== 'second backup') return { refs: await readRefs(store), older: undefined }
  await store.backup(target)
  const older = await readRefs(store)
  await store.branch('main').commit((edit) => void edit.set('e', seededBytes(9, 90_000)).delete('a'))
  await store.gc.run(undefined, { grace: 0 })
  await store.branch('main').commit((edit) => void edit.set('f', 'f'))
  return { refs: await readRefs(store), older }
}

describe.each(names)('%s', (work) => {
  test.each(kinds)('fails at any %s', async (kind) => {
    let struck = 0
    for (let at = 1; ; at++) {
      const disk = await emptyDisk()
      const faults = new FaultFileSystem(disk)
      const store = await openMemory(disk, { through: faults, chunkBytes })
      const { refs, older } = await prepare(store, work)
      const isOurs = ({ path }: { readonly path: string }): boolean =>
        path.startsWith(target) || (kind !== 'syncFolder' && kind !== 'close')
      faults.setPlan([{ fault: { kind: 'error', code: 'EIO' }, kinds: [kind], at, when: isOurs }])
      const outcome = await works[work](store).then(
        () => 'done' as const,
        (error: unknown) => error,
      )
      const isStruck = faults.struck.length > 0
      faults.setPlan([])
      if (isStruck) struck++
      if (outcome !== 'done') {
        expect(VarveError.is(outcome), String(outcome)).toBe(true)
        expect(isStruck).toBe(true)
        const left = (await disk.stat(target)) === undefined ? undefined : await disk.list(target)
        if (older === undefined) expect(left, `${work} ${kind} ${at}`).toBeUndefined()
        else expect([older, refs]).toContainEqual(await refsOf(disk))
      } else {
        expect(await refsOf(disk)).toEqual(refs)
      }
      // What failed is done when it is asked for again, and the source never noticed.
      if (store.gc.status.state === 'idle' && outcome !== 'done' && (await canSync(store))) {
        await works[work](store)
        expect(await refsOf(disk)).toEqual(refs)
      }
      expect(await readRefs(store)).toEqual(refs)
      await store.close().catch(() => undefined)
      expect(disk.openHandles()).toEqual([])
      if (!isStruck) break
    }
    if (!unused.has(`${work} ${kind}`)) expect(struck).toBeGreaterThan(0)
  })

  test('the power goes at any moment', async () => {
    const disk = await emptyDisk()
    let mark = 0
    const points = new CrashPoints(disk, { mark: () => mark, seed: 77 })
    points.isWatching = false
    const store = await openMemory(disk, { through: points.watched(), chunkBytes })
    const { refs, older } = await prepare(store, work)
    points.isWatching = true
    await works[work](store)
    points.isWatching = false
    mark = 1
    points.take('afterwards')
    const counts = { old: 0, new: 0, none: 0 }
    for (const { image, mark: done, label } of points.drain()) {
      const found = await refsOf(image)
      if (found === undefined) counts.none++
      else if (older !== undefined && JSON.stringify(found) === JSON.stringify(older)) counts.old++
      else {
        expect(found, label).toEqual(refs)
        counts.new++
      }
      if (done === 1) expect(found, label).toEqual(refs)
      const again = await openMemory(image, { chunkBytes })
      expect(await readRefs(again), label).toEqual(refs)
      if (work !== 'copy' && counts.none > 0 && older !== undefined) {
        await again.backup(target)
        expect(await refsOf(image), label).toEqual(refs)
      }
      await again.close()
      expect(await leftovers(image, memoryFolder)).toEqual([])
    }
    expect(counts.new).toBeGreaterThan(0)
    if (older === undefined) expect(counts.none).toBeGreaterThan(0)
    await store.close()
  })
})

async function canSync(store: Store): Promise<boolean> {
  return store.flush().then(
    () => true,
    () => false,
  )
}
