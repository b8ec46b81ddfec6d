/** Indexes built behind the log, and what happens to look-ups while they are not there. */
import { Deferred, systemClock } from '@varve/pack/base'
import { fileName } from '@varve/pack/layout'
import { indexKind, type RawHash } from '@varve/pack/objects'
import { FaultFileSystem, InterceptedFileSystem, type MemoryFileSystem } from '@varve/pack/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { emptyDisk, MemoryRooms, roomsFolder } from '../assembly/testing/memory-rooms.ts'

let disk: MemoryFileSystem
let faults: FaultFileSystem
let held: Deferred | undefined
/** Names of indexes, as often as they were begun. */
let begun: string[]
let store: MemoryRooms
beforeEach(async () => {
  disk = await emptyDisk()
  faults = new FaultFileSystem(disk)
  held = undefined
  begun = []
  const through = new InterceptedFileSystem(faults, {
    before: () => undefined,
    delay: async ({ kind, path }) => {
      const name = /suffix-\d+\.idx$/.exec(path)?.[0]
      if (kind !== 'create' || name === undefined) return
      begun.push(name)
      await held?.promise
    },
  })
  store = await MemoryRooms.open({ disk, through })
})
afterEach(async () => {
  faults.setPlan([])
  held?.resolve()
  await store.close()
  expect(disk.openHandles()).toEqual([])
})

/** Puts a blob and seals the chunk in which it lies. */
async function sealWith(text: string): Promise<RawHash> {
  const { hash } = store.rooms.writer.putBlob(Buffer.from(text))
  await store.rooms.log.seal()
  return hash
}

async function indexNames(): Promise<string[]> {
  return (await disk.list(roomsFolder)).filter((name) => name.endsWith('.idx'))
}

const isFound = (hash: RawHash): boolean => store.rooms.files.index.findWhole(indexKind.blob, hash) !== 0

describe('a sealed chunk', () => {
  test('is looked up in its table until its index is there', async () => {
    const { indexing, files } = store.rooms
    held = new Deferred()
    const hash = await sealWith('a')
    expect([indexing.backlog, files.index.waiting(), files.index.files().length]).toEqual([1, [1], 0])
    expect(isFound(hash)).toBe(true)
    held.resolve()
    await indexing.settled()
    expect([indexing.backlog, files.index.waiting(), files.index.files().length]).toEqual([0, [], 1])
    expect(isFound(hash)).toBe(true)
    expect(await indexNames()).toEqual([fileName.chunkIndex(1)])
  })

  test.each([
    ['built', 'sync'],
    ['opened', 'open'],
  ] as const)(
    'whose index cannot be %s keeps its table, and is tried again with the next one',
    async (_, kind) => {
      const { indexing, files } = store.rooms
      faults.setPlan([{ fault: { kind: 'error', code: 'EIO' }, kinds: [kind], path: fileName.chunkIndex(1) }])
      const first = await sealWith('a')
      await indexing.settled()
      expect(faults.struck).toHaveLength(1)
      expect([files.index.waiting(), await indexNames(), indexing.backlog]).toEqual([[1], [], 0])
      expect(isFound(first)).toBe(true)
      const second = await sealWith('b')
      await indexing.settled()
      expect(files.index.waiting()).toEqual([])
      expect(files.index.files().map(({ number }) => number)).toEqual([2, 1])
      expect([isFound(first), isFound(second)]).toEqual([true, true])
      expect(store.rooms.log.failure).toBeUndefined()
    },
  )

  test('is sealed only when not too many wait, and as soon as that is so', async () => {
    const { indexing, files } = store.rooms
    held = new Deferred()
    for (const text of ['a', 'b']) await sealWith(text)
    store.rooms.writer.putBlob(Buffer.from('c'))
    const sealing = store.rooms.log.seal()
    await systemClock.turn()
    expect([indexing.backlog, files.control.chunks.length]).toEqual([2, 3])
    held.resolve()
    await sealing
    expect(files.control.chunks.length).toBe(4)
    await indexing.settled()
    expect(indexing.backlog).toBe(0)
  })

  test('whose index may not be durable ends writing', async () => {
    const { indexing, log } = store.rooms
    held = new Deferred()
    const hashes = [await sealWith('a'), await sealWith('b')]
    faults.setPlan([{ fault: { kind: 'error', code: 'EIO' }, kinds: ['syncFolder'] }])
    held.resolve()
    await indexing.settled()
    expect(log.failure).toMatchObject({ code: 'WRITER_FAILED' })
    expect(begun, 'nothing is synced any more').toEqual([fileName.chunkIndex(1)])
    expect(hashes.map(isFound)).toEqual([true, true])
    expect(store.told('writer-failed')).toHaveLength(1)
  })

  test('that waits when the store is closed gets its index at the next opening', async () => {
    held = new Deferred()
    const hashes = [await sealWith('a'), await sealWith('b')]
    const closing = store.close()
    held.resolve()
    await closing
    expect((await indexNames()).length, 'at most the one under way').toBeLessThan(2)
    store = await MemoryRooms.open({ disk })
    expect(await indexNames()).toEqual([fileName.chunkIndex(1), fileName.chunkIndex(2)])
    expect(hashes.map(isFound)).toEqual([true, true])
    expect(store.told('index-rebuilt')).toEqual([])
  })

  test('that a collection retires meanwhile gets no index', async () => {
    const { indexing, files, gc } = store.rooms
    held = new Deferred()
    const commit = await store.branch('main').commit((edit) => void edit.set('a', 'kept'))
    await store.rooms.log.seal()
    await gc.run(commit, { grace: 0 })
    expect(files.control.chunks.map(({ number }) => number)).not.toContain(1)
    held.resolve()
    await indexing.settled()
    await store.rooms.retirer.drained()
    for (let turn = 0; turn < 5; turn++) await systemClock.turn()
    expect(files.index.files().map(({ name }) => name)).not.toContain(fileName.chunkIndex(1))
    expect(await indexNames()).not.toContain(fileName.chunkIndex(1))
    expect(store.branch('main').getSync('a')).toBeDefined()
  })
})

