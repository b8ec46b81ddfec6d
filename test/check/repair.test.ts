import { fileName } from '@varve/pack/layout'
import { decodeControl } from '@varve/pack/pack'
import { flipBit, type MemoryFileSystem } from '@varve/pack/testing'
import type { Commit, Hash, Store } from '@varve/store'
import { checkFolder, type RepairOptions, type RepairReport, repairStore } from '@varve/store/internal'
import { beforeEach, describe, expect, test } from 'vitest'
import { bitsIn } from '../support/flipped-bytes.ts'
import { memoryFolder, openMemory } from '../support/memory-store.ts'
import { bytesOf, filesOf, inspect, makeSpecimen, type Specimen } from '../support/specimen.ts'
import { lowerFolder, makeTwoLayers } from '../support/two-layers.ts'

const seed = 7_501
let specimen: Specimen
let disk: MemoryFileSystem

beforeEach(async () => {
  specimen ??= await makeSpecimen(seed)
  disk = specimen.disk.clone()
})

function repair(o: RepairOptions = {}): Promise<RepairReport> {
  return repairStore(memoryFolder, o, { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' })
}

function check(): ReturnType<typeof checkFolder> {
  return checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })
}

function damage(file: string, byte: number): void {
  disk.damage(`${memoryFolder}/${file}`, flipBit(8 * byte))
}

function nameOf(pattern: RegExp): string {
  return filesOf(disk).find((name) => pattern.test(name)) as string
}

/** Everything is there again, and nothing is wrong. */
async function expectWhole(): Promise<void> {
  const store = await openMemory(disk)
  const { damaged, wrong } = await inspect(store, specimen.holdings)
  expect([...damaged.keys(), ...wrong]).toEqual([])
  await store.close()
}

/** A copy of the whole store beside it. */
async function copyBeside(): Promise<string> {
  const folder = '/disk/copy'
  await disk.mkdir(folder)
  for (const name of filesOf(specimen.disk)) {
    await (await disk.open(`${folder}/${name}`, 'create')).close()
    disk.damage(`${folder}/${name}`, () => bytesOf(specimen.disk, name))
  }
  return folder
}

test('a whole store needs nothing', async () => {
  expect(await repair()).toEqual({ applied: false, steps: [], remaining: [], setAside: [] })
  expect(await repair({ apply: true })).toEqual({ applied: true, steps: [], remaining: [], setAside: [] })
})

describe('files', () => {
  test('a plan changes nothing', async () => {
    const file = nameOf(/^suffix-\d+\.idx$/)
    damage(file, 5000)
    const before = bytesOf(disk, file)
    expect(await repair()).toMatchObject({
      applied: false,
      steps: [{ action: 'rebuild', file }],
      remaining: [],
    })
    expect(bytesOf(disk, file).equals(before)).toBe(true)
    expect(filesOf(disk)).toEqual(filesOf(specimen.disk))
  })

  test.each([/^suffix-\d+\.idx$/, /^gen-\d+\.idx$/])('an index is made anew: %s', async (pattern) => {
    const file = nameOf(pattern)
    damage(file, 5000)
    const { steps, remaining, setAside } = await repair({ apply: true })
    expect(steps).toEqual([{ action: 'rebuild', file }])
    expect(remaining).toEqual([])
    expect(setAside).toEqual([`${file}.damaged-1`])
    expect(filesOf(disk)).toContain(`${file}.damaged-1`)
    expect((await check()).findings).toEqual([])
    await expectWhole()
    expect(filesOf(disk), 'an opening does not touch it').toContain(`${file}.damaged-1`)
  })

  test('a damaged copy of control is written anew', async () => {
    damage('control', 40)
    const damaged = bytesOf(disk, 'control')
    const { steps, setAside } = await repair({ apply: true })
    expect(steps).toEqual([{ action: 'rewrite', file: 'control' }])
    expect(bytesOf(disk, setAside[0] as string).equals(damaged)).toBe(true)
    expect((await check()).ok).toBe(true)
  })

  test.each([/^gen-\d+\.map$/, /^meta-\d+\.ckpt$/, /^gen-\d+\.pack$/])(
    'what nothing else says comes out of a copy of the store: %s',
    async (pattern) => {
      const file = nameOf(pattern)
      damage(file, 70)
      damage(file, bytesOf(disk, file).length - 60)
      const alone = await repair({ apply: true })
      expect(alone.remaining.map((finding) => finding.file)).toContain(file)
      const from = await copyBeside()
      expect((await repair({ from })).steps).toContainEqual({ action: 'restore', file, from })
      const { steps, remaining, setAside } = await repair({ apply: true, from })
      expect(steps).toContainEqual({ action: 'restore', file, from })
      expect(remaining).toEqual([])
      expect(setAside).toContain(`${file}.damaged-1`)
      expect(bytesOf(disk, file).equals(bytesOf(specimen.disk, file))).toBe(true)
      await expectWhole()
    },
  )
})

