import { SeededRandom } from '@varve/pack/testing'
import { describe, expect, test } from 'vitest'
import type { StoredCommit } from '../reader/index.ts'
import { ancestorOffsets, isAncestor, mergeBases, type WalkSteps } from './ancestry.ts'

/** A history in memory; parents by index, which need not be lower. */
class History {
  readonly commits: StoredCommit[]
  readonly #held: Map<string, StoredCommit>

  constructor(parents: readonly (readonly number[])[]) {
    this.commits = parents.map((own, at) => commitAt(at, own))
    this.#held = new Map(this.commits.map((commit) => [commit.hash, commit]))
  }

  readonly lookup = (hash: string): StoredCommit | undefined => this.#held.get(hash)

  /** The store no longer holds it. */
  drop(at: number): void {
    this.#held.delete(hashAt(at))
  }

  commit(at: number): StoredCommit {
    return this.commits[at] as StoredCommit
  }

  /** Every index below or at `at`, straight from the definition. */
  below(at: number): Set<number> {
    const seen = new Set<number>([at])
    for (const one of seen) {
      for (const hash of this.commit(one).parents) if (this.lookup(hash) !== undefined) seen.add(Number(hash))
    }
    return seen
  }
}

function hashAt(at: number): string {
  return `${at}`.padStart(32, '0')
}

function commitAt(at: number, parents: readonly number[]): StoredCommit {
  const tree = { hash: '', offset: 0 }
  const words = { author: '', date: 0, message: '', extra: {} }
  return { hash: hashAt(at), offset: 8 * (at + 1), epoch: 0, tree, parents: parents.map(hashAt), ...words }
}

function finish<T>(steps: WalkSteps<T>): { readonly value: T; readonly slices: number } {
  for (let slices = 0; ; slices++) {
    const step = steps.next()
    if (step.done === true) return { value: step.value, slices }
  }
}

function indexes(commits: readonly StoredCommit[]): number[] {
  return commits.map(({ hash }) => Number(hash))
}

function randomHistory(seed: number): History {
  const random = new SeededRandom(seed)
  const size = 2 + random.below(30)
  const parents = Array.from({ length: size }, (_, at) => {
    const count = at === 0 ? 0 : random.below(4)
    return [...new Set(Array.from({ length: count }, () => random.below(at)))]
  })
  const history = new History(parents)
  for (let at = 0; at < size - 2; at++) if (random.chance(0.1)) history.drop(at)
  return history
}

describe('walks over histories', () => {
  test.each(Array.from({ length: 200 }, (_, at) => at))(
    'are what their definitions say (seed %i)',
    (seed) => {
      const history = randomHistory(seed)
      const random = new SeededRandom(seed + 1_000)
      const last = history.commits.length - 1
      const [a, b] = [last - random.below(2), last - random.below(2)]
      const [belowA, belowB] = [history.below(a), history.below(b)]
      const reached = finish(ancestorOffsets(history.lookup, [history.commit(a)])).value
      expect(reached).toEqual(new Set([...belowA].map((at) => 8 * (at + 1))))
      for (let at = 0; at <= last; at++) {
        const found = finish(isAncestor(history.lookup, history.commit(at), history.commit(a))).value
        expect(found).toBe(belowA.has(at))
      }
      const common = [...belowA].filter((at) => belowB.has(at))
      const isBest = (at: number): boolean =>
        common.every((other) => other === at || !history.below(other).has(at))
      const best = common.filter(isBest).sort((x, y) => y - x)
      expect(indexes(finish(mergeBases(history.lookup, history.commit(a), history.commit(b))).value)).toEqual(
        best,
      )
    },
  )

  test('a criss-cross merge has two bases', () => {
    const history = new History([[], [0], [0], [1, 2], [2, 1]])
    expect(indexes(finish(mergeBases(history.lookup, history.commit(3), history.commit(4))).value)).toEqual([
      2, 1,
    ])
  })

  test('a parent that was put again lies above its child', () => {
    const history = new History([[2], [0], []])
    expect(finish(isAncestor(history.lookup, history.commit(2), history.commit(1))).value).toBe(true)
    expect(indexes(finish(mergeBases(history.lookup, history.commit(0), history.commit(1))).value)).toEqual([
      0,
    ])
  })

  test('a long history is walked in slices', () => {
    const history = new History(Array.from({ length: 10_000 }, (_, at) => (at === 0 ? [] : [at - 1])))
    const outcome = finish(isAncestor(history.lookup, history.commit(0), history.commit(9_999)))
    expect(outcome.value).toBe(true)
    expect(outcome.slices).toBeGreaterThan(15)
  })
})
