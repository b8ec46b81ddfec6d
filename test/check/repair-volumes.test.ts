/**
 * What a repair does about files of volumes: it takes them from the upper layer, or from a copy's volumes.
 */
import { flipBit, type MemoryFileSystem } from '@varve/pack/testing'
import type { Commit, Store } from '@varve/store'
import { checkFolder, openStore, type RepairReport, repairStore } from '@varve/store/internal'
import { beforeEach, expect, test } from 'vitest'
import { copyFolder, makeLayersSpecimen } from '../support/layers-specimen.ts'
import { memoryFolder, openMemory } from '../support/memory-store.ts'
import { lowerFolder } from '../support/two-layers.ts'

let whole: MemoryFileSystem | undefined
let disk: MemoryFileSystem

beforeEach(async () => {
  whole ??= (await makeLayersSpecimen({ bigBytes: 0 })).disk
  disk = whole.clone()
})

function repair(from?: string): Promise<RepairReport> {
  const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' } as const
  return repairStore(memoryFolder, { apply: true, from }, platform)
}

async function expectClean(): Promise<void> {
  const check = await checkFolder(memoryFolder, { full: true }, { fileSystem: disk, where: 'inline' })
  expect(check.findings).toEqual([])
}

function bytesOf(path: string): Buffer {
  return Buffer.from(disk.files().get(path) as Uint8Array)
}

/** A commit that is archived, in a chunk as long as that of any other letter. */
async function archive(store: Store, letter: string): Promise<void> {
  const main = store.branch('main')
  await main.commit((edit) => void edit.set('late', `the late content ${letter}`), { date: 0 })
  await store.advanced.split()
  await main.commit((edit) => void edit.set('last', `the last content ${letter}`), { date: 0 })
  await store.gc.run((await main.head()) as Commit, { grace: 0 })
  await store.close()
}

/** From a record's body to length and kind in its header, without which nobody finds the next. */
const toHeader = [-36, -40]

/** The archived chunk in which the content stands; damages it there, or so many bytes further on. */
function damageChunk(
  content: string,
  by: readonly number[] = [0],
): { file: string; path: string; damaged: Buffer } {
  const isChunk = /\/lower\/volume-\d\/suffix-\d+\.pack$/
  const chunks = [...disk.files().keys()].filter((path) => isChunk.test(path) && !path.startsWith(copyFolder))
  const path = chunks.find((chunk) => bytesOf(chunk).includes(content)) as string
  const at = bytesOf(path).indexOf(content)
  for (const further of by) disk.damage(path, flipBit(8 * (at + further)))
  return { file: path.slice(lowerFolder.length + 1), path, damaged: bytesOf(path) }
}

test.each(['.pack', '.map'])(
  'a segment that both layers have comes out of the other one: %s',
  async (end) => {
    const names = await disk.list(memoryFolder)
    const lower = await disk.list(`${lowerFolder}/volume-2`)
    const name = names.find((name) => name.startsWith('gen-') && name.endsWith(end) && lower.includes(name))
    expect(name).toBeDefined()
    for (const [path, file] of [
      [`${memoryFolder}/${name}`, `${name}`],
      [`${lowerFolder}/volume-2/${name}`, `volume-2/${name}`],
    ] as const) {
      const before = bytesOf(path)
      disk.damage(path, flipBit(8 * 300))
      disk.damage(path, flipBit(8 * (before.length - 60)))
      const { steps, remaining, setAside } = await repair()
      expect(steps).toEqual([{ action: 'restore', file, from: memoryFolder }])
      expect({ remaining, setAside }).toEqual({ remaining: [], setAside: [`${file}.damaged-1`] })
      expect(bytesOf(path).equals(before)).toBe(true)
      await expectClean()
    }
  },
)

test('a chunk in a volume comes out of a copy, also of one that is older than the last archive', async () => {
  await archive(await openMemory(disk), 'a')
  const { file, path, damaged } = damageChunk('content 0 0', toHeader)
  const { steps, remaining, setAside } = await repair(copyFolder)
  expect(steps).toEqual([{ action: 'restore', file, from: copyFolder }])
  expect({ remaining, setAside }).toEqual({ remaining: [], setAside: [`${file}.damaged-1`] })
  expect(bytesOf(`${path}.damaged-1`).equals(damaged), 'what was there is set aside').toBe(true)
  await expectClean()
})

test('but not out of one that has archived something else under that name', async () => {
  await archive(await openMemory(disk), 'a')
  const platform = { fileSystem: disk, memoryKey: {}, collectorWhere: 'inline' } as const
  await archive(await openStore(copyFolder, { now: () => 1_700_000_000_000 }, platform), 'b')
  const { file, path, damaged } = damageChunk('the late content a', toHeader)
  const there = bytesOf(`${copyFolder}/lower/${file}`)
  expect(there.includes('the late content b'), 'the copy has a file of that name').toBe(true)
  const { steps } = await repair(copyFolder)
  expect(steps.filter(({ action }) => action === 'restore')).toEqual([])
  expect(bytesOf(path).equals(damaged)).toBe(true)
})

test('a record of a chunk in a volume is made whole out of another one of the same object', async () => {
  await archive(await openMemory(disk), 'a')
  const before = new Map([...disk.files()].map(([path, bytes]) => [path, Buffer.from(bytes)]))
  const { file, path, damaged } = damageChunk('the late content a')
  const { steps, remaining, setAside } = await repair()
  expect({ steps, remaining }).toEqual({ steps: [{ action: 'rebuild', file }], remaining: [] })
  expect(setAside).toEqual([`${file}.damaged-1`])
  expect(bytesOf(path)).toEqual(before.get(path))
  expect(bytesOf(`${path}.damaged-1`)).toEqual(damaged)
  await expectClean()
})
