/** A repair that takes from a copy of the store which is older, or has gone its own way since. */
import { decodeControl } from '@varve/pack/pack'
import { flipBit, InterceptedFileSystem, type MemoryFileSystem } from '@varve/pack/testing'
import type { Hash, Store } from '@varve/store'
import { checkFolder, openReadOnly, openStore, type RepairReport, repairStore } from '@varve/store/internal'
import { beforeEach, describe, expect, test } from 'vitest'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'

const from = '/disk/copy'
let disk: MemoryFileSystem
/** A blob in the chunk that was open when the copy was made. */
let early: { readonly hash: Hash<'blob'>; readonly file: string; readonly offset: number }

beforeEach(async () => {
  disk = await emptyDisk()
  const store = await openMemory(disk)
  await store.branch('main').commit((edit) => void edit.set('early', 'the early content'))
  const hash = (await store.branch('main').stat('early'))?.hash as Hash<'blob'>
  const { file = '', offset = 0 } = await store.locate(hash)
  early = { hash, file, offset }
  await store.close()
  await disk.mkdir(from)
  await copyAgain()
})

async function storedAt(hash: Hash | undefined): Promise<{ file: string; offset: number }> {
  const store = await openMemory(disk)
  const { file = '', offset = 0 } = await store.locate(hash as Hash)
  await store.close()
  return { file, offset }
}

/** The copy is what the store is now. */
async function copyAgain(): Promise<void> {
  for (const [path, bytes] of disk.files()) {
    if (!path.startsWith(`${memoryFolder}/`)) continue
    const copied = path.replace(memoryFolder, from)
    if (!disk.files().has(copied)) await (await disk.open(copied, 'create')).close()
    disk.damage(copied, () => Buffer.from(bytes))
  }
}

/** Commits, and seals the chunk that was open: both stores come to chunks of the same length. */
async function goOn(store: Store, letter: string): Promise<void> {
  const main = store.branch('main')
  await main.commit((edit) => void edit.set('late', `the late content ${letter}`), { date: 0 })
  await store.advanced.split()
  await main.commit((edit) => void edit.set('last', `the last content ${letter}`), { date: 0 })
  await store.close()
}

function chunkOfEarly(): Buffer {
  return Buffer.from(disk.files().get(`${memoryFolder}/${early.file}`) as Uint8Array)
}

function damageEarly(): void {
  disk.damage(`${memoryFolder}/${early.file}`, flipBit(8 * (early.offset + 50)))
}

function repair(apply: boolean): Promise<RepairReport> {
  const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' } as const
  return repairStore(memoryFolder, { apply, from }, platform)
}

function bytesByPath(): Record<string, string> {
  return Object.fromEntries([...disk.files()].map(([path, bytes]) => [path, bytes.toString('base64')]))
}

/** Nothing that was whole has gone, and what was damaged is there again: the bytes of before the damage. */
async function expectAllOfIt(whole: Uint8Array): Promise<void> {
  const steps = [{ action: 'restore', file: early.file, from }]
  const before = bytesByPath()
  expect(await repair(false)).toMatchObject({ steps, remaining: [] })
  expect(bytesByPath(), 'a plan changes no byte').toEqual(before)
  expect(await repair(true)).toMatchObject({ steps, remaining: [], setAside: [`${early.file}.damaged-1`] })
  expect(disk.files().get(`${memoryFolder}/${early.file}`)).toEqual(whole)
  const store = await openMemory(disk)
  const main = store.branch('main')
  for (const name of ['early', 'late', 'last']) {
    const content = Buffer.from((await main.get(name)) as Uint8Array).toString()
    expect(content).toBe(`the ${name} content${name === 'early' ? '' : ' a'}`)
  }
  await store.close()
}

test('of a chunk that has grown since the copy was made only what is damaged is taken from it', async () => {
  await goOn(await openMemory(disk), 'a')
  const whole = chunkOfEarly()
  damageEarly()
  await expectAllOfIt(whole)
})

test('as it is of one of the same length in a copy that has gone its own way since', async () => {
  await goOn(await openMemory(disk), 'a')
  await goOn(await openStore(from, {}, { fileSystem: disk, memoryKey: {}, collectorWhere: 'inline' }), 'b')
  const lengthIn = (folder: string): unknown =>
    decodeControl(disk.files().get(`${folder}/control`) as Buffer).state.chunks[0]
  expect(lengthIn(from)).toEqual(lengthIn(memoryFolder))
  const whole = chunkOfEarly()
  damageEarly()
  await expectAllOfIt(whole)
})

