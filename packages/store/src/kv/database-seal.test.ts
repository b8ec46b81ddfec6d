import { loadXxh64 } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'
import { flipBit, MemoryFileSystem, truncateTo } from '@varve/pack/testing'
import { beforeEach, expect, test } from 'vitest'
import { breakSeal, sealDatabase } from './database-seal.ts'

const folder = '/db'
let fs: MemoryFileSystem

async function write(to: FileSystem, name: string, text: string): Promise<void> {
  const handle = await to.open(`${folder}/${name}`, 'create')
  await handle.write(Buffer.from(text), 0, text.length, 0)
  await handle.close()
}

/** A database that has been closed. */
beforeEach(async () => {
  await loadXxh64()
  fs = new MemoryFileSystem()
  await fs.mkdir(folder)
  await write(fs, 'CURRENT', 'MANIFEST-000004\n')
  await write(fs, 'MANIFEST-000004', 'manifest')
  await write(fs, '000005.ldb', 'a table')
  await write(fs, '000006.log', '')
  await write(fs, 'LOG', 'notes')
  await sealDatabase(fs, folder)
})

test('files that are what they were break the seal once and leave none', async () => {
  expect(await breakSeal(fs, folder)).toBe(true)
  expect(await fs.list(folder)).not.toContain('sealed')
  expect(fs.openHandles()).toEqual([])
})

test('a changed, shorter, longer, missing, or added file is noticed', async () => {
  const changes: ((disk: MemoryFileSystem) => Promise<void> | void)[] = [
    (disk) => disk.damage(`${folder}/000005.ldb`, flipBit(20)),
    (disk) => disk.damage(`${folder}/CURRENT`, truncateTo(3)),
    (disk) => disk.damage(`${folder}/000006.log`, () => Buffer.from([0])),
    (disk) => disk.remove(`${folder}/MANIFEST-000004`),
    (disk) => write(disk, '000007.ldb', 'another'),
    (disk) => disk.damage(`${folder}/sealed`, truncateTo(10)),
  ]
  for (const change of changes) {
    const disk = fs.clone()
    await change(disk)
    expect(await breakSeal(disk, folder), String(change)).toBe(false)
    expect(await disk.list(folder)).not.toContain('sealed')
  }
})

test('what LevelDB does not read may change, and without a seal everything is taken as it is', async () => {
  fs.damage(`${folder}/LOG`, () => Buffer.from('more notes'))
  await write(fs, 'notes.txt', 'of somebody')
  expect(await breakSeal(fs, folder)).toBe(true)
  fs.damage(`${folder}/000005.ldb`, flipBit(20))
  expect(await breakSeal(fs, folder)).toBe(true)
})
