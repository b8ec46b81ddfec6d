import { loadXxh64 } from '@varve/pack/base'
import { indexKindOf, recordKind } from '@varve/pack/objects'
import { MemoryFileSystem, SeededRandom } from '@varve/pack/testing'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { CatchUpRound, CollectJob } from '../job/index.ts'
import { removeJobFiles } from '../job/index.ts'
import { newCollector, roundTo } from './testing/collect.ts'
import { readGeneration } from './testing/generation-contents.ts'
import { naiveKept } from './testing/naive-closure.ts'
import { type KnownRecord, objectList, SmallStore } from './testing/small-store.ts'

beforeAll(loadXxh64)

/** A store whose writer makes random but lawful moves: references go to objects that are there. */
class RandomWriter {
  readonly store: SmallStore
  readonly random: SeededRandom
  alive: Set<number> = new Set()
  carried: (readonly [number, number])[] = []
  lastTarget: KnownRecord | undefined

  constructor(store: SmallStore, random: SeededRandom) {
    this.store = store
    this.random = random
  }

  /** Objects that may be referred to. */
  objects(accepts: (kind: number) => boolean): KnownRecord[] {
    const isThere = (r: KnownRecord): boolean => r.offset >= this.store.retire || this.alive.has(r.offset)
    return [...this.store.records.values()].filter(
      (r) => indexKindOf(r.kind) !== undefined && accepts(r.kind) && isThere(r),
    )
  }

  pick(accepts: (kind: number) => boolean): KnownRecord | undefined {
    const all = this.objects(accepts)
    if (all.length === 0) return undefined
    // Mostly something new, as in life.
    const recent = this.random.chance(0.7) ? all.slice(-20) : all
    return this.random.pick(recent)
  }

  async write(moves: number): Promise<void> {
    for (let i = 0; i < moves; i++) await this.#move()
    await this.store.endBatch()
  }

  async #move(): Promise<void> {
    const { store, random } = this
    const bare = random.chance(0.15)
    const choice = random.below(20)
    if (choice < 6) {
      const size = random.chance(0.03) ? 150_000 + random.below(100_000) : random.below(300)
      store.blob(random.bytes(size), { bare })
    } else if (choice < 10) {
      const children = Array.from({ length: random.below(6) }, () => this.pick((k) => k <= 2)).filter(
        isSomething,
      )
      store.node(`n${store.next}`, children, { bare })
      if (random.chance(0.1)) store.nodeBelowItsBlob(`up ${store.next}`)
    } else if (choice < 13) {
      const tree = this.pick((k) => k === recordKind.node)
      if (tree === undefined) return
      const parents = Array.from({ length: random.below(3) }, () => this.pick((k) => k === recordKind.commit))
      const hashes = parents.filter(isSomething).map((p) => p.hash)
      if (random.chance(0.1)) hashes.push('?'.repeat(32))
      store.commit(`c${store.next}`, tree, hashes, { bare })
    } else if (choice < 15) {
      const commit = random.chance(0.2) ? undefined : this.pick((k) => k === recordKind.commit)
      store.setRef(`r${random.below(4)}`, commit)
    } else if (choice === 15) {
      const held = Array.from({ length: random.below(3) }, () => this.pick(() => true)).filter(isSomething)
      store.lease(`l${random.below(2)}`, held)
    } else if (choice === 16) {
      const object = this.pick(() => true)
      if (object !== undefined) store.touch(object)
    } else if (choice < 19) {
      await store.endBatch()
      store.time += random.below(50)
    } else if (random.chance(0.4)) {
      await store.seal({ index: random.chance(0.7) })
    }
  }

  /** A commit that is no older than the last target. */
  target(): KnownRecord | undefined {
    const oldest = this.lastTarget?.offset ?? 0
    const all = this.objects((k) => k === recordKind.commit).filter((r) => r.offset >= oldest)
    return all.length === 0 || this.random.chance(0.3) ? undefined : this.random.pick(all)
  }
}

function isSomething<T>(value: T | undefined): value is T {
  return value !== undefined
}

async function randomJob(writer: RandomWriter): Promise<CollectJob> {
  const { random, store } = writer
  const target = writer.target()
  if (target !== undefined) writer.lastTarget = target
  const picked = (): KnownRecord[] =>
    random.chance(0.5) ? [] : [writer.pick(() => true)].filter(isSomething)
  return store.job({
    targetRecord: target,
    keep: objectList(picked()),
    pins: Float64Array.from(picked(), (r) => r.offset),
    pinFrom: random.chance(0.2) ? writer.pick(() => true)?.offset : undefined,
    youngAfterMs: random.chance(0.5) ? Number.POSITIVE_INFINITY : store.time - random.below(200),
    // Marks have a sixteenth at least.
    memoryBytesMax: random.chance(0.5) ? 16 * random.below(3000) : undefined,
  })
}

