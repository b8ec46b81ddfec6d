/**
 * Readers that reload when they like beside a writer that commits, deletes, splits, collects, and is opened
 * again, against a model: each reader sees exactly the store of its last reload, whole, and of what has
 * happened since nothing.
 */
import { type MemoryFileSystem, SeededRandom } from '@varve/pack/testing'
import type { Commit, RefChange, Store } from '@varve/store'
import { afterEach, describe, expect, test } from 'vitest'
import { MemoryReader } from '../support/memory-reader.ts'
import { emptyDisk, expectTidy, openMemory } from '../support/memory-store.ts'
import { readRefs, readTree, type WholeTree } from '../support/read-whole.ts'

const STEPS = 220
const branches = ['main', 'side', 'x/y']
const keys = ['a', 'b/c', 'b/d', 'e/f/g', 'h']

type Refs = Readonly<Record<string, { readonly commit: string; readonly tree: WholeTree }>>

/** What one reader saw at its last reload. */
interface Seen {
  readonly reader: MemoryReader
  refs: Refs
  /** Commits that were there then. */
  commits: readonly string[]
}

let disk: MemoryFileSystem
let writer: Store
let readers: Seen[]

afterEach(async () => {
  for (const { reader } of readers) await reader.store.close()
  await writer.close()
})

describe('readers beside a writer', () => {
  test.each([1, 2, 3, 4, 5, 6])('see the store of their last reload, seed %i', async (seed) => {
    const random = new SeededRandom(seed)
    disk = await emptyDisk()
    readers = []
    writer = await openMemory(disk, { chunkBytes: 8192 })
    await writer.branch('main').commit((edit) => void edit.set('first', 'x'))
    for (let n = 0; n < 3; n++) readers.push(await opened())
    for (let step = 0; step < STEPS; step++) {
      await write(random, step)
      if (random.chance(0.5)) await reloadOne(random)
      if (random.chance(0.15)) await verify(random.pick(readers))
    }
    for (const seen of readers) await verify(seen)
    for (const { reader } of readers) {
      expect(reader.disk.refused).toEqual([])
      expect(reader.told()).toEqual([])
      await reader.store.close()
    }
    readers = []
    await writer.close()
    await expectTidy(disk)
  })
})

async function write(random: SeededRandom, step: number): Promise<void> {
  const branch = writer.branch(random.pick(branches))
  const dice = random.fraction()
  if (dice < 0.6) {
    const key = random.pick(keys)
    await branch.commit((edit) => void edit.set(key, `${step} ${random.below(5)}`), { date: step })
  } else if (dice < 0.66) {
    await writer.putBlob(`bare ${step}`)
    await writer.flush()
  } else if (dice < 0.72) await branch.delete()
  else if (dice < 0.78) await moveTag(random)
  else if (dice < 0.84) await writer.advanced.split()
  else if (dice < 0.94) await collect(random)
  else {
    await writer.close()
    writer = await openMemory(disk, { chunkBytes: 8192 })
  }
}

async function moveTag(random: SeededRandom): Promise<void> {
  const tag = writer.tag(`t${random.below(3)}`)
  if (await tag.delete()) return
  const head = await writer.branch(random.pick(branches)).head()
  if (head !== undefined) await tag.create(head)
}

async function collect(random: SeededRandom): Promise<void> {
  const head = await writer.branch(random.pick(branches)).head()
  const target = random.chance(0.7) ? head : undefined
  if ((await writer.gc.isAllowed(target)) === true) await writer.gc.run(target, { grace: 0 })
}

async function opened(): Promise<Seen> {
  const reader = await MemoryReader.open(disk, { cacheBytes: 64 * 1024 })
  return { reader, ...(await present()) }
}

async function present(): Promise<Pick<Seen, 'refs' | 'commits'>> {
  const refs = await readRefs(writer)
  const commits = Object.values(refs).map(({ commit }) => commit)
  return { refs, commits: [...new Set(commits)] }
}

async function reloadOne(random: SeededRandom): Promise<void> {
  const at = random.below(readers.length)
  const seen = readers[at] as Seen
  if (random.chance(0.15)) {
    await seen.reader.store.close()
    readers[at] = await opened()
    return
  }
  const changes = await seen.reader.store.reload()
  const before = seen.refs
  Object.assign(seen, await present())
  expect(movesOf(changes)).toEqual(movesBetween(before, seen.refs))
}

function movesOf(changes: readonly RefChange[]): unknown[] {
  return changes
    .map(({ ref, before, after }) => ({ ref, before: before?.hash, after: after?.hash }))
    .sort((a, b) => (a.ref < b.ref ? -1 : 1))
}

function movesBetween(before: Refs, after: Refs): unknown[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names]
    .sort()
    .map((ref) => ({ ref, before: before[ref]?.commit, after: after[ref]?.commit }))
    .filter((move) => move.before !== move.after)
}

async function verify({ reader, refs, commits }: Seen): Promise<void> {
  expect(await readRefs(reader.store)).toEqual(refs)
  for (const hash of commits) {
    const commit = (await reader.store.getCommit(hash as Commit['hash'])) as Commit
    expect((await reader.store.resolve(hash.slice(0, 16)))?.hash).toBe(hash)
    const tree = await reader.store.getTree(commit.treeHash)
    expect(tree && (await readTree(tree))).toEqual(await readTree(commit.tree()))
  }
}
