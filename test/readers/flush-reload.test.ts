/**
 * Writes and reloads that meet in the middle, at every file operation of each: Irmin-pack's flush and reload
 * tests (6.11), with commits, splits, and whole collections, in one layer and in two. A reader never sees an
 * index entry without its data, nor one part of a step without the other: it sees the store before or after,
 * and after a reload that begins when the step is over, the store after.
 */
import type { FileSystem } from '@varve/pack/fs'
import { InterceptedFileSystem, type MemoryFileSystem, type Operation } from '@varve/pack/testing'
import type { Commit, Store, StoreReader } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { expectExactFiles } from '../support/layered-life.ts'
import { MemoryReader } from '../support/memory-reader.ts'
import { emptyDisk, expectTidy, memoryFolder, openMemory } from '../support/memory-store.ts'
import { expectNamedFiles } from '../support/named-files.ts'
import { readRefs, readTree } from '../support/read-whole.ts'
import { lowerFolder } from '../support/two-layers.ts'

type Step = (store: Store) => Promise<unknown>

const steps: Readonly<Record<string, Step>> = {
  'a commit': (store) => store.branch('main').commit((edit) => void edit.set('new', 'x')),
  'a branch that goes': (store) => store.branch('side').delete(),
  'a split and a commit': async (store) => {
    await store.advanced.split()
    await store.branch('main').commit((edit) => void edit.set('new', 'x'))
  },
  'a collection': async (store) => store.gc.run(await store.branch('main').head(), { grace: 0 }),
  'two collections': async (store) => {
    await store.gc.run(await store.branch('main').head(), { grace: 0 })
    const head = await store.branch('main').commit((edit) => void edit.set('new', 'x'))
    await store.gc.run(head, { grace: 0 })
  },
}

type Layers = 'one layer' | 'two layers'

/** With a generation, a sealed chunk, and an open one; in two layers with a volume, too. */
async function makeDisk(layers: Layers = 'one layer'): Promise<MemoryFileSystem> {
  const disk = await emptyDisk()
  const store = await openMemory(disk, layers === 'two layers' ? { lower: lowerFolder } : {})
  const main = store.branch('main')
  const first = await main.commit((edit) => void edit.set('a', '1').set('dir/b', '2'))
  await store.gc.run(first, { grace: 0 })
  const second = await main.commit((edit) => void edit.set('a', '3'))
  await store.branch('side').set(second)
  await store.advanced.split()
  await main.commit((edit) => void edit.set('dir/c', '4'))
  await store.close()
  return disk
}

/** Everything that can be asked, in a form that can be compared. */
async function whole(store: StoreReader): Promise<unknown> {
  const commits: Record<string, unknown> = {}
  for await (const branch of store.branches()) {
    for await (const { hash } of store.log((await branch.head()) as Commit)) {
      const commit = (await store.getCommit(hash)) as Commit
      commits[hash] = await readTree(commit.tree())
      expect((await store.resolve(hash.slice(0, 12)))?.hash).toBe(hash)
      expect(await store.getTree(commit.treeHash)).toBeDefined()
    }
  }
  return { refs: await readRefs(store), commits }
}

/** Stops at its `at`-th operation, counted from `begin`, until the work given there is done. */
class Pausing {
  readonly fileSystem: FileSystem
  count = 0
  #work: (() => Promise<unknown>) | undefined
  #at = 0
  #isCounting = false

  constructor(disk: FileSystem) {
    this.fileSystem = new InterceptedFileSystem(disk, {
      before: () => undefined,
      delay: (operation) => this.#pause(operation),
    })
  }

  begin(at: number, work: () => Promise<unknown>): void {
    this.#at = at
    this.#work = work
    this.#isCounting = true
  }

  /** Stops no more; whether it has stopped. */
  end(): boolean {
    const isReached = this.#work === undefined
    this.#isCounting = false
    return isReached
  }

