/** What a reload reads of the files: what is new, whatever the store holds besides. */
import type { MemoryFileSystem } from '@varve/pack/testing'
import type { Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { MemoryReader } from '../support/memory-reader.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'

async function history(commits: number): Promise<{ disk: MemoryFileSystem; store: Store }> {
  const disk = await emptyDisk()
  const store = await openMemory(disk, { chunkBytes: 1 << 20, durability: 'flush' })
  await commit(store, 0, commits)
  return { disk, store }
}

async function commit(store: Store, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) {
    await store.branch('main').commit((edit) => void edit.set(`d${n % 10}/k${n % 100}`, `${n}`), { date: 0 })
  }
}

function sizeOf(disk: MemoryFileSystem, names: RegExp): number {
  let size = 0
  for (const [path, bytes] of disk.files())
    if (names.test(path.slice(memoryFolder.length + 1))) size += bytes.length
  return size
}

/** Headers of files that are opened, and what is looked at twice. */
const SLACK = 4_096
const logs = /suffix-\d+\.pack$/

describe.each([50, 1_500])('beside %i older commits, a reload', (commits) => {
  test('with nothing new reads no pack file at all', async () => {
    const { disk, store } = await history(commits)
    const reader = await MemoryReader.open(disk)
    reader.disk.forget()
    expect(await reader.store.reload()).toEqual([])
    expect(reader.disk.bytesRead()).toBe(0)
    await reader.store.close()
    await store.close()
  })

  test.each([1, 10, 300])('after %i new ones reads their bytes once', async (fresh) => {
    const { disk, store } = await history(commits)
    const reader = await MemoryReader.open(disk)
    const before = sizeOf(disk, logs)
    await commit(store, commits, fresh)
    await store.flush()
    reader.disk.forget()
    expect(await reader.store.reload()).toHaveLength(1)
    const grown = sizeOf(disk, logs) - before
    expect(reader.disk.bytesRead(logs)).toBeGreaterThanOrEqual(grown)
    expect(reader.disk.bytesRead(logs)).toBeLessThanOrEqual(grown + SLACK)
    expect(reader.disk.bytesRead()).toBe(reader.disk.bytesRead(logs))
    await reader.store.close()
    await store.close()
  })

  test('over a split reads the rest of one chunk and the beginning of the other', async () => {
    const { disk, store } = await history(commits)
    const reader = await MemoryReader.open(disk)
    const before = sizeOf(disk, logs)
    await commit(store, commits, 3)
    await store.advanced.split()
    await commit(store, commits + 3, 3)
    await store.flush()
    reader.disk.forget()
    await reader.store.reload()
    expect(reader.disk.bytesRead(logs)).toBeLessThanOrEqual(sizeOf(disk, logs) - before + 2 * SLACK)
    await reader.store.close()
    await store.close()
  })

  test('after a collection reads what is new of it, and of the log again nothing', async () => {
    const { disk, store } = await history(commits)
    const target = await store.branch('main').head()
    await store.advanced.split()
    await commit(store, commits, 20)
    await store.flush()
    const reader = await MemoryReader.open(disk)
    await store.gc.run(target, { grace: 0 })
    reader.disk.forget()
    await reader.store.reload()
    expect(reader.disk.bytesRead(/gen-\d+\.(map|idx)$/)).toBeGreaterThan(0)
    // Its index is proved; of its objects only the head's commit may be looked at.
    expect(reader.disk.bytesRead(/gen-\d+\.pack$/)).toBeLessThanOrEqual(SLACK)
    expect(reader.disk.bytesRead(logs)).toBeLessThanOrEqual(2 * SLACK)
    await reader.store.close()
    await store.close()
  })
})
