/**
 * Copies and backups of a store with damage, and beside collections that replace what they are about to read.
 */
import { systemClock } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'
import type { MemoryFileSystem } from '@varve/pack/testing'
import type { Commit, Store } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { describe, expect, test } from 'vitest'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { readRefs } from '../support/read-whole.ts'
import { expectCode } from '../support/scenario.ts'
import { settled } from '../support/stepper.ts'

const target = '/disk/second'

function openSecond(disk: MemoryFileSystem): Promise<Store> {
  return openStore(
    target,
    { create: 'never' },
    { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' },
  )
}

async function refsOfSecond(disk: MemoryFileSystem): Promise<unknown> {
  const store = await openSecond(disk)
  const refs = await readRefs(store)
  await store.close()
  return refs
}

/** Flips a bit of the text wherever it is first stored. */
async function damage(disk: MemoryFileSystem, text: string): Promise<void> {
  for (const name of await disk.list(memoryFolder)) {
    if (!/^(suffix|gen)-.*\.pack$/.test(name)) continue
    let isDone = false
    disk.damage(`${memoryFolder}/${name}`, (bytes) => {
      const at = bytes.indexOf(text)
      isDone = at >= 0
      if (isDone) bytes[at] = (bytes[at] as number) ^ 1
      return bytes
    })
    if (isDone) return
  }
}

describe('damage', () => {
  test.each(['in the log', 'in a generation'])('%s that has a copy is healed', async (where) => {
    const disk = await emptyDisk()
    const store = await openMemory(disk)
    await store.branch('main').commit((edit) => void edit.set('a', 'the damaged text').set('b', 'b'))
    if (where === 'in a generation') await store.gc.run()
    else await store.advanced.split()
    const refs = await readRefs(store)
    await store.close()
    await damage(disk, 'the damaged text')
    const again = await openMemory(disk)
    await expectCode(again.copyTo(target), 'CORRUPT')
    expect(await disk.stat(target)).toBeUndefined()
    await again.putBlob('the damaged text')
    await again.copyTo(target)
    await again.close()
    expect(await refsOfSecond(disk)).toEqual(refs)
    const second = await openSecond(disk)
    await second.gc.run()
    expect(await readRefs(second)).toEqual(refs)
    await second.close()
  })

  test('in what is not copied does no harm', async () => {
    const disk = await emptyDisk()
    const store = await openMemory(disk)
    await store.branch('other').commit((edit) => void edit.set('a', 'the damaged text'))
    await store.branch('main').commit((edit) => void edit.set('b', 'b'))
    await store.advanced.split()
    await store.close()
    await damage(disk, 'the damaged text')
    const again = await openMemory(disk)
    await expectCode(again.copyTo(target), 'CORRUPT')
    await again.copyTo(target, { refs: ['main'] })
    await again.close()
    const second = await openSecond(disk)
    expect(Buffer.from((await second.branch('main').get('b'))!).toString()).toBe('b')
    await second.close()
  })
})

/** Holds back operations on a path that matches until `before` has resolved. */
function held(
  inner: FileSystem,
  at: { readonly call: 'link' | 'open' | 'openSync'; readonly path: RegExp },
  before: () => Promise<void>,
): FileSystem {
  return new Proxy(inner, {
    get: (fs, name) => {
      const value: unknown = Reflect.get(fs, name)
      if (typeof value !== 'function') return value
      if (name !== at.call) return value.bind(fs)
      return async (...given: unknown[]): Promise<unknown> => {
        if (at.path.test(String(given[0]))) await before()
        return value.apply(fs, given)
      }
    },
  })
}

test('a file that is missing is told, and no backup is made without it', async () => {
  const disk = await emptyDisk()
  const store = await openMemory(disk)
  await store.branch('main').commit((edit) => void edit.set('a', 'a'))
  await store.gc.run()
  const name = (await disk.list(memoryFolder)).find((file) => file.endsWith('.map')) as string
  await disk.rename(`${memoryFolder}/${name}`, '/disk/map')
  await expect(store.backup(target)).rejects.toMatchObject({ code: 'CORRUPT', details: { file: name } })
  expect(await disk.stat(target)).toBeUndefined()
  await disk.rename('/disk/map', `${memoryFolder}/${name}`)
  await store.backup(target)
  await store.close()
})

describe('a collection that comes between', () => {
  const steps = [
    ['copy', { call: 'open', path: /store\/meta-.*ckpt$/ }],
    ['copy', { call: 'open', path: /store\/gen-.*pack$/ }],
    ['copy', { call: 'open', path: /store\/suffix-.*idx$/ }],
    ['backup', { call: 'link', path: /store\/meta-.*ckpt$/ }],
    ['backup', { call: 'link', path: /store\/gen-.*idx$/ }],
    ['backup', { call: 'link', path: /store\/suffix-.*idx$/ }],
    ['backup', { call: 'open', path: /store\/suffix-.*pack$/ }],
  ] as const

  test.each(steps)('and takes the files of a %s away, at %o', async (work, at) => {
    const disk = await emptyDisk()
    let isArmed = false
    let collect = async (): Promise<void> => {}
    const through = held(disk, at, async () => {
      if (isArmed) await collect()
    })
    const first = await openMemory(disk)
    await first.branch('main').commit((edit) => void edit.set('a', 'a'))
    await first.gc.run(undefined, { grace: 0 })
    await first.branch('main').commit((edit) => void edit.set('b', 'b'))
    await first.close()
    const store = await openMemory(disk, { through })
    await store.branch('main').commit((edit) => void edit.set('c', 'c'))
    await store.advanced.split()
    await store.branch('main').commit((edit) => void edit.set('d', 'd'))
    await indexed(disk)
    const head = (await store.branch('main').head()) as Commit
    let collected = 0
    collect = async () => {
      isArmed = false
      await store.gc.run(head, { grace: 0 })
      collected++
    }
    isArmed = true
    if (work === 'copy') await store.copyTo(target)
    else await store.backup(target)
    const refs = await readRefs(store)
    await store.close()
    expect(await refsOfSecond(disk)).toEqual(refs)
    expect(collected).toBe(1)
  })
})

/** Every sealed chunk has its index, which is written in the background. */
async function indexed(disk: MemoryFileSystem): Promise<void> {
  const count = (names: readonly string[], end: RegExp): number =>
    names.filter((name) => end.test(name)).length
  for (;;) {
    const names = await disk.list(memoryFolder)
    if (count(names, /^suffix-.*idx$/) === count(names, /^suffix-.*pack$/) - 1) return settled()
    await systemClock.turn()
  }
}