test('or of the same content, however far the copy has gone on', async () => {
  await goOn(await openMemory(disk), 'a')
  await copyAgain()
  damageEarly()
  const steps = [{ action: 'restore', file: early.file, from }]
  expect(await repair(false)).toMatchObject({ steps, remaining: [] })
  expect(await repair(true)).toMatchObject({ steps, remaining: [], setAside: [`${early.file}.damaged-1`] })
  const check = await checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })
  expect(check.findings).toEqual([])
})

test('the open chunk too, whatever it has been written since', async () => {
  const store = await openMemory(disk)
  await store.branch('main').commit((edit) => void edit.set('late', 'the late content a'), { date: 0 })
  await store.branch('main').commit((edit) => void edit.set('last', 'the last content a'), { date: 0 })
  await store.close()
  const whole = chunkOfEarly()
  // Kind and length in the record's header: nobody finds the records behind it.
  for (const by of [8, 12]) disk.damage(`${memoryFolder}/${early.file}`, flipBit(8 * (early.offset + by)))
  await expectAllOfIt(whole)
})

test.each([
  ['in a body', 0],
  ['in the chain of records', -36],
])('a batch that the copy has written since in the same place is not taken: damage %s', async (_, by) => {
  await goOn(await openMemory(disk), 'a')
  await goOn(await openStore(from, {}, { fileSystem: disk, memoryKey: {}, collectorWhere: 'inline' }), 'b')
  const at = chunkOfEarly().indexOf('the late content a')
  const there = Buffer.from(disk.files().get(`${from}/${early.file}`) as Uint8Array)
  expect(there.indexOf('the late content b'), 'it is in the same place').toBe(at)
  for (const more of by === 0 ? [0] : [0, 4]) {
    disk.damage(`${memoryFolder}/${early.file}`, flipBit(8 * (at + by - more)))
  }
  const damaged = chunkOfEarly()
  const { steps, remaining } = await repair(true)
  expect(steps.filter(({ action }) => action === 'restore')).toEqual([])
  expect(remaining).toMatchObject([{ file: early.file }])
  expect(chunkOfEarly()).toEqual(damaged)
})

describe('batches without headers, one of both stores and one of each', () => {
  beforeEach(async () => {
    const store = await openMemory(disk)
    await store.branch('main').commit((edit) => void edit.set('shared', 'the shared content'), { date: 0 })
    await store.close()
    await copyAgain()
    await goOn(await openMemory(disk), 'a')
    await goOn(
      await openStore(
        from,
        { now: () => 1_700_000_000_000 },
        { fileSystem: disk, memoryKey: {}, collectorWhere: 'inline' },
      ),
      'b',
    )
  })

  /** The header of the batch of which that is the first record, and the first record's length. */
  function damageHead(content: string): void {
    const at = chunkOfEarly().indexOf(content) - 48 - 56
    disk.damage(`${memoryFolder}/${early.file}`, flipBit(8 * (at + 10)))
    disk.damage(`${memoryFolder}/${early.file}`, flipBit(8 * (at + 56 + 12)))
  }

  test('only the first is taken', async () => {
    const whole = chunkOfEarly()
    damageHead('the shared content')
    // The batch in between, which ended the log.
    const between = whole.indexOf('the late content a') - 48 - 56 - 72
    disk.damage(`${memoryFolder}/${early.file}`, flipBit(8 * (between + 10)))
    damageHead('the late content a')
    const plan = await repair(false)
    const { steps, remaining } = await repair(true)
    expect(steps.slice(0, 1)).toEqual([{ action: 'restore', file: early.file, from }])
    expect(plan.steps.slice(0, 1)).toEqual(steps.slice(0, 1))
    expect(remaining.length).toBeGreaterThan(0)
    expect(chunkOfEarly().includes('the late content b')).toBe(false)
    expect(chunkOfEarly().subarray(0, between)).toEqual(whole.subarray(0, between))
    expect(plan.remaining.length).toBeGreaterThan(0)
  })
})

