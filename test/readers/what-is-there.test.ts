/**
 * What a reader makes of files that are not all in order: logs that end in the middle of a batch, indexes
 * that are missing or damaged, and stores that are none, or newer, or others than before.
 * Nothing of it is ever written, and nothing that cannot be read is taken for absent.
 */
import type { FileSystem } from '@varve/pack/fs'
import { classifyFile, fileName } from '@varve/pack/layout'
import { openChunkFile, readControl, scanChunk } from '@varve/pack/pack'
import { flipBit, InterceptedFileSystem, type MemoryFileSystem, SeededRandom } from '@varve/pack/testing'
import type { Commit, Hash, ReadOnlyStore, StoreReader } from '@varve/store'
import { openReadOnly } from '@varve/store/internal'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryReader } from '../support/memory-reader.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { withControlFormat } from '../support/newer-format.ts'
import { expectAllOf, failureOf, headsOf } from '../support/reader-checks.ts'
import { makeSpecimen, type Specimen } from '../support/specimen.ts'

let specimen: Specimen
let disk: MemoryFileSystem
beforeAll(async () => {
  specimen = await makeSpecimen(7)
})
beforeEach(() => {
  disk = specimen.disk.clone()
})

async function namesOf(kind: string): Promise<string[]> {
  return (await disk.list(memoryFolder)).filter((name) => classifyFile(name).kind === kind)
}

const pathOf = (name: string): string => `${memoryFolder}/${name}`

async function openChunkName(): Promise<string> {
  return fileName.chunk((await readControl(disk, memoryFolder)).state.chunks.at(-1)?.number ?? 0)
}

const expectAll = (store: StoreReader): Promise<void> => expectAllOf(specimen, store)

async function closed(reader: MemoryReader): Promise<void> {
  await reader.store.close()
  expect(reader.disk.refused).toEqual([])
  expect(disk.openHandles()).toEqual([])
}

describe('a log that grows', () => {
  test('byte by byte gives each batch when it is whole, and never a part of one', async () => {
    const name = await openChunkName()
    const whole = Buffer.from(await disk.readFile(pathOf(name)))
    const states = await statesByLength(whole, name)
    const lengths = [...states.keys()]
    const random = new SeededRandom(3)
    const cuts = new Set(
      lengths.flatMap((length) => [length - 8, length - 1, length, length + 1, length + 60]),
    )
    for (let n = 0; n < 60; n++) cuts.add(64 + random.below(whole.length - 64))
    const ascending = [...cuts].filter((at) => at >= 64 && at <= whole.length).sort((a, b) => a - b)
    disk.damage(pathOf(name), (bytes) => bytes.subarray(0, 64))
    const reader = await MemoryReader.open(disk)
    for (const cut of ascending) {
      disk.damage(pathOf(name), () => Buffer.from(whole.subarray(0, cut)))
      await reader.store.reload()
      const reached = lengths.filter((length) => length <= cut).at(-1) as number
      expect(await headsOf(reader.store), `${cut} bytes`).toEqual(states.get(reached))
    }
    await expectAll(reader.store)
    expect(reader.told()).toEqual([])
    await closed(reader)
  })

  /** By the lengths of the file at which a batch ends: the refs then. */
  async function statesByLength(whole: Buffer, name: string): Promise<Map<number, unknown>> {
    const states = new Map<number, unknown>()
    for (const length of await batchEnds(name)) {
      disk.damage(pathOf(name), () => Buffer.from(whole.subarray(0, length)))
      const reader = await MemoryReader.open(disk)
      const file = reader.store.stats().files.find((each) => each.name === name)
      expect(file?.bytes, 'all of it is read').toBe(length)
      states.set(length, await headsOf(reader.store))
      await reader.store.close()
    }
    expect(states.size).toBeGreaterThan(5)
    expect(states.has(whole.length)).toBe(true)
    return states
  }

  async function batchEnds(name: string): Promise<number[]> {
    const { state } = await readControl(disk, memoryFolder)
    const { number, base } = state.chunks.at(-1) as { number: number; base: number }
    expect(fileName.chunk(number)).toBe(name)
    const expected = { number, base, storeId: Buffer.from(state.storeId, 'hex') }
    const { handle, header, size } = await openChunkFile(disk, memoryFolder, expected, 'read')
    const ends = [64]
    for await (const step of scanChunk({ handle, header, end: base + size })) {
      if (step.kind === 'batch') ends.push(step.batch.end - base)
    }
    await handle.close()
    return ends
  }

  test('over an end that was torn is read on in the chunk after it', async () => {
    const name = await openChunkName()
    const reader = await MemoryReader.open(disk)
    disk.damage(pathOf(name), (bytes) => Buffer.concat([bytes, Buffer.alloc(100, 7)]))
    expect(await reader.store.reload()).toEqual([])
    const store = await openMemory(disk)
    const head = await store.branch('main').commit((edit) => void edit.set('after', 'the torn end'))
    const changes = await reader.store.reload()
    expect(changes.map(({ ref, after }) => [ref, after?.hash])).toEqual([['heads/main', head.hash]])
    await store.close()
    await closed(reader)
  })
})