describe('the chunk that a collection seals', () => {
  /** A commit in a sealed chunk that has its index, and one behind it that the collection seals. */
  async function startCollection(): Promise<RawHash> {
    const { indexing, gc, log, writer } = store.rooms
    const target = await store.branch('main').commit((edit) => void edit.set('a', 'kept'))
    await log.seal()
    await indexing.settled()
    const { hash } = writer.putBlob(Buffer.from('b'))
    held = new Deferred()
    await gc.startGc(target, { grace: 0 })
    expect([indexing.lent, indexing.backlog, files().waiting()]).toEqual([[2], 1, [2]])
    expect(isFound(hash)).toBe(true)
    return hash
  }

  const files = (): typeof store.rooms.files.index => store.rooms.files.index

  async function expectIndexed(hash: RawHash): Promise<void> {
    const { indexing } = store.rooms
    await indexing.settled()
    expect([indexing.lent, indexing.backlog, files().waiting()]).toEqual([[], 0, []])
    expect(
      files()
        .files()
        .map(({ name }) => name),
    ).toContain(fileName.chunkIndex(2))
    expect(isFound(hash)).toBe(true)
    expect(store.rooms.log.failure).toBeUndefined()
  }

  test('is indexed by it, once, and counts as waiting until then', async () => {
    const hash = await startCollection()
    held?.resolve()
    expect(await store.rooms.gc.finaliseGc()).toMatchObject({ state: 'finalised' })
    await expectIndexed(hash)
    expect(begun).toEqual([1, 2].map((number) => fileName.chunkIndex(number)))
  })

  test('is indexed as usual after one that was cancelled', async () => {
    const hash = await startCollection()
    const cancelled = store.rooms.gc.cancel()
    held?.resolve()
    expect(await cancelled).toBe(true)
    await expectIndexed(hash)
  })

  test.each(['create', 'write', 'sync', 'open'] as const)(
    'is indexed as usual where the collection cannot (%s), which goes on',
    async (kind) => {
      const hash = await startCollection()
      const fault = { kind: 'error', code: 'EIO' } as const
      faults.setPlan([{ fault, kinds: [kind], path: fileName.chunkIndex(2) }])
      held?.resolve()
      expect(await store.rooms.gc.finaliseGc()).toMatchObject({ state: 'finalised' })
      expect(faults.struck).toHaveLength(1)
      await expectIndexed(hash)
    },
  )

  test('is indexed as usual after one that failed', async () => {
    const hash = await startCollection()
    const fault = { kind: 'error', code: 'EIO' } as const
    faults.setPlan([{ fault, kinds: ['create'], path: /gen-\d+\.pack$/ }])
    held?.resolve()
    await expect(store.rooms.gc.finaliseGc()).rejects.toMatchObject({ code: 'GC_FAILED' })
    await expectIndexed(hash)
  })

  test('does not wait for one that could not be started', async () => {
    const { indexing, gc, writer } = store.rooms
    const hash = writer.putBlob(Buffer.from('a')).hash
    const starting = gc.startGc(undefined, { grace: 0 }).catch((error: unknown) => error)
    const cancelled = gc.cancel()
    await Promise.all([starting, cancelled])
    await indexing.settled()
    expect([indexing.lent, indexing.backlog, files().waiting()]).toEqual([[], 0, []])
    expect(isFound(hash)).toBe(true)
  })
})
