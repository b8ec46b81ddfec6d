/** The two layers on two file systems, real ones, with the collector on its own thread. */
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NodeFileSystem } from '@varve/pack/fs'
import { type Commit, type Hash, Store } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { leftovers } from '../support/memory-store.ts'
import { readCommit, type WholeTree } from '../support/read-whole.ts'
import { MountPoint, SecondDisk } from '../support/second-disk.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { SmallDisk } from '../support/small-disk.ts'

const diskBytes = 16 * 1024 * 1024
const commitCount = 20
const contentBytes = 50_000

interface Skipping {
  skip(note: string): never
}

let parent: string
let path: string
const made = new Map<Hash<'commit'>, WholeTree>()
let commits: Commit[] = []

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'varve-two-'))
  path = join(parent, 'store')
  made.clear()
  commits = []
})

afterEach(async () => {
  await rm(parent, { recursive: true, force: true })
})

function skipped(context: Skipping, why: string): never {
  process.stderr.write(`skipped: ${why}\n`)
  return context.skip(why)
}

async function commitSome(store: Store, count = commitCount): Promise<Commit> {
  for (let i = 0; i < count; i++) {
    const at = commits.length
    const content = seededBytes(at, contentBytes)
    const commit = await store.branch('main').commit((edit) => void edit.set(`file-${at % 3}`, content))
    commits.push(commit)
    made.set(commit.hash, (await readCommit(store, commit.hash)) as WholeTree)
  }
  return commits.at(-1) as Commit
}

async function expectAll(store: Store): Promise<void> {
  for (const [hash, tree] of made) expect(await readCommit(store, hash)).toEqual(tree)
}

const names = async (folder: string): Promise<string[]> => (await readdir(folder)).sort()
const oldest = (): Hash<'commit'> => (commits[0] as Commit).hash

test('an archive is a copy, byte for byte, and gives everything back', async (context) => {
  const disk = SecondDisk.open(diskBytes)
  if (typeof disk === 'string') return skipped(context, disk)
  try {
    const lower = join(disk.path, 'layer')
    const store = await Store.open(path, { lower })
    expect((await stat(lower)).dev).not.toBe((await stat(path)).dev)
    const last = await commitSome(store)
    await store.advanced.split()
    const pack = (await names(path)).find((name) => name.startsWith('suffix-')) as string
    const original = await readFile(join(path, pack))
    const stats = await store.gc.run(last, { grace: 0 })
    expect(stats.bytesArchived).toBeGreaterThan(commitCount * contentBytes)
    const volume = join(lower, 'volume-1')
    expect((await stat(join(volume, pack))).nlink).toBe(1)
    const copy = await readFile(join(volume, pack))
    expect(Buffer.compare(copy, original.subarray(0, copy.length))).toBe(0)
    await expectAll(store)
    await rename(lower, `${lower}-away`)
    await store.close()
    expect(await names(path)).not.toContain(pack)
    const again = await Store.open(path)
    const away = { code: 'LOWER_UNAVAILABLE' }
    await expect(again.getCommit(oldest())).rejects.toMatchObject(away)
    const next = await commitSome(again, 3)
    await expect(again.gc.run(next, { grace: 0 })).rejects.toMatchObject(away)
    await rename(`${lower}-away`, lower)
    await again.gc.run(next, { grace: 0 })
    await expectAll(again)
    await again.close()
    expect(await leftovers(new NodeFileSystem(), path)).toEqual([])
  } finally {
    disk.remove()
  }
})