describe('an index', () => {
  test.each(['missing', 'damaged', 'cut short'])('that is %s is made anew in memory', async (what) => {
    const names = [...(await namesOf('chunk-index')), ...(await namesOf('segment-index'))]
    expect(names.length).toBeGreaterThan(1)
    for (const name of names) {
      if (what === 'missing') await disk.remove(pathOf(name))
      else if (what === 'damaged') disk.damage(pathOf(name), flipBit(8 * 4_100))
      else disk.damage(pathOf(name), (bytes) => bytes.subarray(0, bytes.length - 4_096))
    }
    const before = new Map(disk.files())
    const reader = await MemoryReader.open(disk)
    await expectAll(reader.store)
    expect((await reader.store.resolve('main'))?.hash).toBe(specimen.holdings.refs.get('heads/main'))
    const absent = 'f'.repeat(64) as Hash<'blob'>
    expect(await reader.store.getBlob(absent)).toBeUndefined()
    const told = reader.told().map((event) => event.type === 'index-rebuilt' && event.file)
    // A chunk is sealed before its index is built, so that one that is missing is nothing odd.
    expect(told).toEqual(names.filter((name) => name.startsWith('gen-')))
    expect(disk.files()).toEqual(before)
    await closed(reader)
  })

  test('that is built after the opening is taken over, and nothing is missing in between', async () => {
    const store = await openMemory(disk)
    await store.advanced.split()
    await store.branch('main').commit((edit) => void edit.set('x', 'y'))
    await store.close()
    const [name] = (await namesOf('chunk-index')).slice(-1) as [string]
    const bytes = Buffer.from(await disk.readFile(pathOf(name)))
    await disk.remove(pathOf(name))
    const reader = await MemoryReader.open(disk)
    const listed = (): string[] => reader.store.stats().files.map((file) => file.name)
    expect(listed()).not.toContain(name)
    await expectNothingMissing(reader.store)
    const handle = await disk.open(pathOf(name), 'create')
    handle.writeSync(bytes, 0, bytes.length - 1, 0)
    await reader.store.reload()
    expect(listed(), 'it is not whole yet').not.toContain(name)
    await expectNothingMissing(reader.store)
    handle.writeSync(bytes, bytes.length - 1, 1, bytes.length - 1)
    await handle.close()
    await reader.store.reload()
    expect(listed()).toContain(name)
    await expectNothingMissing(reader.store)
    expect(reader.told()).toEqual([])
    await closed(reader)
  })

  async function expectNothingMissing(store: StoreReader): Promise<void> {
    for (const hash of specimen.holdings.blobs.keys()) expect(await store.getBlob(hash)).toBeDefined()
    expect(await store.branch('main').has('x')).toBe(true)
  }
})

