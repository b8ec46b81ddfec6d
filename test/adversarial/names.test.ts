/**
 * Names that somebody has chosen to make trees bad: with one long common prefix, each a prefix of the next,
 * or chosen against the hashes in use. Whatever they are, a change of one name writes few small nodes, memory
 * stays bounded, and the tree answers as ever. All of it through the public interface: a node is counted by
 * what the store says it holds, its size by how much the files grow.
 */
import { hash } from 'node:crypto'
import { loadXxh64, xxh64 } from '@varve/pack/base'
import type { Commit, Store, Tree } from '@varve/store'
import { beforeAll, describe, expect, test } from 'vitest'
import { describe as describeContent } from '../support/read-whole.ts'
import { firstNow, type TempStore, withStore } from '../support/temp-store.ts'

const mebi = 2 ** 20

/** What a directory may cost, whatever its names are. */
interface Bounds {
  /** Nodes that a change of one name writes, at most. */
  readonly nodesPerChange: number
  /** Bytes by which the files grow for it, at most. */
  readonly bytesPerChange: number
  /** More memory than before, at most, while all of it is made. */
  readonly memory: number
}

beforeAll(() => loadXxh64())

describe('chosen names', () => {
  test('200,000 with a common prefix', () =>
    withStore({ place: 'disk' }, async (temp) => {
      const prefix = 'the same long beginning of every name, '.repeat(3)
      const names = Array.from({ length: 200_000 }, (_, n) => `${prefix}${String(n).padStart(6, '0')}`)
      await expectBounded(temp, names, { nodesPerChange: 10, bytesPerChange: 64 * 1024, memory: 400 * mebi })
    }))

  test('50,000 that differ only in their first bytes, and end alike', () =>
    withStore({ place: 'disk' }, async (temp) => {
      const suffix = ', the same long end of every name'.repeat(2)
      const names = Array.from({ length: 50_000 }, (_, n) => `${n.toString(36).padStart(4, '0')}${suffix}`)
      await expectBounded(temp, names, { nodesPerChange: 10, bytesPerChange: 64 * 1024, memory: 400 * mebi })
    }))

  test('a, aa, aaa, … to the longest name, and the like', () =>
    withStore({ place: 'disk' }, async (temp) => {
      const chains = ['a', '\u0001', '\u00ff', 'ab', 'xyz'].flatMap((unit) => chainOf(unit))
      const names = [...new Set(chains)]
      expect(names.length).toBeGreaterThan(2_500)
      // A level of the tree tells a few bits of the name apart, so a name of 1,023 bytes may lie deep; no
      // deeper.
      await expectBounded(temp, names, {
        nodesPerChange: 1_100,
        bytesPerChange: 2 * mebi,
        memory: 200 * mebi,
      })
    }))

  test('names whose hashes begin or end alike, in every hash in use', () =>
    withStore({ place: 'disk' }, async (temp) => {
      const names = [...new Set([...chosenBy(sha256Low, 4_000), ...chosenBy(xxh64Low, 4_000)])]
      await expectBounded(temp, names, { nodesPerChange: 8, bytesPerChange: 64 * 1024, memory: 200 * mebi })
    }))

  test('contents whose addresses begin alike are told apart, wherever they are', () =>
    withStore({ place: 'disk' }, async (temp) => {
      const texts = chosenBy(sha256High, 1_500)
      const main = temp.store.branch('main')
      const put = await main.commit((edit) => {
        for (const [n, text] of texts.entries()) edit.set(`${n}`, text)
      })
      const readAll = async (store: Store): Promise<void> => {
        const hashes = texts.map((text) => describeContent(text).split(' ')[2] as never)
        expect(await store.hasBlobs(hashes)).toEqual(texts.map(() => true))
        for (const [n, text] of texts.entries()) {
          expect(Buffer.from((await store.getBlob(hashes[n] as never)) ?? []).toString()).toBe(text)
        }
      }
      await readAll(temp.store)
      await temp.store.advanced.split()
      await temp.reopen()
      await readAll(temp.store)
      await temp.store.gc.run(put, { grace: 0 })
      await readAll(temp.store)
      await temp.reopen()
      await readAll(temp.store)
    }))
})

