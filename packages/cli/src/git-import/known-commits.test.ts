import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gitExtra } from '../git/index.ts'
import { type KnownCommit, knownCommit, knownHistory, proofOf, type StoredCommit } from './known-commits.ts'
import { iterate } from './testing/import-run.ts'

const COMMITS_MAX = 12
const tree = 'e'.repeat(64)

interface Row {
  readonly id: number
  readonly gitParents: readonly number[]
  /** Of the parents that Git has, the store lacks one. */
  readonly isCut: boolean
  readonly isOdd: boolean
}

const idOf = (n: number): string => n.toString(16).padStart(40, '5')

/** The same Git commit may have been imported twice: `row` tells the two apart. */
function stored({ id, gitParents, isCut, isOdd }: Row, row: number): StoredCommit {
  const held = isCut ? gitParents.slice(1) : gitParents
  return {
    hash: row.toString(16).padStart(64, '0'),
    treeHash: tree,
    parents: held.map((parent) => parent.toString(16).padStart(64, '1')),
    author: '',
    date: new Date(0),
    message: '',
    extra: {
      [gitExtra.id]: idOf(id),
      [gitExtra.proof]: proofOf(idOf(id), tree),
      ...(gitParents.length > 0 && { [gitExtra.parents]: gitParents.map(idOf).join(' ') }),
      ...(isOdd && { [gitExtra.tree]: idOf(0) }),
    },
  }
}

/** Each commit's parents have higher numbers; the last few are never listed themselves. */
const rows = fc
  .array(
    fc.record({
      id: fc.nat(COMMITS_MAX),
      gitParents: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
      isCut: fc.boolean(),
      isOdd: fc.boolean(),
    }),
    { maxLength: 2 * COMMITS_MAX },
  )
  .map((found): Row[] =>
    found
      .map((row) => ({
        ...row,
        gitParents: row.gitParents.map((step) => row.id + step),
        isCut: row.isCut && row.gitParents.length > 0,
      }))
      .sort((a, b) => a.id - b.id),
  )

test('knows what is there with all that it descends from, as sets do', async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (log) => {
      const known = await knownHistory(iterate(log.map(stored)), 20)
      const model = modelOf(log)
      const found = Array.from({ length: COMMITS_MAX + 5 }, (_, id) => knownCommit(known, idOf(id)))
      for (const [id, commit] of found.entries()) {
        const row = model.rows.get(id)
        const expected = row === undefined ? undefined : knownAs(log, row)
        expect(commit).toEqual(expected)
      }
      expect([...known.tips].sort()).toEqual([...model.tips].map(idOf).sort())
    }),
  )
})

test('leaves out what came from a repository of the other kind of ids, and bears odd parents', async () => {
  const id = '7'.repeat(40)
  const commit = stored({ id: 1, gitParents: [], isCut: false, isOdd: false }, 0)
  const strange: StoredCommit = {
    ...commit,
    parents: ['0'.repeat(64)],
    extra: {
      ...commit.extra,
      [gitExtra.id]: id,
      [gitExtra.proof]: proofOf(id, tree),
      [gitExtra.parents]: '?',
    },
  }
  expect((await knownHistory(iterate([strange]), 32)).end).toBe(0)
  expect((await knownHistory(iterate([strange]), 20)).tips).toEqual([id])
})

function knownAs(log: readonly Row[], row: number): KnownCommit {
  const { id, isOdd } = log[row]!
  return { id: idOf(id), hash: stored(log[row]!, row).hash, isOdd }
}

function modelOf(log: readonly Row[]): {
  readonly rows: ReadonlyMap<number, number>
  readonly tips: ReadonlySet<number>
} {
  const listed = new Set(log.map(({ id }) => id))
  const rowOf = new Map<number, number>()
  const tips = new Set<number>()
  for (const [row, { id, gitParents, isCut }] of [...log.entries()].reverse()) {
    if (isCut || gitParents.some((parent) => listed.has(parent) && !rowOf.has(parent))) continue
    rowOf.set(id, row)
    tips.add(id)
    for (const parent of gitParents) tips.delete(parent)
  }
  return { rows: rowOf, tips }
}
