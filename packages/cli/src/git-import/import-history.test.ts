import { hexToRaw } from '@varve/pack/objects'
import { afterEach, test as anyTest, describe, expect } from 'vitest'
import { gitExtra } from '../git/index.ts'
import { gitInstalled } from '../git/testing/git-installed.ts'
import type { TestRepository } from '../git/testing/test-repository.ts'
import { knownCommit, knownHistory } from './known-commits.ts'
import {
  commitId,
  importFrom,
  iterate,
  log,
  newRepository,
  removeRepositories,
  stored,
  treeId,
} from './testing/import-run.ts'

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

const test = anyTest.skipIf(!gitInstalled('the import of histories is'))

afterEach(removeRepositories)

/** A root, a branch of it, and their merge; a file, an executable, a link, a submodule, an empty tree. */
function smallHistory(from: TestRepository): { root: string; left: string; right: string; merge: string } {
  const inner = from.tree([['100644', 'f', from.blob('inner')]])
  const rootTree = from.tree([
    ['100644', 'a.b', from.blob('one')],
    ['40000', 'a', inner],
    ['40000', 'empty', from.tree([])],
    ['120000', 'link', from.blob('a/f')],
    ['100755', 'run', from.blob('#!')],
    ['160000', 'sub', '1'.repeat(from.tree([]).length)],
  ])
  const root = from.commit(rootTree, [], 'root\n')
  const leftTree = from.tree([
    ['40000', 'a', inner],
    ['40000', 'b', inner],
  ])
  const left = from.commit(leftTree, [root], 'left\n')
  const right = from.commit(rootTree, [root], 'right\n')
  const deep = from.tree([
    [
      '40000',
      'c',
      from.tree([
        ['40000', 'b', inner],
        ['40000', 'd', inner],
      ]),
    ],
  ])
  return { root, left, right, merge: from.commit(deep, [left, right], 'merge\n') }
}

describe('a history', () => {
  test.each(['sha1', 'sha256'] as const)(
    'comes over whole, and every id can be computed again (%s)',
    async (format) => {
      const from = newRepository(format)
      const { root, left, right, merge } = smallHistory(from)
      const { sink, outcome } = await importFrom(from, [merge])
      expect(outcome).toMatchObject({
        counts: { commits: 4, trees: 6, blobs: 4 },
        leftOut: [],
        odd: [],
        cut: [],
      })
      for (const id of [root, left, right, merge]) {
        const commit = stored(sink, outcome, id)
        expect(treeId(sink, commit.treeHash, format)).toBe(from.git(['rev-parse', `${id}^{tree}`]))
        expect(commitId(sink, commit, format)).toBe(id)
      }
      const hash = (id: string) => outcome.commitHash(id)
      expect(stored(sink, outcome, merge).parents).toEqual([hash(left), hash(right)])
    },
  )

  test('an empty root tree', async () => {
    const from = newRepository()
    const only = from.commit(from.tree([]))
    const { sink, outcome } = await importFrom(from, [only])
    expect(commitId(sink, stored(sink, outcome, only))).toBe(only)
    // Git knows the empty tree without having it.
    from.lose(EMPTY_TREE)
    expect((await importFrom(from, [only])).outcome.counts.commits).toBe(1)
  })

  test('a wrong clock does not put a commit before its parent', async () => {
    const from = newRepository()
    const dated = (parents: readonly string[], seconds: number): string => {
      const lines = [`tree ${from.tree([])}`, ...parents.map((id) => `parent ${id}`)]
      const who = `A <a> ${seconds} +0000`
      return from.object('commit', `${lines.join('\n')}\nauthor ${who}\ncommitter ${who}\n\nx\n`)
    }
    const root = dated([], 5_000)
    const middle = dated([root], 1)
    const side = dated([root], 9_000)
    const top = dated([middle, side], 2)
    const { sink, outcome } = await importFrom(from, [top, middle, side])
    expect(outcome.counts.commits).toBe(4)
    expect(stored(sink, outcome, middle).parents).toEqual([outcome.commitHash(root)])
  })

  test('a large blob is streamed', async () => {
    const from = newRepository()
    const content = Buffer.alloc(9_000_000, 'large ')
    const tip = from.commit(
      from.tree([
        ['100644', 'l', from.blob(content)],
        ['100644', 'm', from.blob('small')],
      ]),
    )
    const { sink, outcome } = await importFrom(from, [tip])
    expect(commitId(sink, stored(sink, outcome, tip))).toBe(tip)
    expect(outcome.counts.bytes).toBe(9_000_005)
  })
})

