/** What a repair makes of a damaged chunk by itself, without a copy of the store. */
import { encodeRecord, recordHeaderSize } from '@varve/pack/pack'
import { flipBit, type MemoryFileSystem } from '@varve/pack/testing'
import type { Hash, Store } from '@varve/store'
import { checkFolder, openStore, type RepairReport, repairStore } from '@varve/store/internal'
import { beforeEach, describe, expect, test } from 'vitest'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'

const names = ['a', 'b', 'c', 'd']
/** In a record's header, from its start: the length of the body, without which nobody finds the next. */
const lengthAt = 12
/** Before the first record of a batch. */
const batchHeaderSize = 56

let disk: MemoryFileSystem
let chunk: string
/** Where the record of each blob starts in the chunk. */
let places: ReadonlyMap<string, number>
let batchEnd: number
let whole: Buffer

/** One commit of four blobs, in a batch of its own, in the open chunk. */
beforeEach(async () => {
  disk = await emptyDisk()
  const store = await openMemory(disk)
  await store.branch('main').commit((edit) => void edit.set('first', 'the first'))
  const start = await storeEnd(store)
  await store.branch('main').commit((edit) => {
    for (const name of names) edit.set(name, `the content ${name}`)
  })
  batchEnd = (await storeEnd(store)) - 16
  places = new Map(await Promise.all(names.map(async (name) => [name, await placeOf(store, name)] as const)))
  await store.close()
  expect(Math.min(...places.values())).toBe(start + batchHeaderSize)
  whole = bytesOf(chunk)
})

/** Bytes of the open chunk up to now. */
async function storeEnd(store: Store): Promise<number> {
  await store.flush()
  const [path = ''] = [...disk.files().keys()].filter((path) => /suffix-\d+\.pack$/.test(path))
  chunk = path
  return bytesOf(path).length
}

async function placeOf(store: Store, name: string): Promise<number> {
  const { hash } = (await store.branch('main').stat(name)) ?? {}
  const { offset = 0 } = await store.locate(hash as Hash<'blob'>)
  return offset
}

function bytesOf(path: string): Buffer {
  return Buffer.from(disk.files().get(path) as Uint8Array)
}

function flip(position: number): void {
  disk.damage(chunk, flipBit(8 * position))
}

/** Takes the header of the record, but for its hash: nobody finds the next. */
function breakAt(record: number): void {
  disk.damage(chunk, (bytes) => Buffer.from(bytes).fill(0xff, record + 2, record + 15))
}

function repair(from?: string, apply = true): Promise<RepairReport> {
  const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' } as const
  return repairStore(memoryFolder, { apply, from }, platform)
}

async function findings(): Promise<readonly unknown[]> {
  return (await checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })).findings
}