describe('objects', () => {
  /** Damages the record of the blob at a path of the newest commit. */
  async function damageBlob(path: string): Promise<{ hash: Hash<'blob'>; content: Uint8Array }> {
    const store = await openMemory(disk)
    const content = (await store.branch('main').get(path)) as Uint8Array
    const hash = (await store.branch('main').stat(path))?.hash as Hash<'blob'>
    const { file = '', offset = 0 } = await store.locate(hash)
    await store.close()
    damage(file, offset + 50)
    return { hash, content }
  }

  async function newestPath(): Promise<string> {
    const store = await openMemory(disk)
    const [entry] = await store.branch('main').entries('d1').toArray()
    await store.close()
    return `d1/${entry?.name}`
  }

  test('one that another store has is put again, and reads take it at once', async () => {
    const path = await newestPath()
    const { hash, content } = await damageBlob(path)
    const other = '/disk/other'
    const platform = { fileSystem: disk, memoryKey: {}, collectorWhere: 'inline' } as const
    const { openStore } = await import('@varve/store/internal')
    const donor = await openStore(other, {}, platform)
    await donor.branch('main').commit((edit) => void edit.set('x', content))
    await donor.close()
    expect(await repair({ from: other })).toMatchObject({ steps: [{ action: 'put', hash }], remaining: [] })
    const { steps, remaining } = await repair({ apply: true, from: other })
    expect(steps).toEqual([{ action: 'put', hash, from: other }])
    expect(remaining).toEqual([])
    const store = await openMemory(disk)
    expect(await store.branch('main').get(path)).toEqual(content)
    const head = (await store.branch('main').head()) as Commit
    await store.gc.run(head, { grace: 0 })
    expect((await store.check({ full: true })).findings, 'the collection has put it in place').toEqual([])
    await store.close()
    expect((await repair()).steps).toEqual([])
  })

  test('where nobody has it, the refs go to the last commit that is whole', async () => {
    const store = await openMemory(disk)
    const before = (await store.branch('main').head()) as Commit
    const lost = await store.branch('main').commit((edit) => void edit.set('new', 'only here'))
    const hash = (await lost.tree().stat('new'))?.hash as Hash<'blob'>
    const { file = '', offset = 0 } = await store.locate(hash)
    await store.close()
    damage(file, offset + 50)
    const move = { action: 'move-ref', ref: 'heads/main', before: lost.hash, after: before.hash }
    const plan = await repair()
    expect(plan.steps).toEqual([move])
    expect(plan.remaining).toMatchObject([{ hash, lost: [{ commit: lost.hash, path: 'new' }] }])
    expect((await repair({ apply: true })).steps).toEqual([move])
    const again = await openMemory(disk)
    expect(((await again.branch('main').head()) as Commit).hash).toBe(before.hash)
    await again.close()
  })
})

