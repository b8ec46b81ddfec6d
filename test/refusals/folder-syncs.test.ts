/**
 * A sync of the store's folder that fails in the course of a collection is final for the writer, whoever made
 * it: nothing is written any more, reads go on, and the next opening finds all that was acknowledged.
 */
import { FaultFileSystem, InterceptedFileSystem, type MemoryFileSystem } from '@varve/pack/testing'
import { type Store, VarveError } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { Ledger } from '../support/ledger.ts'
import { emptyDisk, expectTidy, openMemory } from '../support/memory-store.ts'
import { readRefs } from '../support/read-whole.ts'
import { TempStore } from '../support/temp-store.ts'

interface Collected {
  readonly name: string
  readonly prepare: (store: Store, ledger: Ledger) => Promise<unknown>
  readonly target?: { readonly branch: string; readonly index: number }
}

async function commitTwice(store: Store, ledger: Ledger): Promise<void> {
  await ledger.commit(store, 'main', { a: 'one' })
  await ledger.commit(store, 'main', { a: 'two' })
}

const collections: readonly Collected[] = [
  { name: 'with a target', prepare: commitTwice, target: { branch: 'main', index: 1 } },
  { name: 'without a target', prepare: commitTwice },
  { name: 'that keeps nothing', prepare: (store, ledger) => ledger.putBlob(store, 'bare') },
]

/** The new chunk's, control's, the index's, those of all other new files, and control's again. */
const folderSyncs = [1, 2, 3, 4, 5]

async function expectWriterFailed(call: Promise<unknown>): Promise<void> {
  const failure: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!VarveError.is(failure)) throw new Error('a typed failure', { cause: failure })
  expect(failure.code).toBe('WRITER_FAILED')
}

async function expectOnlyReads(store: Store, before: Awaited<ReturnType<typeof readRefs>>): Promise<void> {
  await expectWriterFailed(store.branch('main').commit((edit) => void edit.set('b', 'later')))
  await expectWriterFailed(store.putBlob('later'))
  await expectWriterFailed(store.flush())
  expect(await readRefs(store)).toEqual(before)
}

/** The disk is well again. */
async function expectWhole(disk: MemoryFileSystem, ledger: Ledger): Promise<void> {
  const store = await openMemory(disk)
  await ledger.verify(store)
  await ledger.commit(store, 'main', { after: 'the fault' })
  await store.gc.run(undefined, { grace: 0 })
  await ledger.verify(store)
  await store.close()
  await expectTidy(disk)
}

describe.each(collections)('a collection $name', ({ prepare, target }) => {
  test('syncs the folder so often', async () => {
    const disk = await emptyDisk()
    const ledger = new Ledger()
    let count = 0
    const before = (o: { readonly kind: string }): undefined => void (o.kind === 'syncFolder' && count++)
    const store = await openMemory(disk, { through: new InterceptedFileSystem(disk, { before }) })
    await prepare(store, ledger)
    count = 0
    await ledger.collect(store, target)
    expect(count).toBe(folderSyncs.length)
    await store.close()
  })

  test.each(
    folderSyncs.flatMap((at) => [
      { at, late: false },
      { at, late: true },
    ]),
  )('whose folder sync number $at fails (although it was done: $late)', async ({ at, late }) => {
    const disk = await emptyDisk()
    const ledger = new Ledger()
    const faults = new FaultFileSystem(disk)
    const store = await openMemory(disk, { through: faults })
    await prepare(store, ledger)
    const before = await readRefs(store)
    faults.setPlan([{ fault: { kind: 'error', code: 'EIO', late }, kinds: ['syncFolder'], at }])
    await expectWriterFailed(ledger.collect(store, target))
    expect(faults.struck).toHaveLength(1)
    const seen: string[] = []
    faults.setPlan([
      {
        fault: { kind: 'error', code: 'EIO' },
        kinds: ['write', 'datasync', 'sync', 'syncFolder', 'rename'],
        when: ({ kind, path }) => seen.push(`${kind} ${path}`) > 0,
        times: 'always',
      },
    ])
    await expectOnlyReads(store, before)
    await store.close()
    expect(seen, 'a writer that has failed writes and syncs nothing').toEqual([])
    expect(disk.openHandles()).toEqual([])
    await expectWhole(disk.crashImage({ keep: 'none' }), ledger.fork())
    await expectWhole(disk, ledger)
  })
})

test("a worker's thread whose folder sync fails", async () => {
  const module = new URL('../dist/failing-origin.js', import.meta.url).href
  const origin = { module, options: { how: 'folder' } }
  const temp = await TempStore.create({ place: 'disk', wrap: (inner) => withOrigin(inner, origin) })
  try {
    const { store } = temp
    await store.branch('main').commit((edit) => void edit.set('a', 'one'))
    const before = await readRefs(store)
    await expectWriterFailed(store.gc.run(undefined, { grace: 0 }))
    await expectOnlyReads(store, before)
  } finally {
    await temp.remove()
  }
})

/** The same disk, which a thread builds by another program. */
function withOrigin<T extends object>(inner: T, origin: unknown): T {
  return new Proxy(inner, {
    get(target, key) {
      if (key === 'origin') return origin
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
