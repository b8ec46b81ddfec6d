/**
 * What a reader makes of damaged records and files: typed errors and events, nothing taken for absent, and
 * nothing written.
 */
import { classifyFile, fileName } from '@varve/pack/layout'
import { readControl } from '@varve/pack/pack'
import { flipBit, type MemoryFileSystem } from '@varve/pack/testing'
import type { Hash } from '@varve/store'
import { bundleOf } from '@varve/store/internal'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryReader } from '../support/memory-reader.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { expectAllOf, failureOf, headsOf } from '../support/reader-checks.ts'
import { hashOf } from '../support/scenario.ts'
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

async function closed(reader: MemoryReader): Promise<void> {
  await reader.store.close()
  expect(reader.disk.refused).toEqual([])
  expect(disk.openHandles()).toEqual([])
}

describe('damage', () => {
  test('of an object is told when it is read, and leaves the rest', async () => {
    const name = await openChunkName()
    const content = `${7} bare`
    disk.damage(pathOf(name), (bytes) => bytes.fill(1, bytes.indexOf(content), bytes.indexOf(content) + 1))
    const reader = await MemoryReader.open(disk)
    const failure = await failureOf(reader.store.getBlob(hashOf(content)))
    expect(failure).toMatchObject({ code: 'CORRUPT', details: { file: name } })
    expect((await reader.store.branch('main').head())?.hash).toBe(specimen.holdings.refs.get('heads/main'))
    expect(reader.told()).toMatchObject([{ type: 'damaged', file: name }])
    await reader.store.reload()
    expect(reader.told()).toHaveLength(1)
    await closed(reader)
  })

  test('of a record of metadata puts the refs that it may have moved in doubt', async () => {
    const name = await openChunkName()
    disk.damage(pathOf(name), (bytes) => {
      const at = bytes.indexOf('heads/main')
      return bytes.fill(1, at, at + 1)
    })
    const reader = await MemoryReader.open(disk)
    // Moved again after it, so what it said then does not matter.
    expect((await reader.store.branch('main').head())?.hash).toBe(specimen.holdings.refs.get('heads/main'))
    expect(await failureOf(reader.store.branch('never').head())).toMatchObject({ code: 'CORRUPT' })
    const listed: string[] = []
    const list = async (): Promise<void> => {
      for await (const { name: branch } of reader.store.branches()) listed.push(branch)
    }
    expect(await failureOf(list())).toMatchObject({ code: 'CORRUPT', details: { file: name } })
    expect(listed, 'those that are known come first').toContain('main')
    expect(await failureOf(bundleOf(reader.store))).toMatchObject({ code: 'CORRUPT' })
    await closed(reader)
  })

  test('of a record of metadata that is met by a reload does the same from then on', async () => {
    const name = await openChunkName()
    const whole = Buffer.from(await disk.readFile(pathOf(name)))
    const at = whole.indexOf('heads/main', whole.indexOf('heads/main') + 1)
    disk.damage(pathOf(name), () => Buffer.from(whole.subarray(0, at)))
    const reader = await MemoryReader.open(disk)
    const before = await reader.store.branch('main').head()
    expect(before).toBeDefined()
    expect(await reader.store.branch('never').head()).toBeUndefined()
    disk.damage(pathOf(name), () => Buffer.from(whole).fill(1, at, at + 1))
    const changes = await reader.store.reload()
    expect((await reader.store.branch('main').head())?.hash).toBe(specimen.holdings.refs.get('heads/main'))
    expect(changes.find(({ ref }) => ref === 'heads/main')?.before?.hash).toBe(before?.hash)
    expect(await failureOf(reader.store.branch('never').head())).toMatchObject({ code: 'CORRUPT' })
    expect(reader.told()).toMatchObject([{ type: 'damaged', file: name }])
    await reader.store.reload()
    expect(await failureOf(reader.store.branch('never').head())).toMatchObject({ code: 'CORRUPT' })
    await closed(reader)
  })

  test('of a range in which no record can be found makes absence doubtful', async () => {
    const name = await openChunkName()
    disk.damage(pathOf(name), (bytes) => bytes.fill(0xff, 64 + 56 + 8, 64 + 56 + 16))
    const reader = await MemoryReader.open(disk)
    expect((await reader.store.branch('main').head())?.hash).toBe(specimen.holdings.refs.get('heads/main'))
    const absent = 'f'.repeat(64) as Hash<'blob'>
    expect(await failureOf(reader.store.getBlob(absent))).toMatchObject({
      code: 'CORRUPT',
      details: { file: name },
    })
    const store = await openMemory(disk)
    await store.gc.run(undefined, { grace: 0 }).catch(() => undefined)
    await store.close()
    await closed(reader)
  })

  test('of a record that the checkpoint stands for is no matter', async () => {
    const fresh = await emptyDisk()
    const store = await openMemory(fresh)
    const first = await store.branch('first').commit((edit) => void edit.set('file', 'first'))
    await store.advanced.split()
    await store.branch('second').commit((edit) => void edit.set('file', 'second'))
    await store.branch('second').delete()
    // Their chunk lies between the target's and the place of the checkpoint, so it stays.
    await store.gc.run(first, { grace: 0 })
    await store.close()
    const name = (await fresh.list(memoryFolder)).find((file) => /^suffix-\d+\.pack$/.test(file)) as string
    // Without the record that deletes it, the one before it would bring the branch back.
    fresh.damage(pathOf(name), (bytes) => {
      const at = bytes.lastIndexOf('heads/second')
      return bytes.fill(1, at, at + 1)
    })
    for (const isIndexed of [true, false]) {
      if (!isIndexed) await fresh.remove(pathOf(name.replace('.pack', '.idx')))
      const reader = await MemoryReader.open(fresh)
      expect(await headsOf(reader.store)).toEqual({ first: first.hash })
      expect(await reader.store.branch('second').head()).toBeUndefined()
      await reader.store.close()
    }
  })

  test('of one copy of control is told, of both is an error', async () => {
    disk.damage(pathOf('control'), flipBit(8 * 40))
    const reader = await MemoryReader.open(disk)
    await expectAllOf(specimen, reader.store)
    expect(reader.told()).toEqual([{ type: 'damaged', file: 'control', offset: 0, bytes: 0 }])
    disk.damage(pathOf('control'), (bytes) => bytes.fill(0))
    expect(await failureOf(reader.store.reload())).toMatchObject({
      code: 'CORRUPT',
      details: { file: 'control' },
    })
    await expectAllOf(specimen, reader.store)
    await closed(reader)
    expect(await failureOf(MemoryReader.open(disk))).toMatchObject({ code: 'CORRUPT' })
  })

  test.each(['chunk', 'segment', 'segment-map', 'checkpoint'])('a %s that is gone', async (kind) => {
    const [name] = (await namesOf(kind)) as [string]
    await disk.remove(pathOf(name))
    expect(await failureOf(MemoryReader.open(disk))).toMatchObject({
      code: 'CORRUPT',
      details: { file: name },
    })
    expect(disk.openHandles()).toEqual([])
  })
})