test('a batch whose rest is other than in the copy is not taken, even if a later one is equal', async () => {
  const write = async (store: Store, letter: string): Promise<void> => {
    await Promise.all([`the first content ${letter}`, 'the second content'].map((c) => store.putBlob(c)))
    await store.flush()
    await store.putBlob('the same in both')
    await store.close()
  }
  await write(await openMemory(disk), 'a')
  const platform = { fileSystem: disk, memoryKey: {}, collectorWhere: 'inline' } as const
  await write(await openStore(from, { now: () => 1_700_000_000_000 }, platform), 'b')
  const path = `${memoryFolder}/${early.file}`
  const second = chunkOfEarly().indexOf('the second content')
  const last = chunkOfEarly().indexOf('the same in both')
  expect(
    disk
      .files()
      .get(`${from}/${early.file}`)
      ?.subarray(last - 56),
  ).toEqual(
    disk
      .files()
      .get(path)
      ?.subarray(last - 56),
  )
  // Its length; and the sum in the trailer of its batch.
  for (const at of [second - 36, last - 48 - 56 - 4]) disk.damage(path, flipBit(8 * at))
  const damaged = chunkOfEarly()
  const { steps } = await repair(true)
  expect(steps.filter(({ action }) => action === 'restore')).toEqual([])
  expect(chunkOfEarly().subarray(0, damaged.length)).toEqual(damaged)
})

test('one that has been made anew, otherwise than it was, keeps no other from being taken', async () => {
  const store = await openMemory(disk)
  await store.branch('main').commit((edit) => void edit.set('late', 'the late content'), { date: 0 })
  await store.close()
  await copyAgain()
  const whole = chunkOfEarly()
  const path = `${memoryFolder}/${early.file}`
  // The header of the batch between the two, which ended the log: it said so.
  disk.damage(path, flipBit(8 * (whole.indexOf('the late content') - 48 - 56 - 72 + 10)))
  const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' } as const
  expect((await repairStore(memoryFolder, { apply: true }, platform)).remaining).toEqual([])
  const remade = chunkOfEarly()
  expect(remade).not.toEqual(whole)
  disk.damage(path, flipBit(8 * whole.indexOf('the late content')))
  expect(await repair(true)).toMatchObject({ steps: [{ action: 'restore' }], remaining: [] })
  expect(chunkOfEarly()).toEqual(remade)
})

test.each([
  ['of the store as it is', true],
  ['that has gone its own way since', false],
])('a sealed chunk that is gone comes out of a copy %s: %s', async (_, isSame) => {
  await goOn(await openMemory(disk), 'a')
  if (isSame) await copyAgain()
  else
    await goOn(await openStore(from, {}, { fileSystem: disk, memoryKey: {}, collectorWhere: 'inline' }), 'b')
  const whole = chunkOfEarly()
  await disk.remove(`${memoryFolder}/${early.file}`)
  for (const apply of [false, true]) {
    const { steps, remaining } = await repair(apply)
    expect(steps.some(({ file }) => file === early.file)).toBe(isSame)
    expect(remaining.length === 0).toBe(isSame)
  }
  const now = disk.files().get(`${memoryFolder}/${early.file}`)
  expect(now).toEqual(isSame ? whole : undefined)
})

test('a branch of which a later record may be lost is not moved', async () => {
  const store = await openMemory(disk)
  for (const content of ['on dev', 'and again']) {
    await store.branch('dev').commit((edit) => void edit.set('dev', content), { date: 0 })
  }
  const dev = await store.branch('dev').head()
  await store.flush()
  await store.branch('main').commit((edit) => void edit.set('late', 'the late content'), { date: 0 })
  await store.close()
  const { file, offset } = await storedAt(dev?.hash)
  const path = `${memoryFolder}/${file}`
  const whole = chunkOfEarly()
  // Two records after each other, one of them that of main.
  const lateAt = whole.indexOf('the late content') - 48
  disk.damage(path, flipBit(8 * (offset + 50)))
  disk.damage(path, (bytes) => Buffer.from(bytes).fill(0xff, lateAt + 8, lateAt + 64 + 48))
  const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' } as const
  for (const apply of [false, true]) {
    const { steps, remaining } = await repairStore(memoryFolder, { apply }, platform)
    expect(steps).toEqual([])
    expect(remaining.length).toBeGreaterThan(1)
  }
})

