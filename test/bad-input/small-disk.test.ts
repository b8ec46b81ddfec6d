/** A disk that is really full, and one that is really read-only. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NodeFileSystem } from '@varve/pack/fs'
import { type Commit, Store, VarveError } from '@varve/store'
import { expect, test } from 'vitest'
import { leftovers } from '../support/memory-store.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { SmallDisk } from '../support/small-disk.ts'

const diskBytes = 8 * 1024 * 1024
const ballastBytes = 1024 * 1024
const seed = 5

interface Skipping {
  skip(note: string): never
}

/** Runs a test on a disk of its own, or says why not. */
async function onSmallDisk(context: Skipping, body: (disk: SmallDisk) => Promise<void>): Promise<void> {
  const disk = SmallDisk.mount(diskBytes)
  if (typeof disk === 'string') {
    process.stderr.write(`skipped: ${disk}\n`)
    return context.skip(disk)
  }
  try {
    await body(disk)
  } finally {
    disk.unmount()
  }
}

/** Commits until the disk is full; gives what was acknowledged and what came then. */
async function fill(store: Store): Promise<{ commits: Commit[]; failure: unknown }> {
  const commits: Commit[] = []
  for (let at = 0; at < 1_000; at++) {
    try {
      const content = seededBytes(seed + at, 50_000)
      commits.push(await store.branch('main').commit((edit) => void edit.set(`file-${at % 3}`, content)))
    } catch (failure) {
      return { commits, failure }
    }
  }
  throw new Error('the disk is never full')
}

async function expectAll(store: Store, commits: readonly Commit[]): Promise<void> {
  for (const [at, { hash }] of commits.entries()) {
    const tree = (await store.getCommit(hash))?.tree()
    const content = await tree?.get(`file-${at % 3}`)
    expect(Buffer.compare(content ?? Buffer.alloc(0), seededBytes(seed + at, 50_000)), `commit ${at}`).toBe(0)
  }
}

test('a full disk loses nothing that was acknowledged, and goes on once there is room', async (context) => {
  await onSmallDisk(context, async (disk) => {
    const path = join(disk.path, 'store')
    const ballast = join(disk.path, 'ballast')
    await mkdir(path)
    await writeFile(ballast, Buffer.alloc(ballastBytes))
    const store = await Store.open(path)
    const { commits, failure } = await fill(store)
    expect(failure).toMatchObject({ code: 'WRITER_FAILED', cause: { code: 'ENOSPC' } })
    expect(commits.length).toBeGreaterThan(50)
    await expectAll(store, commits)
    await store.close().catch((error: unknown) => expect(VarveError.is(error)).toBe(true))
    await writeFile(join(disk.path, 'rest'), Buffer.alloc(diskBytes)).catch(() => undefined)
    const refused = await Store.open(path).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'NO_SPACE' })
    await rm(ballast)
    const again = await Store.open(path)
    await expectAll(again, commits)
    const reached = (await again.branch('main').head()) as Commit
    // One more may have been on its way.
    expect([reached.hash, reached.parents[0]]).toContain(commits.at(-1)?.hash)
    await rm(join(disk.path, 'rest'))
    await again.branch('main').commit((edit) => void edit.set('small', 'content'))
    await again.close()
    expect(await leftovers(new NodeFileSystem(), path)).toEqual([])
  })
})

test('a collection on a full disk fails, leaves no file, and works once there is room', async (context) => {
  await onSmallDisk(context, async (disk) => {
    const path = join(disk.path, 'store')
    const store = await Store.open(path)
    const commits: Commit[] = []
    for (let at = 0; at < 60; at++) {
      const content = seededBytes(seed + at, 50_000)
      commits.push(await store.branch('main').commit((edit) => void edit.set(`file-${at % 3}`, content)))
    }
    const kept = commits.slice(20)
    await writeFile(join(disk.path, 'ballast'), Buffer.alloc(diskBytes)).catch(() => undefined)
    const before = await readdir(path)
    const failure = await store.gc.run(kept[0], { grace: 0 }).catch((error: unknown) => error)
    expect(VarveError.is(failure, 'NO_SPACE') || VarveError.is(failure, 'GC_FAILED')).toBe(true)
    const isNew = (name: string): boolean => !before.includes(name) && !name.startsWith('suffix-')
    expect((await readdir(path)).filter(isNew)).toEqual([])
    await rm(join(disk.path, 'ballast'))
    await store.close().catch((error: unknown) => expect(VarveError.is(error)).toBe(true))
    const again = await Store.open(path)
    await expectAll(again, commits)
    await again.gc.run(kept[0], { grace: 0 })
    expect(await again.getCommit(commits[0]?.hash as Commit['hash'])).toBeUndefined()
    expect((await again.branch('main').head())?.hash).toBe(commits.at(-1)?.hash)
    await again.close()
    expect(await leftovers(new NodeFileSystem(), path)).toEqual([])
  })
})

test('a read-only disk is told as one, and nothing changes', async (context) => {
  await onSmallDisk(context, async (disk) => {
    const path = join(disk.path, 'store')
    const store = await Store.open(path)
    await store.branch('main').commit((edit) => void edit.set('a', 'b'))
    await store.close()
    const control = await readFile(join(path, 'control'))
    const names = await readdir(path)
    disk.setReadOnly(true)
    const refused = await Store.open(path).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'READ_ONLY_FOLDER' })
    expect(await Store.open(join(disk.path, 'new', 'store')).catch((error: unknown) => error)).toMatchObject({
      code: 'READ_ONLY_FOLDER',
    })
    expect(await readdir(path)).toEqual(names)
    expect(Buffer.compare(await readFile(join(path, 'control')), control)).toBe(0)
    disk.setReadOnly(false)
    const again = await Store.open(path)
    expect(new TextDecoder().decode(await again.branch('main').get('a'))).toBe('b')
    await again.close()
  })
})
