/** What was acknowledged stays: beside a flipped bit, and over a sync that has failed. */
import { FaultFileSystem, flipBit, type MemoryFileSystem, SeededRandom } from '@varve/pack/testing'
import { type Bytes, type Hash, type Store, type StoreEvent, VarveError } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { Ledger } from '../support/ledger.ts'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'

const seed = 90_210
const chunk = `${memoryFolder}/suffix-1.pack`
const commitCount = 24
const last = `b${commitCount - 1}`

interface Written {
  /** As a program that was killed leaves it. */
  readonly disk: MemoryFileSystem
  /** Where the chunk ended before the first commit, and after each. */
  readonly ends: readonly number[]
  readonly hashes: readonly Hash<'commit'>[]
}

/** Commits on branches of their own, so that none of them refers to another. */
async function written(): Promise<Written> {
  const disk = await emptyDisk()
  const store = await openMemory(disk)
  const end = async (): Promise<number> => (await disk.stat(chunk))?.size ?? 0
  const ends = [await end()]
  const hashes: Hash<'commit'>[] = []
  for (let i = 0; i < commitCount; i++) {
    const text = `content of ${i}`
    const commit = await store
      .branch(`b${i}`)
      .commit((edit) => void edit.set('deep/er/name', text.repeat(20)))
    hashes.push(commit.hash)
    ends.push(await end())
  }
  const image = disk.crashImage({ keep: 'none' })
  await store.close()
  return { disk: image, ends, hashes }
}

/** Those that are said to be damaged. A wrong answer fails the test, and that there is none is one. */
async function lost(read: (i: number) => Promise<Bytes | undefined>): Promise<number[]> {
  const numbers: number[] = []
  for (let i = 0; i < commitCount; i++) {
    try {
      const content = await read(i)
      expect(content, `commit ${i} is there`).toBeDefined()
      expect(Buffer.from(content as Bytes).toString()).toBe(`content of ${i}`.repeat(20))
    } catch (error) {
      if (!VarveError.is(error)) throw error
      expect(error).toMatchObject({ code: 'CORRUPT' })
      numbers.push(i)
    }
  }
  return numbers
}

const byHash =
  (store: Store, hashes: readonly Hash<'commit'>[]) =>
  async (i: number): Promise<Bytes | undefined> => {
    const commit = await store.getCommit(hashes[i] as Hash<'commit'>)
    return commit?.tree().get('deep/er/name')
  }

const byBranch =
  (store: Store) =>
  (i: number): Promise<Bytes | undefined> =>
    store.branch(`b${i}`).get('deep/er/name')

test(`a flipped bit in the open chunk costs its own commit and cuts nothing (seed ${seed})`, async () => {
  const { disk, ends, hashes } = await written()
  const random = new SeededRandom(seed)
  let hits = 0
  for (let round = 0; round < 60; round++) {
    const struck = 1 + random.below(commitCount - 2)
    const from = ends[struck] as number
    const bit = (from + random.below((ends[struck + 1] as number) - from)) * 8 + random.below(8)
    const damaged = disk.clone()
    damaged.damage(chunk, flipBit(bit))
    const before = await damaged.readFile(chunk)
    const events: StoreEvent[] = []
    const store = await openMemory(damaged, { events })
    const damage = await lost(byHash(store, hashes))
    expect([[], [struck]], `bit ${bit}`).toContainEqual(damage)
    // A damaged move of a branch may have been that of any branch which has not moved after it.
    const doubtful = await lost(byBranch(store))
    for (const i of doubtful) expect(i, `bit ${bit}`).toBeLessThanOrEqual(struck)
    if (damage.length + doubtful.length > 0) hits++
    // Whether a branch of another name was in what is damaged is not known; this one has moved since.
    await store.branch(last).commit((edit) => void edit.set('x', 'y'))
    await store.close()
    const after = await damaged.readFile(chunk)
    expect(after.subarray(0, before.length).equals(before), 'nothing is cut or written over').toBe(true)
    const again = await openMemory(damaged)
    expect(await lost(byHash(again, hashes))).toEqual(damage)
    expect(await lost(byBranch(again))).toEqual(doubtful)
    expect(await again.branch(last).has('x')).toBe(true)
    await again.close()
  }
  expect(hits).toBeGreaterThan(30)
})

/** Commits until one fails; the disk has lost what the failed sync was to make durable. */
async function failAtSync(disk: MemoryFileSystem, ledger: Ledger, at: number): Promise<boolean> {
  const faults = new FaultFileSystem(disk)
  const store = await openMemory(disk, { through: faults, chunkBytes: 16 * 1024 })
  await ledger.commit(store, 'main', { first: 'one', big: 'x'.repeat(5_000) })
  let count = 0
  faults.setPlan([
    {
      fault: { kind: 'error', code: 'EIO' },
      kinds: ['datasync'],
      when: ({ path }) => {
        if (!/suffix-\d+\.pack$/.test(path) || ++count < at) return false
        disk.loseUnsynced(path)
        return true
      },
    },
  ])
  let failure: unknown
  for (let i = 0; i < 6 && failure === undefined; i++) {
    const changes = { [`name${i}`]: `${i}`.repeat(4_000) }
    const commits = ['main', 'side'].map((branch) => ledger.commit(store, branch, changes))
    for (const result of await Promise.allSettled(commits))
      if (result.status === 'rejected') failure = result.reason
  }
  if (failure !== undefined) expect(failure).toMatchObject({ code: 'WRITER_FAILED' })
  await store.close().catch((error: unknown) => expect(error).toMatchObject({ code: 'WRITER_FAILED' }))
  return failure !== undefined
}

describe('a failed sync after which the system forgets what it was to write', () => {
  test.each([1, 2, 3, 4, 5, 6, 7])('the sync number %i, then an opening, then a power cut', async (at) => {
    const disk = await emptyDisk()
    const ledger = new Ledger()
    expect(await failAtSync(disk, ledger, at), 'there are so many syncs').toBe(true)
    const store = await openMemory(disk)
    await ledger.resume(store)
    await ledger.commit(store, 'main', { later: 'two' })
    await ledger.commit(store, 'other', { later: 'three' })
    for (const keep of ['none', 'all', 'random'] as const) {
      const image = disk.crashImage({ keep, seed, tear: 'none' })
      const events: StoreEvent[] = []
      const again = await openMemory(image, { events })
      await ledger.verify(again)
      const damage = events.filter(({ type }) => type === 'damaged' || type === 'healed')
      expect(damage, 'no hole below what was acknowledged').toEqual([])
      await again.close()
    }
    await store.close()
  })
})