async function expectBounded(temp: TempStore, names: readonly string[], bounds: Bounds): Promise<void> {
  const { store } = temp
  const before = memoryInUse()
  const edit = store.emptyTree().edit()
  for (const [n, name] of names.entries()) edit.set([name], `${n % 1_000}`)
  const tree = await edit.tree()
  const first = await store.branch('main').commit(() => tree, { date: firstNow })
  expect(memoryInUse() - before).toBeLessThan(bounds.memory)
  expect(await first.tree().count()).toBe(names.length)
  await expectSameTree(store, names, first)
  await expectCheapChanges(store, names, bounds)
  await expectOrder(store.branch('main').getTreeSync('') as Tree, names)
}

/** The same names in another order give the same tree. */
async function expectSameTree(store: Store, names: readonly string[], first: Commit): Promise<void> {
  const half = names.length >> 1
  let tree = store.emptyTree()
  for (const part of [names.slice(half), names.slice(0, half)]) {
    const edit = tree.edit()
    for (const name of part) edit.set([name], `${numberOf(names, name) % 1_000}`)
    tree = await edit.tree()
  }
  expect(await tree.hash()).toBe(first.treeHash)
}

/** Setting, adding, and deleting one name each write a few small nodes. */
async function expectCheapChanges(store: Store, names: readonly string[], bounds: Bounds): Promise<void> {
  const main = store.branch('main')
  const some = [0, 1, names.length >> 1, names.length - 2, names.length - 1].map((n) => names[n] as string)
  for (const [n, name] of some.entries()) {
    for (const change of ['set', 'delete', 'add'] as const) {
      const before = usage(store)
      await main.commit((edit) => {
        if (change === 'delete') edit.delete([name])
        else edit.set([name], change === 'set' ? `changed ${n}` : `${numberOf(names, name) % 1_000}`)
      })
      const after = usage(store)
      expect(after.nodes - before.nodes, change).toBeLessThanOrEqual(bounds.nodesPerChange)
      expect(after.bytes - before.bytes, change).toBeLessThanOrEqual(bounds.bytesPerChange)
    }
  }
}

/** Read back a page at a time, from both ends, and by name. */
async function expectOrder(tree: Tree, names: readonly string[]): Promise<void> {
  const sorted = names.map((name) => Buffer.from(name)).sort(Buffer.compare)
  const take = 50
  const start = await tree.entries('', { limit: take }).toArray()
  expect(start.map(({ name }) => name)).toEqual(sorted.slice(0, take).map(String))
  const end = await tree.entries('', { limit: take, reverse: true }).toArray()
  expect(end.map(({ name }) => name)).toEqual(sorted.slice(-take).reverse().map(String))
  const middle = String(sorted[sorted.length >> 1])
  const after = await tree.entries('', { gt: middle, limit: take }).toArray()
  const from = (sorted.length >> 1) + 1
  expect(after.map(({ name }) => name)).toEqual(sorted.slice(from, from + take).map(String))
  let count = 0
  for (const entry of tree.entriesSync()) {
    if (Buffer.compare(entry.nameBytes, sorted[count] as Buffer) !== 0)
      throw new Error(`${entry.name} is out of order`)
    count++
  }
  expect(count).toBe(names.length)
}

function usage(store: Store): { nodes: number; bytes: number } {
  const { files, objects } = store.stats()
  return { nodes: objects.tree, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
}

function memoryInUse(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const numbers = new WeakMap<readonly string[], Map<string, number>>()

function numberOf(names: readonly string[], name: string): number {
  const known = numbers.get(names) ?? new Map(names.map((each, n) => [each, n]))
  numbers.set(names, known)
  return known.get(name) as number
}

/** The unit once, twice, … as often as fits into a name. */
function chainOf(unit: string): string[] {
  return Array.from({ length: Math.floor(1_023 / Buffer.byteLength(unit)) }, (_, n) => unit.repeat(n + 1))
}

/** So many texts for which the digest is 0: found by trying. */
function chosenBy(digest: (text: string) => number, count: number): string[] {
  const found: string[] = []
  for (let n = 0; found.length < count; n++) {
    const text = `chosen-${n.toString(36)}`
    if (digest(text) === 0) found.push(text)
  }
  return found
}

function sha256Low(name: string): number {
  return Number(`0x${hash('sha256', name, 'hex').slice(-2)}`)
}

/** The first ten bits. */
function sha256High(text: string): number {
  return Number(`0x${hash('sha256', text, 'hex').slice(0, 3)}`) >> 2
}

function xxh64Low(name: string): number {
  const bytes = Buffer.from(name)
  return Number(xxh64(bytes, 0, bytes.length, 0) & 0xffn)
}
