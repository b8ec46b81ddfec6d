/** Which commits a copy and a bundle hold, of any history, against a walk that is plain to see. */
import type { Commit, Store } from '@varve/store'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bundled, taken } from '../support/bundled.ts'
import { readCommit } from '../support/read-whole.ts'
import { SecondStore } from '../support/second-store.ts'
import { withStore } from '../support/temp-store.ts'

/** For each commit, how far before it its parents are; at most three. */
const historyOf = fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }), {
  minLength: 1,
  maxLength: 24,
})
const some = fc.array(fc.nat(), { minLength: 1, maxLength: 4 })

interface History {
  readonly commits: readonly Commit[]
  /** Indexes of the parents, by index. */
  readonly parents: readonly (readonly number[])[]
}

async function layOut(store: Store, steps: readonly (readonly number[])[]): Promise<History> {
  const commits: Commit[] = []
  const parents: number[][] = []
  for (const [n, back] of steps.entries()) {
    const of = back.map((distance) => n - distance).filter((at) => at >= 0)
    const tree = commits[of[0] ?? -1]?.tree() ?? store.emptyTree()
    commits.push(
      await store.commit({
        tree: await tree.set(`f${n % 4}`, `${n}`),
        ...{ parents: of.map((at) => commits[at]!.hash), message: `${n}`, date: n, author: 'a' },
      }),
    )
    parents.push(of)
    if (n % 9 === 8) await store.advanced.split()
  }
  return { commits, parents }
}

/** Indexes within so many steps from the tips. */
function reached({ parents }: History, tips: readonly number[], depth: number): Set<number> {
  const found = new Set<number>()
  let level = [...tips]
  for (let left = depth; left > 0 && level.length > 0; left--) {
    for (const at of level) found.add(at)
    level = [...new Set(level.flatMap((at) => parents[at] as number[]))]
  }
  return found
}

async function held(store: Store, { commits }: History): Promise<Set<number>> {
  const found = new Set<number>()
  for (const [at, { hash }] of commits.entries()) {
    if ((await readCommit(store, hash)) !== undefined) found.add(at)
  }
  return found
}

test('a copy holds the commits within its depth, each with its whole tree', async () => {
  await fc.assert(
    fc.asyncProperty(
      historyOf,
      some,
      fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
      async (steps, given, depth) =>
        withStore({}, async (temp) => {
          const history = await layOut(temp.store, steps)
          const tips = given.map((at) => at % steps.length)
          const second = new SecondStore(temp)
          const commits = tips.map((at) => history.commits[at]!.hash)
          await temp.store.copyTo(second.folder, { commits, depth })
          await second.open()
          const expected = reached(history, tips, depth ?? Number.POSITIVE_INFINITY)
          expect(await held(second.store, history)).toEqual(expected)
          expect(second.store.stats().objects.commit).toBe(expected.size)
          await second.check()
        }),
    ),
    { numRuns: 25 },
  )
})

test('a bundle holds what its tips reach and the others do not, and comes over where these are', async () => {
  await fc.assert(
    fc.asyncProperty(historyOf, some, fc.array(fc.nat(), { maxLength: 3 }), async (steps, given, left) =>
      withStore({}, async (temp) => {
        const history = await layOut(temp.store, steps)
        const hashes = (of: readonly number[]): string[] =>
          of.map((at) => history.commits[at % steps.length]!.hash)
        const whole = Number.POSITIVE_INFINITY
        const tips = given.map((at) => at % steps.length)
        const out = reached(
          history,
          left.map((at) => at % steps.length),
          whole,
        )
        const all = reached(history, tips, whole)
        const bundle = await bundled(temp.store, { revisions: hashes(tips), not: hashes(left) })
        expect(bundle.commits).toBe([...all].filter((at) => !out.has(at)).length)
        const second = new SecondStore(temp)
        await second.open({ create: 'must' })
        if (left.length > 0) {
          await taken(second.store, (await bundled(temp.store, { revisions: hashes(left) })).bytes)
        }
        await taken(second.store, bundle.bytes)
        expect(await held(second.store, history)).toEqual(new Set([...all, ...out]))
        const again = await bundled(second.store, { revisions: hashes(tips), not: hashes(left) })
        expect(again.bytes.equals(bundle.bytes)).toBe(true)
        await second.check()
      }),
    ),
    { numRuns: 25 },
  )
})
