/**
 * Processes that are killed in the middle of collections: the store is that of before the switch or that of
 * after it, whole. A failure prints a seed; `VARVE_SEED` makes the same choices again, though not at the same
 * moments.
 */
import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NodeFileSystem } from '@varve/pack/fs'
import { SeededRandom } from '@varve/pack/testing'
import type { Hash, Store, StoreEvent } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { expect, describe as group } from 'vitest'
import { changeOf, contentOf, hearCommit, type SpokenCommit } from '../programs/spoken-commits.ts'
import { afterLines, runUntilKilled, type Verdict } from '../support/killed-program.ts'
import { leftovers } from '../support/leftovers.ts'
import { readRefs } from '../support/read-whole.ts'

const seed = Number(process.env['VARVE_SEED'] ?? randomInt(2 ** 31))
const roundsPerStore = 50
/** Several chunks between one collection and the next. */
const chunkBytes = 1 << 16
/** About as many as a collection takes on the disk, the sealing of the chunk first. */
const stepsMax = 50
const stepsOfSealing = 10
/** The first step that only comes after the switch. */
const firstAfterSwitch = 'remove suffix'

/** One store that lives through many deaths of its collectors. */
class Course {
  readonly #folder: string
  readonly #random: SeededRandom
  readonly #disk = new NodeFileSystem()
  /** What was said to be durable and not yet seen to be gone, in the order in which it was said. */
  #commits: SpokenCommit[] = []
  #target: string | undefined
  #eternal: string | undefined
  /** How many rounds found the generation of before and of after the last collection that had begun. */
  readonly outcomes: Record<'before' | 'after', number> = { before: 0, after: 0 }

  constructor(folder: string, from: number) {
    this.#folder = folder
    this.#random = new SeededRandom(from)
  }