  async #pause({ path }: Operation): Promise<void> {
    if (!this.#isCounting || !path.startsWith(memoryFolder)) return
    if (this.count++ !== this.#at) return
    const work = this.#work
    this.#work = undefined
    await work?.()
  }
}

/** A lower layer makes a difference to collections alone. */
const cases = Object.keys(steps).flatMap((name): { name: string; layers: Layers }[] => [
  { name, layers: 'one layer' },
  ...(name.includes('collection') ? [{ name, layers: 'two layers' } as const] : []),
])

describe.each(cases)('$name, $layers', ({ name, layers }) => {
  const step = steps[name] as Step

  test('6.11a a reload at each file operation of it', async () => {
    const specimen = await makeDisk(layers)
    let isPast = false
    for (let at = 0; !isPast; at++) {
      const disk = specimen.clone()
      const pausing = new Pausing(disk)
      const store = await openMemory(disk, { through: pausing.fileSystem })
      const reader = await MemoryReader.open(disk)
      const before = await whole(reader.store)
      let between: unknown
      pausing.begin(at, async () => {
        expect(await whole(reader.store), 'until it reloads').toEqual(before)
        await reader.store.reload()
        between = await whole(reader.store)
      })
      await step(store)
      isPast = !pausing.end()
      await expectNamedFiles(disk, memoryFolder)
      const opened = await MemoryReader.open(disk)
      await reader.store.reload()
      const after = await whole(store)
      expect(await whole(reader.store)).toEqual(after)
      expect(await whole(opened.store)).toEqual(after)
      if (!isPast && name !== 'two collections') expect([before, after]).toContainEqual(between)
      await closeAll(disk, store, reader, opened)
      expect(at).toBeLessThan(1_000)
    }
  })

  test('6.11b it happens at each file operation of a reload, and of an opening', async () => {
    const specimen = await makeDisk(layers)
    for (const how of ['reload', 'open'] as const) {
      let isPast = false
      for (let at = 0; !isPast; at++) {
        const disk = specimen.clone()
        const store = await openMemory(disk)
        const before = await whole(store)
        const pausing = new Pausing(disk)
        let reader =
          how === 'reload' ? await MemoryReader.open(disk, { through: pausing.fileSystem }) : undefined
        // So that there is something to read at a reload, too.
        await store.tag('v1').create((await store.branch('main').head()) as Commit)
        const start = await whole(store)
        let end: unknown
        pausing.begin(at, async () => {
          await step(store)
          await expectNamedFiles(disk, memoryFolder)
          end = await whole(store)
        })
        if (reader === undefined) reader = await MemoryReader.open(disk, { through: pausing.fileSystem })
        else await reader.store.reload()
        isPast = !pausing.end()
        if (isPast) end = start
        expect(start).not.toEqual(before)
        expect([start, end]).toContainEqual(await whole(reader.store))
        await reader.store.reload()
        expect(await whole(reader.store)).toEqual(end)
        await closeAll(disk, store, reader)
        expect(at).toBeLessThan(1_000)
      }
    }
  })
})

test('a reader that loses the race against collections again and again wins in the end', async () => {
  const disk = await makeDisk()
  const store = await openMemory(disk)
  const reader = await MemoryReader.open(disk)
  let lost = 0
  const racing = new InterceptedFileSystem(disk, {
    before: () => undefined,
    delay: async ({ kind, path }) => {
      // Between control and the first file that it names.
      if (kind !== 'open' || lost === 12) return
      lost++
      expect(path).toContain('gen-')
      await store.branch('main').commit((edit) => void edit.set('n', `${lost}`))
      await store.gc.run(await store.branch('main').head(), { grace: 0 })
    },
  })
  const late = await MemoryReader.open(disk, { through: racing })
  expect(lost).toBe(12)
  expect(await whole(late.store)).toEqual(await whole(store))
  await closeAll(disk, store, reader, late)
})

async function closeAll(
  disk: MemoryFileSystem,
  store: Store,
  ...readers: readonly MemoryReader[]
): Promise<void> {
  for (const reader of readers) {
    expect(reader.told()).toEqual([])
    expect(reader.disk.refused).toEqual([])
    await reader.store.close()
  }
  await store.close()
  if ((await disk.stat(lowerFolder)) === undefined) await expectTidy(disk)
  else await expectExactFiles(disk, lowerFolder)
}