describe('a folder', () => {
  test('without a store, or that is not there, is told and stays as it was', async () => {
    const empty = await emptyDisk()
    expect(await failureOf(MemoryReader.open(empty))).toMatchObject({ code: 'NO_STORE' })
    await empty.mkdir(memoryFolder)
    expect(await failureOf(MemoryReader.open(empty))).toMatchObject({
      code: 'NO_STORE',
      details: { path: memoryFolder },
    })
    expect(empty.files().size).toBe(0)
    expect(await failureOf(openReadOnly('/proc/version', { readOnly: true }))).toMatchObject({
      code: 'NO_STORE',
    })
  })

  test('with a newer format', async () => {
    disk.damage(pathOf('control'), (bytes) => withControlFormat(bytes, 9))
    expect(await failureOf(MemoryReader.open(disk))).toMatchObject({ code: 'NEWER_FORMAT' })
  })

  test('in which another store, or an older state, has taken the place', async () => {
    const reader = await MemoryReader.open(disk)
    const control = Buffer.from(await disk.readFile(pathOf('control')))
    const store = await openMemory(disk)
    await store.branch('main').commit((edit) => void edit.set('x', 'y'))
    await store.close()
    await reader.store.reload()
    disk.damage(pathOf('control'), () => control)
    expect(await failureOf(reader.store.reload())).toMatchObject({
      code: 'CORRUPT',
      details: { file: 'control' },
    })
    expect(await reader.store.branch('main').has('x')).toBe(true)
    const other = await makeSpecimen(8)
    for (const [path, bytes] of other.disk.files()) {
      if (path.endsWith('/control')) disk.damage(pathOf('control'), () => Buffer.from(bytes))
    }
    expect(await failureOf(reader.store.reload())).toMatchObject({ code: 'CORRUPT' })
    await disk.remove(pathOf('control'))
    expect(await failureOf(reader.store.reload())).toMatchObject({ code: 'CORRUPT' })
    expect(await reader.store.branch('main').has('x')).toBe(true)
    await closed(reader)
  })

  test('that goes altogether leaves what the reader has', async () => {
    const reader = await MemoryReader.open(disk)
    await disk.removeFolder(memoryFolder)
    await expectAll(reader.store)
    expect(await failureOf(reader.store.reload())).toMatchObject({ code: 'NO_STORE' })
    await expectAll(reader.store)
    await closed(reader)
    expect(disk.usedBytes).toBe(0)
  })
})

test('what a collection took is free when the last reader that has it is done', async () => {
  const used = (): number => disk.usedBytes
  const named = (): number => [...disk.files().values()].reduce((sum, bytes) => sum + bytes.length, 0)
  const readers = [await MemoryReader.open(disk), await MemoryReader.open(disk)] as const
  const store = await openMemory(disk)
  const head = await store.branch('main').commit((edit) => void edit.set('x', 'y'))
  await store.gc.run(head, { grace: 0 })
  await store.close()
  const held = used() - named()
  expect(held).toBeGreaterThan(10_000)
  await expectAll(readers[0].store)
  await readers[0].store.reload()
  expect(used() - named(), 'the other one still has them').toBe(held)
  await expectAll(readers[1].store)
  await readers[1].store.close()
  expect(used()).toBe(named())
  await closed(readers[0])
})

test('an opening that is aborted, before it or at any of its files, leaves no handle', async () => {
  const open = (signal: AbortSignal, fileSystem: FileSystem): Promise<unknown> =>
    openReadOnly(memoryFolder, { readOnly: true, signal }, { fileSystem })
  expect(await failureOf(open(AbortSignal.abort(), disk))).toMatchObject({ code: 'ABORTED' })
  let isAborted = true
  for (let at = 0; isAborted; at++) {
    const controller = new AbortController()
    let opened = 0
    const counting = new InterceptedFileSystem(disk, {
      before: ({ kind }) => {
        if (kind === 'open' && opened++ === at) controller.abort()
        return undefined
      },
    })
    const failure = await failureOf(
      open(controller.signal, counting).then((store) => (store as ReadOnlyStore).close()),
    )
    isAborted = opened > at
    if (isAborted) expect(failure).toMatchObject({ code: 'ABORTED' })
    else expect(at).toBeGreaterThan(5)
    expect(disk.openHandles()).toEqual([])
  }
})

test('a reader that is closed answers nothing, and closing it again is nothing', async () => {
  const reader = await MemoryReader.open(disk)
  const head = (await reader.store.branch('main').head()) as Commit
  const [hash] = specimen.holdings.blobs.keys() as Iterable<Hash<'blob'>> as [Hash<'blob'>]
  const blob = await reader.store.openBlob(hash)
  const reloading = reader.store.reload()
  await Promise.all([reader.store.close(), reader.store.close()])
  await failureOf(reloading)
  for (const call of [
    () => reader.store.reload(),
    () => reader.store.getBlob(hash),
    () => reader.store.branch('main').head(),
    () => reader.store.tag('v1').target(),
    () => head.tree().get('d0'),
    () => blob?.bytes() as Promise<unknown>,
    () => reader.store.gc.isAllowed().then((is) => Promise.reject(is)),
  ]) {
    expect(await failureOf(call())).toMatchObject({ code: 'STORE_CLOSED' })
  }
  expect(() => reader.store.stats()).toThrow('closed')
  await closed(reader)
})