describe('a ref whose commit itself cannot be read', () => {
  test.each([false, true])('goes to where it was before; over a split: %s', async (isSplit) => {
    const store = await openMemory(disk)
    const main = store.branch('main')
    const before = (await main.head()) as Commit
    if (isSplit) await store.advanced.split()
    const lost = await main.commit((edit) => void edit.set('new', 'content'))
    const { file = '', offset = 0 } = await store.locate(lost.hash)
    await store.close()
    damage(file, offset + 50)
    const move = { action: 'move-ref', ref: 'heads/main', before: lost.hash, after: before.hash }
    expect((await repair()).steps).toEqual([move])
    const { steps, remaining } = await repair({ apply: true })
    expect(steps).toEqual([move])
    expect(remaining, 'nothing refers to it any more').toMatchObject([{ file, hash: lost.hash }])
    expect(remaining[0]).not.toHaveProperty('lost')
    const again = await openMemory(disk)
    expect(((await again.branch('main').head()) as Commit).hash).toBe(before.hash)
    await again.close()
    expect((await repair({ apply: true })).steps).toEqual([])
  })
})

describe('in two layers', () => {
  async function archived(store: Store): Promise<{ file: string; offset: number; hash: Hash }> {
    const oldestFirst = (await store.log((await store.branch('main').head()) as never).toArray()).reverse()
    const hash = (await oldestFirst[3]?.tree().stat('d3/f0'))?.hash as Hash
    const { file = '', offset = 0 } = await store.locate(hash)
    return { file, offset, hash }
  }

  beforeEach(async () => {
    disk = await makeTwoLayers({ bigBytes: 0 })
  })

  test('indexes and filters of volumes are made anew', async () => {
    const names = await disk.list(`${lowerFolder}/volume-1`)
    const index = names.find((name) => name.endsWith('.idx')) as string
    disk.damage(`${lowerFolder}/volume-1/${index}`, flipBit(8 * 5000))
    const filter = nameOf(/^filter-/)
    damage(filter, 100)
    const { steps, remaining } = await repair({ apply: true })
    expect(steps.map(({ file }) => file).sort()).toEqual([filter, `volume-1/${index}`].sort())
    expect(remaining).toEqual([])
    expect((await check()).findings).toEqual([])
  })

  test('an object that a volume has twice needs nothing', async () => {
    const store = await openMemory(disk)
    const { file, offset } = await archived(store)
    await store.close()
    disk.damage(`${lowerFolder}/${file}`, flipBit(8 * (offset + 50)))
    expect((await check()).ok).toBe(false)
    expect((await repair()).steps).toEqual([])
  })
})

test('whatever byte is another, a copy of the store has it, or it is said that nothing has', async () => {
  const bits = await bitsIn(specimen.disk, { stride: 19_997, seed })
  const { state } = decodeControl(bytesOf(specimen.disk, 'control'))
  const open = fileName.chunk(state.chunks.at(-1)?.number ?? 0)
  expect(bits.length).toBeGreaterThan(20)
  for (const { file, path, bit } of bits) {
    disk = specimen.disk.clone()
    const from = await copyBeside()
    disk.damage(path, flipBit(bit))
    const { remaining } = await repair({ apply: true, from })
    // What only the end of the log says can be lost: a copy of it may be older.
    if (file !== open) expect(remaining, `${file} bit ${bit}`).toEqual([])
    if (remaining.length === 0) await expectWhole()
  }
})

test('of a sealed chunk that is cut short no index is made: both remain', async () => {
  const store = await openMemory(disk)
  await store.branch('main').commit((edit) => void edit.set('cut', 'the content'))
  await store.advanced.split()
  await store.close()
  const { state } = decodeControl(disk.files().get(`${memoryFolder}/control`) as Buffer)
  const sealed = state.chunks.at(-2)?.number ?? 0
  disk.damage(`${memoryFolder}/suffix-${sealed}.pack`, (bytes) => Buffer.from(bytes.subarray(0, 100)))
  const plan = await repair()
  expect(plan.steps).toEqual([])
  const { steps, remaining } = await repair({ apply: true })
  expect(steps).toEqual([])
  expect(remaining.map(({ file }) => file)).toEqual(plan.remaining.map(({ file }) => file))
  const files = [fileName.chunk(sealed), fileName.chunkIndex(sealed)]
  expect(remaining.map(({ file }) => file)).toEqual(expect.arrayContaining(files))
})