test('a reader that has the store open does not go on with the damaged file in silence', async () => {
  damageEarly()
  const platform = { fileSystem: disk, memoryKey: {}, collectorWhere: 'inline' } as const
  const reader = await openReadOnly(memoryFolder, { readOnly: true }, platform)
  expect((await repair(true)).remaining).toEqual([])
  await reader.reload()
  const store = await openMemory(disk)
  await store.branch('main').commit((edit) => void edit.set('late', 'the late content'))
  await store.close()
  await expect(reader.reload()).rejects.toMatchObject({
    code: 'CORRUPT',
    message: expect.stringContaining('open the store again'),
  })
  await reader.close()
})

test('a copy aside that does not become whole does not stay', async () => {
  damageEarly()
  const damaged = chunkOfEarly()
  const full = new InterceptedFileSystem(disk, {
    before: ({ kind, path }) => {
      if (kind === 'link') return { kind: 'fail', error: Object.assign(new Error('far'), { code: 'EXDEV' }) }
      const isAside = kind === 'write' && path.includes('.damaged-')
      return isAside
        ? { kind: 'fail', error: Object.assign(new Error('full'), { code: 'ENOSPC' }) }
        : undefined
    },
  })
  const platform = { fileSystem: full, memoryKey: {}, collectorWhere: 'inline' } as const
  await expect(repairStore(memoryFolder, { apply: true, from }, platform)).rejects.toThrow()
  const names = await disk.list(memoryFolder)
  expect(names.filter((name) => /damaged|spill/.test(name))).toEqual([])
  expect(chunkOfEarly()).toEqual(damaged)
})

test('what is in the way has its other name, durable, before anything takes its place', async () => {
  damageEarly()
  const path = `${memoryFolder}/${early.file}`
  const done: string[] = []
  const watched = new InterceptedFileSystem(disk, {
    before: () => undefined,
    after: ({ kind, path: changed, to }) => {
      if (kind === 'syncFolder' && changed === memoryFolder) done.push(kind)
      else if ((kind === 'link' || kind === 'rename') && [changed, to].includes(path)) done.push(kind)
    },
  })
  const platform = { fileSystem: watched, memoryKey: disk, collectorWhere: 'inline' } as const
  const { steps } = await repairStore(memoryFolder, { apply: true, from }, platform)
  expect(steps).toEqual([{ action: 'restore', file: early.file, from }])
  expect(done.slice(done.indexOf('link'), done.indexOf('rename') + 2)).toEqual([
    ...['link', 'syncFolder', 'rename', 'syncFolder'],
  ])
})

test('a repair that ends at any of its file operations loses nothing, and can be run again', async () => {
  await goOn(await openMemory(disk), 'a')
  await copyAgain()
  damageEarly()
  disk.damage(`${memoryFolder}/control`, flipBit(8 * 40))
  const damaged = disk
  const damagedChunk = Buffer.from(disk.files().get(`${memoryFolder}/${early.file}`) as Buffer)
  let isOver = false
  let runs = 0
  for (let last = 1; !isOver; last += 7) {
    disk = damaged.clone()
    let operations = 0
    const error = Object.assign(new Error('dead'), { code: 'EIO' })
    const dying = new InterceptedFileSystem(disk, {
      before: ({ kind }) => (kind === 'close' || ++operations < last ? undefined : { kind: 'fail', error }),
    })
    const platform = { fileSystem: dying, memoryKey: {}, collectorWhere: 'inline' } as const
    isOver = await repairStore(memoryFolder, { apply: true, from }, platform).then(
      () => true,
      () => false,
    )
    const there = [...disk.files()].filter(([path]) => path.startsWith(memoryFolder))
    expect(
      there.some(([, bytes]) => Buffer.from(bytes).equals(damagedChunk)),
      `operation ${last}`,
    ).toBe(true)
    expect((await repair(true)).remaining, `operation ${last}`).toEqual([])
    const check = await checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })
    expect(check.findings, `operation ${last}`).toEqual([])
    expect(disk.openHandles(), `operation ${last}`).toEqual([])
    runs++
  }
  expect(runs).toBeGreaterThan(10)
})