/** What can be read of the four; the code of the error where one cannot. */
async function readAll(): Promise<string[]> {
  const store = await openMemory(disk)
  try {
    const main = store.branch('main')
    const read = async (name: string): Promise<string> => {
      try {
        return Buffer.from((await main.get(name)) ?? []).toString()
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    return await Promise.all(names.map(read))
  } finally {
    await store.close()
  }
}

/** Where the last record of a batch starts, of which one starts at `from`. */
function lastRecord(bytes: Buffer, from: number, end: number): number {
  for (let at = from; ; ) {
    const next = at + recordHeaderSize + 8 * Math.ceil(bytes.readUInt32LE(at + lengthAt) / 8)
    if (next >= end) return at
    at = next
  }
}

const file = (): string => chunk.slice(chunk.lastIndexOf('/') + 1)
const contents = names.map((name) => `the content ${name}`)

describe('the frame of a batch is made anew', () => {
  test('its trailer, to the byte', async () => {
    flip(batchEnd + 9)
    expect(await repair()).toMatchObject({ steps: [{ action: 'rebuild', file: file() }], remaining: [] })
    expect(bytesOf(chunk)).toEqual(whole)
    expect(await findings()).toEqual([])
  })

  test.each([
    ['its header, but for its time', []],
    ['its header and its trailer', [16, 8]],
  ])('%s', async (_, alsoBeforeEnd) => {
    flip(Math.min(...places.values()) - 20)
    for (const before of alsoBeforeEnd) flip(batchEnd + 16 - before)
    expect(await repair()).toMatchObject({ steps: [{ action: 'rebuild', file: file() }], remaining: [] })
    expect(await findings()).toEqual([])
    expect(await readAll()).toEqual(contents)
  })
})

test('a header that is made anew says no earlier time: what was put would be too old', async () => {
  let time = 1_700_000_000_000
  const store = await openMemory(disk, { now: () => time })
  const ends: number[] = []
  for (let i = 0; i < 3; i++) {
    time += 1_000_000
    await store.putBlob(`put at ${time}`)
    ends.push(await storeEnd(store))
  }
  await store.close()
  const at = ends[0] ?? 0
  const timeOf = (): number => Number(bytesOf(chunk).readBigUInt64LE(at + 16))
  expect(timeOf()).toBe(time - 1_000_000)
  flip(at + 20)
  expect((await repair()).remaining).toEqual([])
  expect(timeOf()).toBe(time)
})

describe('one field of a record in which the chain breaks', () => {
  const fields = { checksum: 3, kind: 8, flags: 9, 'number of references': 10, length: 12 }
  const records = ['a blob', 'a directory', 'a commit', 'what is said of a branch'] as const

  /** Where the records of the commit start that are of another kind each. */
  function placesOfKinds(): Map<string, number> {
    const kinds = { 1: 'a blob', 2: 'a directory', 3: 'a commit', 16: 'what is said of a branch' }
    const found = new Map<string, number>()
    for (let at = Math.min(...places.values()); at < batchEnd; ) {
      const kind = kinds[whole[at + 8] as keyof typeof kinds]
      if (kind !== undefined) found.set(kind, at)
      at += recordHeaderSize + 8 * Math.ceil(whole.readUInt32LE(at + lengthAt) / 8)
    }
    return found
  }

  test.each(
    records.flatMap((record) => Object.entries(fields).map(([field, by]) => ({ record, field, by }))),
  )('is made whole: $field of $record', async ({ record, by }) => {
    const at = placesOfKinds().get(record)
    expect(at).toBeDefined()
    flip((at ?? 0) + by)
    expect(await readAll()).toContain('CORRUPT')
    expect(await repair()).toMatchObject({ steps: [{ action: 'rebuild', file: file() }], remaining: [] })
    expect(bytesOf(chunk)).toEqual(whole)
    expect(await findings()).toEqual([])
  })

  test('leaves a damaged body where that is damaged too, and the records behind it are found', async () => {
    const metadata = placesOfKinds().get('what is said of a branch') ?? 0
    flip(metadata + lengthAt)
    flip(metadata + recordHeaderSize)
    const plan = await repair(undefined, false)
    const { steps, remaining } = await repair()
    expect(steps).toEqual([{ action: 'rebuild', file: file() }])
    expect(plan.steps).toEqual(steps)
    expect(plan.remaining).toHaveLength(1)
    expect(remaining).toMatchObject([{ what: expect.stringContaining('a record of metadata is damaged') }])
  })
})

describe('a break in the chain of records', () => {
  test('is planned for as what it becomes; its branches are not known before', async () => {
    breakAt(places.get('b') ?? 0)
    const plan = await repair(undefined, false)
    const { steps, remaining } = await repair()
    expect(plan.steps).toEqual(steps.slice(0, 1))
    const objects = (list: typeof remaining): unknown => list.map(({ offset, hash }) => ({ offset, hash }))
    expect(objects(plan.remaining)).toEqual(objects(remaining))
    expect(remaining).toHaveLength(1)
  })

  test('becomes the damage of the one record that is lost', async () => {
    const store = await openMemory(disk)
    const hash = (await store.branch('main').stat('b'))?.hash as Hash<'blob'>
    await store.close()
    breakAt(places.get('b') ?? 0)
    expect(await readAll()).toEqual(names.map(() => 'CORRUPT'))
    const { steps, remaining, setAside } = await repair()
    expect(steps.map(({ action }) => action)).toEqual(['rebuild', 'move-ref'])
    expect(remaining).toMatchObject([{ hash, what: 'a record is damaged' }])
    expect(setAside).toEqual([`${file()}.damaged-1`])
    const after = await openMemory(disk)
    await expect(after.getBlob(hash)).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(await after.getBlob(hash.replace(/^./, (c) => (c === '0' ? '1' : '0')) as Hash<'blob'>)).toBe(
      undefined,
    )
    expect(Buffer.from((await after.branch('main').get('first')) ?? []).toString()).toBe('the first')
    expect(await after.putBlob('the content b')).toBe(hash)
    await after.close()
  })

  test('and the branch stays, when a store has what is lost', async () => {
    const other = await openStore(
      '/disk/other',
      {},
      { fileSystem: disk, memoryKey: {}, collectorWhere: 'inline' },
    )
    await other.branch('main').commit((edit) => void edit.set('x', 'the content b'))
    await other.close()
    breakAt(places.get('b') ?? 0)
    const { steps, remaining } = await repair('/disk/other')
    expect(steps.map(({ action }) => action)).toEqual(['rebuild', 'put'])
    expect(remaining).toEqual([])
    expect(await readAll()).toEqual(contents)
  })

  test('is left where more than one record is lost, and is said to remain', async () => {
    const from = places.get('b') ?? 0
    const to = places.get('c') ?? 0
    expect(to).toBeGreaterThan(from)
    disk.damage(chunk, (bytes) => Buffer.from(bytes).fill(0xff, from + 8, to + recordHeaderSize))
    const damaged = bytesOf(chunk)
    const { remaining } = await repair()
    expect(remaining).toMatchObject([{ file: file(), what: expect.stringContaining('chain of records') }])
    expect(bytesOf(chunk).subarray(0, damaged.length)).toEqual(damaged)
    expect(await readAll()).toEqual(names.map(() => 'CORRUPT'))
  })

  test('is left where the lost record held metadata', async () => {
    const metadata = lastRecord(whole, places.get('a') ?? 0, batchEnd)
    breakAt(metadata)
    expect((await repair()).remaining).toMatchObject([{ what: expect.stringContaining('chain of records') }])
    expect(await readAll()).toEqual(names.map(() => 'CORRUPT'))
  })

  test.each([
    ['the lost record', 0],
    ['another lost one behind it', 1],
  ])('is left where the content of %s looks like a record', async (_, lostBefore) => {
    const forged = (offset: number): Buffer => {
      const content = Buffer.alloc(8 + recordHeaderSize + 16, 'x')
      const body = Buffer.from('a forged content')
      encodeRecord(content, 8, offset, 1, 0, 'h'.repeat(32), 0, body, 0, body.length)
      return content
    }
    const put = async (content: Buffer): Promise<number[]> => {
      const store = await openMemory(disk)
      await store.branch('main').commit((edit) => void edit.set('y', 'before it').set('z', content))
      const offsets = [await placeOf(store, 'y'), await placeOf(store, 'z')]
      await store.close()
      return offsets
    }
    const before = disk
    disk = before.clone()
    // Where a content of this length comes to lie.
    const [from = 0, at = 0] = await put(forged(8))
    disk = before.clone()
    const base = bytesOf(chunk).readUInt32LE(48)
    expect(await put(forged(base + at + recordHeaderSize + 8))).toEqual([from, at])
    expect(at).toBeGreaterThan(from)
    const start = lostBefore > 0 ? from : at
    disk.damage(chunk, (bytes) => Buffer.from(bytes).fill(0xff, start + 8, at + recordHeaderSize))
    const damaged = bytesOf(chunk)
    const { steps, remaining } = await repair()
    expect(steps.filter(({ action }) => action === 'rebuild')).toEqual([])
    expect(remaining).toMatchObject([{ offset: start, what: expect.stringContaining('chain of records') }])
    expect(bytesOf(chunk).subarray(0, damaged.length)).toEqual(damaged)
  })
})
