import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { VarveError } from '@varve/pack/errors'
import { entryMode, hexToRaw } from '@varve/pack/objects'
import { afterEach, describe, expect, test } from 'vitest'
import { GitRepository, gitExtra, rebuildCommit } from '../git/index.ts'
import { TestRepository } from '../git/testing/test-repository.ts'
import { importHistory } from './import-history.ts'
import type { ImportOutcome } from './import-outcome.ts'
import { knownHistory, type StoredCommit } from './known-commits.ts'
import { MemorySink } from './testing/memory-sink.ts'

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
const open: TestRepository[] = []

function newRepository(format?: 'sha1' | 'sha256'): TestRepository {
  const repository = new TestRepository(format)
  open.push(repository)
  return repository
}

afterEach(() => {
  for (const repository of open.splice(0)) repository.remove()
})

interface Run {
  readonly sink?: MemorySink
  readonly missing?: 'refuse' | 'skip'
  readonly known?: readonly StoredCommit[]
}

async function importFrom(from: TestRepository, tips: readonly string[], run: Run = {}) {
  const sink = run.sink ?? new MemorySink()
  const repository = await GitRepository.open({ folder: from.folder, environment: process.env })
  const outcome = await importHistory(tips, {
    repository,
    sink,
    known: await knownHistory(iterate(run.known ?? [])),
    missing: run.missing ?? 'refuse',
    shallow: new Set(
      existsSync(repository.shallowFile)
        ? readFileSync(repository.shallowFile, 'utf8').trim().split('\n')
        : [],
    ),
    withoutParents: async (commits) => {
      const folder = mkdtempSync(join(from.folder, 'cut-'))
      writeFileSync(join(folder, 'shallow'), commits.map((id) => `${id}\n`).join(''))
      return { GIT_SHALLOW_FILE: join(folder, 'shallow') }
    },
  })
  return { sink, outcome }
}

async function* iterate<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

/** Git's id of a directory in the sink, computed from what the sink holds. */
function treeId(sink: MemorySink, hash: string, algorithm: 'sha1' | 'sha256' = 'sha1'): string {
  const parts = sink.entriesOf(hexToRaw(hash)).map((entry) => {
    const content = entry.mode === entryMode.directory ? undefined : sink.contentOf(entry.hash)
    const hex = Buffer.from(entry.hash, 'latin1').toString('hex')
    const id =
      entry.mode === entryMode.submodule
        ? content!.toString()
        : content === undefined
          ? treeId(sink, hex, algorithm)
          : objectId(algorithm, 'blob', content)
    const mode = ['100644', '100755', '120000', '160000', '40000'][entry.mode]
    const name = Buffer.from(entry.name, 'latin1')
    const key = entry.mode === entryMode.directory ? Buffer.concat([name, Buffer.from('/')]) : name
    return {
      key,
      bytes: Buffer.concat([Buffer.from(`${mode} `), name, Buffer.from([0]), Buffer.from(id, 'hex')]),
    }
  })
  parts.sort((a, b) => Buffer.compare(a.key, b.key))
  return objectId(algorithm, 'tree', Buffer.concat(parts.map((part) => part.bytes)))
}

function objectId(algorithm: string, type: string, content: Buffer): string {
  return createHash(algorithm).update(`${type} ${content.length}\0`).update(content).digest('hex')
}

/** Git's id of a commit, computed from what the sink holds. */
function commitId(sink: MemorySink, commit: StoredCommit, algorithm: 'sha1' | 'sha256' = 'sha1'): string {
  const tree = commit.extra[gitExtra.tree] ?? treeId(sink, commit.treeHash, algorithm)
  const fields = { ...commit, dateMs: commit.date.getTime() }
  return objectId(algorithm, 'commit', rebuildCommit({ ...fields, tree }))
}

function stored(sink: MemorySink, outcome: ImportOutcome, id: string): StoredCommit {
  const commit = sink.commits.get(outcome.commitHash(id) ?? '')
  if (commit === undefined) throw new Error(`${id} was not imported`)
  return commit
}

/** All commits of the sink, each before its parents. */
function log(sink: MemorySink): StoredCommit[] {
  return [...sink.commits.values()].reverse()
}

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