interface RoundPins {
  readonly pins: number[]
  pinFrom: number | undefined
}

/** The scratch file may appear at any time; it goes with the collection. */
async function namesBesideScratch(store: SmallStore): Promise<string[]> {
  return (await store.fs.list(store.dir)).filter((name) => !name.startsWith('spill-'))
}

async function runRounds(
  writer: RandomWriter,
  job: CollectJob,
  catchUp: (r: CatchUpRound) => Promise<{ state: string }>,
): Promise<RoundPins> {
  const { random, store } = writer
  const known: RoundPins = { pins: [], pinFrom: undefined }
  let from = job.start
  for (let left = random.below(4); left > 0; left--) {
    await writer.write(random.below(25))
    const pins = random.chance(0.5) ? [] : [writer.pick(() => true)?.offset].filter(isSomething)
    const pinFrom = random.chance(0.1) ? writer.pick(() => true)?.offset : undefined
    const copiedBytesMax = random.chance(0.5) ? random.below(4_000) : 1 << 20
    const budget = { logBytesMax: 1 << 20, recordsMax: random.below(60), copiedBytesMax, ms: 10_000 }
    const round = roundTo(store, from, { pins: new Float64Array(pins), pinFrom })
    if (random.chance(0.5)) {
      const before = await namesBesideScratch(store)
      const { state } = await catchUp({ ...round, budget })
      if (state === 'over-budget') seen.overBudget++
      if (state === 'over-budget') expect(await namesBesideScratch(store)).toEqual(before)
      if (state === 'over-budget') expect((await catchUp(round)).state).toBe('done')
    } else {
      expect((await catchUp(round)).state).toBe('done')
    }
    known.pins.push(...pins)
    known.pinFrom = Math.min(known.pinFrom ?? Number.POSITIVE_INFINITY, pinFrom ?? Number.POSITIVE_INFINITY)
    from = round.to
  }
  return known
}

async function collectOnce(writer: RandomWriter): Promise<void> {
  const { store, random } = writer
  const job = await randomJob(writer)
  const collector = newCollector(store.fs, job)
  const names = await store.fs.list(store.dir)
  try {
    const summary = await collector.sweep()
    const atStart = naiveKept(store, { job, alive: writer.alive, carried: writer.carried })
    const objects = atStart.kept.filter((offset) => store.records.get(offset)?.kind !== recordKind.touch)
    expect(summary.objectsKept).toBeGreaterThanOrEqual(objects.length)
    const rounds = await runRounds(writer, job, (round) => collector.catchUp(round))
    if (random.chance(0.1)) {
      await collector.close()
      await removeJobFiles(store.fs, job)
      const sealed = (await store.fs.list(store.dir)).filter((name) => !name.startsWith('suffix-'))
      expect(sealed).toEqual(names.filter((name) => !name.startsWith('suffix-')))
      return
    }
    const result = await collector.finish()
    await collector.close()
    await removeJobFiles(store.fs, job, (kind) => kind === 'spill')
    const expected = naiveKept(store, { job, alive: writer.alive, carried: writer.carried, ...rounds })
    const generation = await readGeneration(store, result.segments)
    expect(generation.offsets).toEqual(expected.kept)
    expect(generation.touched).toEqual(expected.carried)
    expect(generation.healed).toEqual(expected.kept.filter((offset) => store.records.get(offset)?.isHealed))
    seen.collections++
    seen.healed += generation.healed.length
    if (result.stats.bytesSpilled > 0) seen.spilled++
    if (result.stats.passes > 1 + result.stats.rounds) seen.secondPasses++
    if (job.newRetire === job.previous.retire) seen.below++
    if (job.target === undefined) seen.targetless++
    await store.adopt(job, result)
    writer.alive = new Set(generation.offsets)
    writer.carried = expected.carried
  } finally {
    await collector.close()
  }
}

/** What the runs have met: a model test that never gets somewhere proves nothing about it. */
const seen = {
  collections: 0,
  healed: 0,
  spilled: 0,
  secondPasses: 0,
  below: 0,
  targetless: 0,
  overBudget: 0,
}

describe('a collection against the naive closure', () => {
  test('random stores, jobs, and rounds, one collection after another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (seed) => {
        const random = new SeededRandom(seed)
        const store = await SmallStore.create(new MemoryFileSystem())
        const writer = new RandomWriter(store, random)
        for (let generation = 0; generation < 3; generation++) {
          await writer.write(20 + random.below(120))
          await collectOnce(writer)
        }
      }),
      { numRuns: 100 },
    )
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(5)
  }, 120_000)
})