  /** A branch that stays where it is, so that every collection must copy what it holds. */
  async lay(): Promise<void> {
    const store = await openStore(this.#folder, {}, { chunkBytes })
    const commit = await store.branch('eternal').commit((edit) => {
      for (let i = 0; i < 300; i++) edit.set(`folder${i % 7}/eternal${i}`, contentOf(`eternal${i}:${i * 5}`))
    })
    this.#eternal = commit.hash
    await store.close()
  }

  async round(number: number): Promise<void> {
    const begun = this.#hear(await this.#runUntilKilled(number))
    const events: StoreEvent[] = []
    const store = await openStore(
      this.#folder,
      { onEvent: (event) => void events.push(event) },
      { chunkBytes },
    )
    try {
      await this.#verifyFiles(store)
      this.#judge(store.gc.latestTarget(), begun)
      await this.#verify(store)
      const kept = this.#commits.filter(({ branch }) => branch === 'main')
      const next = this.#random.pick(kept.slice(-20)).hash as Hash<'commit'>
      expect((await store.gc.run(next, { grace: 0 })).target).toBe(next)
      this.#target = next
      await this.#verify(store)
    } finally {
      await store.close()
    }
    const bad = events.filter(({ type }) => type === 'damaged' || type === 'writer-failed')
    expect(bad).toEqual([])
    expect(await leftovers(this.#disk, this.#folder)).toEqual([])
  }

  /** Some rounds end at a step, others a while after it, and some certainly before or after the switch. */
  #runUntilKilled(number: number): Promise<string[]> {
    const random = this.#random
    const args = [this.#folder, random.uint32(), chunkBytes]
    const run = (stopAt: number | string, enough: Verdict): Promise<string[]> =>
      runUntilKilled('collecting-writer', [...args, stopAt], enough)
    if (number % 5 === 0) return run(firstAfterSwitch, afterLines(1, [`step ${firstAfterSwitch}`], 0))
    const step = 1 + random.below(number % 5 === 1 ? stepsOfSealing : stepsMax)
    const isStopped = number % 5 === 1 || random.chance(0.5)
    const enough = afterLines(step, ['step '], isStopped ? 0 : random.below(2_000))
    return run(isStopped ? step : 0, enough)
  }

  /** Takes in what was said; gives the target of the collection that had begun and not ended. */
  #hear(lines: readonly string[]): string | undefined {
    let begun: string | undefined
    for (const line of lines) {
      const [verb, hash] = line.split(' ')
      const commit = hearCommit(line)
      if (commit !== undefined) this.#commits.push(commit)
      if (verb === 'collect') begun = hash
      if (verb !== 'collected') continue
      expect(hash).toBe(begun)
      this.#target = hash
      begun = undefined
    }
    return begun
  }

  /** The generation is the last one that was said to be there, or the one that was being made. */
  #judge(latest: string | undefined, begun: string | undefined): void {
    expect(begun === undefined ? [this.#target] : [this.#target, begun]).toContain(latest)
    this.outcomes[begun === undefined || latest === begun ? 'after' : 'before']++
    this.#target = latest
  }

  async #verifyFiles(store: Store): Promise<void> {
    const strange = await leftovers(this.#disk, this.#folder)
    const isOurs = (name: string): boolean => name.startsWith(`lock-owner-${process.pid}`)
    expect(strange.filter((name) => !isOurs(name))).toEqual([])
    const names = await this.#disk.list(this.#folder)
    expect(names).toEqual(expect.arrayContaining(store.stats().files.map(({ name }) => name)))
  }

  async #verify(store: Store): Promise<void> {
    const refs = await readRefs(store)
    expect(refs['heads/eternal']?.commit).toBe(this.#eternal)
    for (const branch of new Set(this.#commits.map((one) => one.branch))) {
      await this.#verifyHead(store, branch)
    }
    const at = this.#commits.findIndex(({ hash }) => hash === this.#target)
    expect(at >= 0 || this.#target === undefined, 'the target was said').toBe(true)
    const before = this.#commits.slice(0, Math.max(0, at))
    const since = this.#commits.slice(Math.max(0, at))
    for (const commit of since) if (isSurelyKept(commit, since)) await verifyCommit(store, commit)
    // The target's own ancestors are the only ones that certainly lie below it.
    for (const { branch, hash } of before) {
      if (branch === 'main') expect(await store.getCommit(hash as Hash<'commit'>), hash).toBeUndefined()
    }
    const heads = new Set(Object.values(refs).map(({ commit }) => commit))
    this.#commits = [...before.filter(({ hash }) => heads.has(hash)), ...since]
  }

  /** At what was said last, or at the one after it, which was done and not yet said. */
  async #verifyHead(store: Store, branch: string): Promise<void> {
    const last = this.#commits.findLast((one) => one.branch === branch)
    const head = await store.branch(branch).head()
    if (head === undefined || head.hash === last?.hash) return expect(head?.hash).toBe(last?.hash)
    expect(head.parents).toEqual([last?.hash])
    const { hash, treeHash, message } = head
    this.#commits.push({ branch, hash, treeHash, ...changeOf(message) })
  }
}

/**
 * Commits on the target's own branch, and those on others that were asked for after the target was said: the
 * one before them on their branch was said after it too.
 */
function isSurelyKept({ branch, hash }: SpokenCommit, since: readonly SpokenCommit[]): boolean {
  return branch === 'main' || since.find((one) => one.branch === branch)?.hash !== hash
}

async function verifyCommit(store: Store, { hash, treeHash, key, value }: SpokenCommit): Promise<void> {
  const commit = await store.getCommit(hash as Hash<'commit'>)
  expect(commit?.treeHash, `${hash} was said to be durable`).toBe(treeHash)
  const content = await commit?.tree().get(key)
  expect(Buffer.from(content ?? []).toString()).toBe(contentOf(value))
}

group.concurrent(`kill -9 in the middle of collections, seed ${seed}`, (test) => {
  test.for([1, 2])('store %i: the old generation or the new one, whole', async (which) => {
    const folder = await mkdtemp(join(tmpdir(), 'varve-kill-'))
    try {
      const course = new Course(join(folder, 'store'), seed + which)
      await course.lay()
      for (let round = 0; round < roundsPerStore; round++) {
        await course.round(round).catch((cause: unknown) => {
          throw new Error(`round ${round} of store ${which}, VARVE_SEED=${seed}`, { cause })
        })
      }
      expect(course.outcomes.before).toBeGreaterThan(0)
      expect(course.outcomes.after).toBeGreaterThan(0)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
