import type { Commit, Hash, Store } from '@varve/store'
import { expect } from 'vitest'
import type { TempStore } from './temp-store.ts'

/** How often a commit stays behind as an orphan, and how often a second parent is named. */
const orphanEvery = 1_000
const mergeEvery = 100

/**
 * Makes a history of `count` commits on `main`, walks it, and collects it, with and without a target. What
 * recursed over it, or kept all of it in objects, would not come through.
 */
export async function expectLongHistory(temp: TempStore, count: number): Promise<void> {
  const { hashes, orphans } = await makeHistory(temp.store, count)
  await temp.reopen()
  await expectWalks(temp.store, hashes)
  await expectTargetless(temp, hashes, orphans)
  await expectTarget(temp, hashes)
}

interface History {
  /** From the oldest to the newest. */
  readonly hashes: readonly Hash<'commit'>[]
  readonly orphans: readonly Hash<'commit'>[]
}

async function makeHistory(store: Store, count: number): Promise<History> {
  const hashes: Hash<'commit'>[] = []
  const orphans: Hash<'commit'>[] = []
  let tree = store.emptyTree()
  let head: Commit | undefined
  for (let n = 0; n < count; n++) {
    tree = await tree.set(`f${n % 7}`, `number ${n}`)
    const second = n % mergeEvery === mergeEvery - 1 ? hashes[n >> 1] : undefined
    const parents = head === undefined ? [] : second === undefined ? [head.hash] : [head.hash, second]
    head = await store.commit({ tree, parents, message: `${n}`, date: n, durability: 'flush' })
    tree = head.tree()
    hashes.push(head.hash)
    if (n % orphanEvery === 0) {
      const orphan = await store.commit({ tree, parents, message: 'orphan', date: n, durability: 'flush' })
      orphans.push(orphan.hash)
    }
  }
  await store.branch('main').set(head as Commit)
  return { hashes, orphans }
}

async function expectWalks(store: Store, hashes: readonly Hash<'commit'>[]): Promise<void> {
  const newest = hashes.at(-1) as Hash<'commit'>
  const oldest = hashes[0] as Hash<'commit'>
  await expectLog(store, hashes)
  expect(await store.isAncestor(oldest, newest)).toBe(true)
  expect(await store.isAncestor(newest, oldest)).toBe(false)
  const middle = hashes[hashes.length >> 1] as Hash<'commit'>
  expect((await store.mergeBases(newest, middle)).map(({ hash }) => hash)).toEqual([middle])
  expect((await store.resolve('main~1'))?.hash).toBe(hashes.at(-2))
}

/** All of it, newest first, and nothing else. */
async function expectLog(store: Store, hashes: readonly Hash<'commit'>[]): Promise<void> {
  let at = hashes.length
  for await (const commit of store.log(hashes.at(-1) as Hash<'commit'>)) {
    at--
    if (commit.hash !== hashes[at]) throw new Error(`commit ${at} is out of order`)
  }
  expect(at).toBe(0)
}

/** What the branch reaches stays, all of it; orphans go. */
async function expectTargetless(
  temp: TempStore,
  hashes: readonly Hash<'commit'>[],
  orphans: readonly Hash<'commit'>[],
): Promise<void> {
  expect(temp.store.stats().objects.commit).toBe(hashes.length + orphans.length)
  await temp.store.gc.run(undefined, { grace: 0 })
  expect(temp.store.stats().objects.commit).toBe(hashes.length)
  for (const orphan of orphans) expect(await temp.store.getCommit(orphan)).toBeUndefined()
  await temp.reopen()
  await expectLog(temp.store, hashes)
}

/** History before the target goes, and the log ends there. */
async function expectTarget(temp: TempStore, hashes: readonly Hash<'commit'>[]): Promise<void> {
  const half = hashes.length >> 1
  await temp.store.gc.run(hashes[half] as Hash<'commit'>, { grace: 0 })
  await expectLog(temp.store, hashes.slice(half))
  expect(temp.store.stats().objects.commit).toBe(hashes.length - half)
  expect(await temp.store.getCommit(hashes[half - 1] as Hash<'commit'>)).toBeUndefined()
  await temp.reopen()
  await expectLog(temp.store, hashes.slice(half))
}