describe('objects that Git cannot supply', () => {
  function broken(): {
    from: TestRepository
    ids: Record<'root' | 'bad' | 'after' | 'blob' | 'tree', string>
  } {
    const from = newRepository()
    const fine = from.blob('fine')
    const blob = from.blob('lost')
    const root = from.commit(from.tree([['100644', 'a', fine]]), [], 'root\n')
    const tree = from.tree([['100644', 'x', blob]])
    const bad = from.commit(from.tree([['40000', 'd', from.tree([['40000', 'e', tree]])]]), [root], 'bad\n')
    const after = from.commit(from.tree([['100644', 'b', fine]]), [bad], 'after\n')
    return { from, ids: { root, bad, after, blob, tree } }
  }

  async function refusal(from: TestRepository, tip: string): Promise<unknown> {
    const failure = await importFrom(from, [tip]).catch((cause: unknown) => cause)
    expect(VarveError.is(failure, 'GIT_OBJECT_MISSING')).toBe(true)
    return VarveError.is(failure, 'GIT_OBJECT_MISSING') ? failure.details : undefined
  }

  test('a blob', async () => {
    const { from, ids } = broken()
    from.lose(ids.blob)
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.bad, path: 'd/e/x', id: ids.blob })
    const { sink, outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path: 'd/e/x', id: ids.blob }])
    expect(outcome.commitHash(ids.bad)).toBeUndefined()
    expect(outcome.cut).toEqual([ids.after])
    expect(stored(sink, outcome, ids.after).parents).toEqual([])
    expect(commitId(sink, stored(sink, outcome, ids.after))).toBe(ids.after)
  })

  test('a tree', async () => {
    const { from, ids } = broken()
    from.lose(ids.tree)
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.bad, path: 'd/e', id: ids.tree })
    const { outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path: 'd/e', id: ids.tree }])
  })

  test('a root tree', async () => {
    const { from, ids } = broken()
    const tree = from.git(['rev-parse', `${ids.bad}^{tree}`])
    from.lose(tree)
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.bad, path: '', id: tree })
    const { outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path: '', id: tree }])
  })

  test('a commit', async () => {
    const { from, ids } = broken()
    from.lose(ids.bad)
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.after, path: '', id: ids.bad })
    const { sink, outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.after, path: '', id: ids.bad }])
    expect(commitId(sink, stored(sink, outcome, ids.after))).toBe(ids.after)
    expect(sink.commits.size).toBe(1)
  })

  test('a commit that cannot be read at all', async () => {
    const { from, ids } = broken()
    writeFileSync(objectFile(from, ids.bad), 'no zlib stream at all')
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.after, path: '', id: ids.bad })
    const { sink, outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(commitId(sink, stored(sink, outcome, ids.after))).toBe(ids.after)
  })

  test('several at once, of all kinds', async () => {
    const { from, ids } = broken()
    const lost = from.blob('another lost one')
    const merged = from.commit(from.tree([['100644', 'z', lost]]), [ids.after], 'merged\n')
    const side = from.commit(from.tree([]), [ids.bad], 'side\n')
    const top = from.commit(from.tree([['100644', 'b', from.blob('fine')]]), [merged, side], 'top\n')
    from.lose(ids.bad)
    writeFileSync(objectFile(from, lost), 'junk')
    const { sink, outcome } = await importFrom(from, [top, ids.root], { missing: 'skip' })
    expect(outcome.leftOut.map(({ commit, id }) => `${commit} ${id}`).sort()).toEqual(
      [`${ids.after} ${ids.bad}`, `${side} ${ids.bad}`, `${merged} ${lost}`].sort(),
    )
    expect(stored(sink, outcome, top).parents).toEqual([outcome.commitHash(side)])
    for (const id of [top, side, ids.after, ids.root])
      expect(commitId(sink, stored(sink, outcome, id))).toBe(id)
  })

  test('the commit that a ref points to', async () => {
    const { from, ids } = broken()
    from.lose(ids.bad)
    expect(await refusal(from, ids.bad)).toEqual({ commit: ids.bad, path: '', id: ids.bad })
    const { sink, outcome } = await importFrom(from, [ids.bad, ids.root], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path: '', id: ids.bad }])
    expect(sink.commits.size).toBe(1)
  })

  test('a blob whose bytes are others', async () => {
    const { from, ids } = broken()
    damage(from, ids.blob, 'another content')
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.bad, path: 'd/e/x', id: ids.blob })
    const { outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path: 'd/e/x', id: ids.blob }])
  })

  test.each(['blob', 'tree'] as const)('a %s that cannot be read at all', async (which) => {
    const { from, ids } = broken()
    writeFileSync(objectFile(from, ids[which]), 'no zlib stream at all')
    const path = which === 'blob' ? 'd/e/x' : 'd/e'
    expect(await refusal(from, ids.after)).toEqual({ commit: ids.bad, path, id: ids[which] })
    const { outcome } = await importFrom(from, [ids.after], { missing: 'skip' })
    expect(outcome.leftOut).toEqual([{ commit: ids.bad, path, id: ids[which] }])
    expect(outcome.commitHash(ids.after)).toBeDefined()
  })

  test('an empty object file', async () => {
    const { from, ids } = broken()
    writeFileSync(objectFile(from, ids.blob), '')
    expect(await refusal(from, ids.after)).toMatchObject({ path: 'd/e/x', id: ids.blob })
  })
})

function objectFile(from: TestRepository, id: string): string {
  const file = join(from.folder, 'objects', id.slice(0, 2), id.slice(2))
  rmSync(file)
  return file
}

/** Gives the object the bytes of another one. */
function damage(from: TestRepository, id: string, content: string): void {
  const other = from.blob(content)
  const file = objectFile(from, id)
  writeFileSync(file, readObject(from, other))
}

function readObject(from: TestRepository, id: string): Buffer {
  return readFileSync(join(from.folder, 'objects', id.slice(0, 2), id.slice(2)))
}

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
    const known = await knownHistory(iterate([forged]))
    expect(known.commits.size).toBe(0)
    expect((await knownHistory(iterate([forged, mine]))).commits.get(one)?.hash).toBe(mine.hash)
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