describe('a lower layer that is a mount', () => {
  test('may be unmounted whenever nothing is read, and comes back', async (context) => {
    const disk = SmallDisk.mount(diskBytes)
    if (typeof disk === 'string') return skipped(context, disk)
    const point = new MountPoint()
    try {
      point.mount(disk.path)
      const store = await Store.open(path, { lower: point.path })
      await store.gc.run(await commitSome(store), { grace: 0 })
      await expectAll(store)
      await store.close()
      // Refused while anything below it is open.
      point.unmount('idle')
      const again = await Store.open(path)
      expect(await again.locate(oldest())).toEqual({ state: 'unavailable' })
      const head = await commitSome(again, 1)
      await expect(again.gc.run(head)).rejects.toMatchObject({ code: 'LOWER_UNAVAILABLE' })
      await expect(again.advanced.addVolume()).rejects.toMatchObject({ code: 'LOWER_UNAVAILABLE' })
      expect(await names(point.path)).toEqual([])
      point.mount(disk.path)
      await expectAll(again)
      // Pulled out while it is in use.
      point.unmount('busy')
      await again.close()
      const last = await Store.open(path)
      expect(await last.locate(oldest())).toEqual({ state: 'unavailable' })
      point.mount(disk.path)
      await last.gc.run(head, { grace: 0 })
      await expectAll(last)
      await last.close()
      point.unmount('idle')
    } finally {
      point.remove()
      disk.unmount()
    }
  })

  test('that is full fails a collection, which leaves nothing and works with room', async (context) => {
    const disk = SmallDisk.mount(diskBytes)
    if (typeof disk === 'string') return skipped(context, disk)
    try {
      const store = await Store.open(path, { lower: disk.path })
      await store.gc.run(await commitSome(store, 3), { grace: 0 })
      await writeFile(join(disk.path, 'ballast'), Buffer.alloc(diskBytes)).catch(() => undefined)
      const last = await commitSome(store)
      const inLower = async (): Promise<string[][]> => [
        await names(disk.path),
        await names(join(disk.path, 'volume-1')),
      ]
      const before = await inLower()
      for (let times = 0; times < 3; times++) {
        const failure = await store.gc.run(last, { grace: 0 }).catch((error: unknown) => error)
        expect(failure).toMatchObject({ code: 'GC_FAILED', details: { reason: 'lower' } })
        expect(String(failure)).toContain('ENOSPC')
        expect(await inLower()).toEqual(before)
        await expectAll(store)
      }
      await commitSome(store, 1)
      await rm(join(disk.path, 'ballast'))
      const stats = await store.gc.run(last, { grace: 0 })
      expect(stats.bytesArchived).toBeGreaterThan(commitCount * contentBytes)
      await expectAll(store)
      await store.close()
      expect(await leftovers(new NodeFileSystem(), path)).toEqual([])
    } finally {
      disk.unmount()
    }
  })

  test('that can only be read fails a collection, and is read all the same', async (context) => {
    const disk = SmallDisk.mount(diskBytes)
    if (typeof disk === 'string') return skipped(context, disk)
    try {
      const store = await Store.open(path, { lower: disk.path })
      await store.gc.run(await commitSome(store), { grace: 0 })
      const last = await commitSome(store, 3)
      disk.setReadOnly(true)
      const failed = { code: 'GC_FAILED', details: { reason: 'lower' } }
      await expect(store.gc.run(last, { grace: 0 })).rejects.toMatchObject(failed)
      await expectAll(store)
      disk.setReadOnly(false)
      await store.gc.run(last, { grace: 0 })
      await expectAll(store)
      await store.close()
    } finally {
      disk.unmount()
    }
  })
})

test('a copy that is not read back as it was written fails the collection', async () => {
  const lower = join(parent, 'lower')
  const module = new URL('../dist/lying-lower-layer.js', import.meta.url).href
  const disk = Object.defineProperty(new NodeFileSystem(), 'origin', { value: { module, options: {} } })
  const store = await openStore(path, { lower }, { fileSystem: disk })
  const last = await commitSome(store)
  const before = await names(join(lower, 'volume-1'))
  const failure = await store.gc.run(last, { grace: 0 }).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'GC_FAILED', details: { reason: 'lower' } })
  expect(String(failure)).toContain('cannot be read back as it was written')
  expect(await names(join(lower, 'volume-1'))).toEqual(before)
  await expectAll(store)
  await store.close()
  const again = await Store.open(path)
  await again.gc.run(last, { grace: 0 })
  await expectAll(again)
  await again.close()
})
