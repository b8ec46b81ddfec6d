/**
 * Processes that are killed while they commit: whatever they were told is durable is there. A failure prints
 * a seed; `VARVE_SEED` makes the same choices again, though not at the same moments.
 */
import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '@varve/pack/testing'
import type { Commit, Hash, Store, StoreEvent } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { expect, describe as group } from 'vitest'
import { changeOf, contentOf, hearCommit, type SpokenCommit } from '../programs/spoken-commits.ts'
import { afterLines, runUntilKilled } from '../support/killed-program.ts'
import { describe, readTree } from '../support/read-whole.ts'

const seed = Number(process.env['VARVE_SEED'] ?? randomInt(2 ** 31))
const roundsPerStore = 100
/** Small, so that some are killed while a chunk is sealed or its index is built. */
const chunkBytes = 1 << 19
/** Two callers on one branch: that many commits of it may be done and not yet said. */
const unsaidMax = 2

interface Line {
  readonly tip: Hash<'commit'> | undefined
  /** Key → value. */
  readonly content: ReadonlyMap<string, string>
}

/** One store that lives through many deaths of its writers. */
class Course {
  readonly #folder: string
  readonly #random: SeededRandom
  readonly #lines = new Map<string, Line>()
  /** Every commit that was ever found, with its tree. */
  readonly #found = new Map<Hash<'commit'>, string>()
  saidCount = 0

  constructor(folder: string, seed: number) {
    this.#folder = folder
    this.#random = new SeededRandom(seed)
  }

  async round(number: number): Promise<void> {
    const random = this.#random
    // The first line says that the store is about to be opened: some die in the middle of that.
    const isOpening = random.chance(0.1)
    const enough = isOpening
      ? afterLines(1, ['opening'], 0)
      : afterLines(random.below(60), ['ack '], random.below(600))
    const args = [this.#folder, random.uint32(), chunkBytes]
    const said = (await runUntilKilled('committing-writer', args, enough)).flatMap((line) => {
      return hearCommit(line) ?? []
    })
    this.saidCount += said.length
    const events: StoreEvent[] = []
    const store = await this.#open((event) => void events.push(event))
    try {
      const branches = new Set([...this.#lines.keys(), ...said.map(({ branch }) => branch)])
      for await (const { name } of store.branches()) branches.add(name)
      for (const branch of branches) {
        await this.#verifyBranch(
          store,
          branch,
          said.filter((one) => one.branch === branch),
        )
      }
      await this.#goOn(store, number)
    } finally {
      await store.close()
    }
    const bad = events.filter(({ type }) => type === 'damaged' || type === 'writer-failed')
    expect(bad).toEqual([])
  }

  /** Nothing that was ever found has gone since. */
  async verifyAll(): Promise<number> {
    const store = await this.#open(() => undefined)
    try {
      for (const [hash, treeHash] of this.#found) {
        expect((await store.getCommit(hash))?.treeHash, hash).toBe(treeHash)
      }
    } finally {
      await store.close()
    }
    return this.#found.size
  }

  #open(onEvent: (event: StoreEvent) => void): Promise<Store> {
    return openStore(this.#folder, { onEvent }, { chunkBytes })
  }

  /** The branch leads from what it was, through all that was said, to what may be done and not yet said. */
  async #verifyBranch(store: Store, branch: string, said: readonly SpokenCommit[]): Promise<void> {
    const before = this.#lines.get(branch)
    const news = await since(store, branch, before?.tip)
    const content = new Map(before?.content)
    for (const commit of news) {
      const { key, value } = changeOf(commit.message)
      content.set(key, value)
      expect(await blobsOf(commit), `${branch}: ${commit.hash}`).toEqual(wanted(content))
      this.#found.set(commit.hash, commit.treeHash)
    }
    const byHash = new Map(news.map((commit) => [commit.hash as string, commit]))
    for (const { hash, treeHash, key, value } of said) {
      const commit = byHash.get(hash)
      expect(commit, `${branch}: ${hash} was said to be durable`).toBeDefined()
      expect([commit?.treeHash, commit?.message]).toEqual([treeHash, `${key}=${value}`])
    }
    expect(news.length - said.length, `${branch}: unsaid`).toBeLessThanOrEqual(unsaidMax)
    this.#lines.set(branch, { tip: news.at(-1)?.hash ?? before?.tip, content })
  }

  /** What was recovered can be built on. */
  async #goOn(store: Store, number: number): Promise<void> {
    const value = `round${number}:100`
    await store
      .branch('b0')
      .commit((edit) => void edit.set('survivor', contentOf(value)), { message: `survivor=${value}` })
    await this.#verifyBranch(store, 'b0', [])
  }
}

/** The commits of a branch after one of them, or all of them, the oldest first. */
async function since(store: Store, branch: string, tip: Hash<'commit'> | undefined): Promise<Commit[]> {
  const news: Commit[] = []
  let commit = await store.branch(branch).head()
  while (commit !== undefined && commit.hash !== tip) {
    news.push(commit)
    const [parent] = commit.parents
    commit = parent === undefined ? undefined : await store.getCommit(parent)
    if (parent !== undefined) expect(commit, `${branch}: ${parent} is there`).toBeDefined()
  }
  expect(commit?.hash, `${branch} goes on from where it was`).toBe(tip)
  return news.reverse()
}

async function blobsOf(commit: Commit): Promise<Record<string, string>> {
  const whole = await readTree(commit.tree())
  return Object.fromEntries([...whole].filter(([, what]) => !what.startsWith('tree ')))
}

function wanted(content: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...content].map(([key, value]) => [key, describe(contentOf(value))]))
}

group.concurrent(`kill -9 of a process that commits, seed ${seed}`, (test) => {
  test.for([1, 2])('store %i: nothing that was said to be durable is lost', async (which) => {
    const folder = await mkdtemp(join(tmpdir(), 'varve-kill-'))
    try {
      const course = new Course(join(folder, 'store'), seed + which)
      for (let round = 0; round < roundsPerStore; round++) {
        await course.round(round).catch((cause: unknown) => {
          throw new Error(`round ${round} of store ${which}, VARVE_SEED=${seed}`, { cause })
        })
      }
      expect(course.saidCount).toBeGreaterThan(roundsPerStore)
      expect(await course.verifyAll()).toBeGreaterThanOrEqual(course.saidCount)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