describe('trees that Git would not write today', () => {
  test('are imported, keep their id beside, and are told', async () => {
    const from = newRepository()
    const f = from.blob('f')
    const legacy = from.commit(from.tree([['40000', 'd', from.tree([['100664', 'x', f]])]]), [], 'legacy\n')
    const twice = from.commit(
      from.tree([
        ['100644', 'a', f],
        ['100644', 'a', from.blob('g')],
      ]),
      [legacy],
      'twice\n',
    )
    const plain = from.commit(from.tree([['100644', 'a', f]]), [twice], 'plain\n')
    const { sink, outcome } = await importFrom(from, [plain])
    expect(outcome.odd).toEqual([legacy, twice])
    expect(stored(sink, outcome, legacy).extra[gitExtra.tree]).toBe(
      from.git(['rev-parse', `${legacy}^{tree}`]),
    )
    expect(stored(sink, outcome, plain).extra).not.toHaveProperty(gitExtra.tree)
    for (const id of [legacy, twice, plain]) expect(commitId(sink, stored(sink, outcome, id))).toBe(id)
    const entries = sink.entriesOf(hexToRaw(stored(sink, outcome, twice).treeHash))
    expect(entries.map((entry) => `${entry.name} ${sink.contentOf(entry.hash)}`)).toEqual(['a f'])
  })

  test('names that are no names are written so that they are', async () => {
    const from = newRepository()
    const tree = from.tree([
      ['100644', '..', from.blob('up')],
      ['100644', 'x'.repeat(2_000), from.blob('long')],
    ])
    const { sink, outcome } = await importFrom(from, [from.commit(tree)])
    expect(outcome.odd).toHaveLength(1)
    const [commit] = sink.commits.values()
    const entries = sink.entriesOf(hexToRaw(commit!.treeHash))
    expect(entries.map((entry) => sink.contentOf(entry.hash).toString()).sort()).toEqual(['long', 'up'])
    expect(entries.every((entry) => entry.name.length < 1_024 && entry.name !== '..')).toBe(true)
  })
})

describe('a second import', () => {
  test('adds only what is new', async () => {
    const from = newRepository()
    const { merge } = smallHistory(from)
    const first = await importFrom(from, [merge])
    const before = first.sink.newCount
    const again = await importFrom(from, [merge], { sink: first.sink, known: log(first.sink) })
    expect(again.outcome.counts).toEqual({ commits: 0, trees: 0, blobs: 0, bytes: 0 })
    expect(first.sink.newCount).toBe(before)

    const inner = from.git(['rev-parse', `${merge}:c/d`])
    const tree = from.tree([
      ['40000', 'c', inner],
      ['100644', 'new', from.blob('new')],
    ])
    const next = from.commit(tree, [merge], 'next\n')
    const { sink, outcome } = await importFrom(from, [next], { sink: first.sink, known: log(first.sink) })
    expect(outcome.counts).toEqual({ commits: 1, trees: 1, blobs: 1, bytes: 3 })
    expect(commitId(sink, stored(sink, outcome, next))).toBe(next)
    expect(stored(sink, outcome, next).parents).toEqual([outcome.commitHash(merge)])
  })

  test('reads from Git what an older commit had', async () => {
    const from = newRepository()
    const old = from.tree([['100644', 'old', from.blob('old')]])
    const one = from.commit(from.tree([['40000', 'o', old]]), [], 'one\n')
    const two = from.commit(from.tree([['100644', 'other', from.blob('other')]]), [one], 'two\n')
    const { sink } = await importFrom(from, [two])
    const back = from.commit(from.tree([['40000', 'back', old]]), [two], 'back\n')
    const before = sink.newCount
    const { outcome } = await importFrom(from, [back], { sink, known: log(sink) })
    expect(commitId(sink, stored(sink, outcome, back))).toBe(back)
    // The new root directory and the commit.
    expect(sink.newCount - before).toBe(2)
  })

  test('is not misled by a copied extra', async () => {
    const from = newRepository()
    const one = from.commit(from.tree([['100644', 'a', from.blob('a')]]), [], 'one\n')
    const { sink, outcome } = await importFrom(from, [one])
    const mine = stored(sink, outcome, one)
    const forged = { ...mine, hash: 'f'.repeat(64), treeHash: 'e'.repeat(64) }
    const known = await knownHistory(iterate([forged]), 20)
    expect([known.end, known.tips]).toEqual([0, []])
    const both = await knownHistory(iterate([forged, mine]), 20)
    expect(knownCommit(both, one)).toEqual({ id: one, hash: mine.hash, isOdd: false })
    expect(both.tips).toEqual([one])
  })

  test('finds what was left out, once Git has it', async () => {
    const from = newRepository()
    const lost = from.blob('lost')
    const one = from.commit(from.tree([['100644', 'l', lost]]), [], 'one\n')
    const two = from.commit(from.tree([['100644', 'a', from.blob('a')]]), [one], 'two\n')
    from.lose(lost)
    const { sink } = await importFrom(from, [two], { missing: 'skip' })
    expect(sink.commits.size).toBe(1)
    from.blob('lost')
    const { outcome } = await importFrom(from, [two], { sink, known: log(sink) })
    expect(stored(sink, outcome, two).parents).toEqual([outcome.commitHash(one)])
    expect(outcome.cut).toEqual([])
  })

  test('of another repository into the same store', async () => {
    const one = newRepository()
    const { sink } = await importFrom(one, [smallHistory(one).merge])
    const other = newRepository()
    const tip = other.commit(other.tree([['100644', 'a', other.blob('elsewhere')]]), [], 'elsewhere\n')
    const { outcome } = await importFrom(other, [tip], { sink, known: log(sink) })
    expect(outcome.counts.commits).toBe(1)
  })
})

test('a shallow clone comes as it is: its oldest commits say what parents they had', async () => {
  const from = newRepository()
  const { merge, left, right } = smallHistory(from)
  from.ref('refs/heads/main', merge)
  const clone = newRepository()
  clone.git(['fetch', '--quiet', '--depth=2', `file://${from.folder}`, 'refs/heads/main:refs/heads/main'])
  const { sink, outcome } = await importFrom(clone, [merge])
  expect(outcome.counts.commits).toBe(3)
  expect([...outcome.cut].sort()).toEqual([left, right].sort())
  for (const id of [merge, left, right]) expect(commitId(sink, stored(sink, outcome, id))).toBe(id)
})
