import { VarveError } from '@varve/pack/errors'
import { entryMode, TreeWriter, treeShape } from '@varve/pack/objects'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Entry, Hash, Range, Tree, TreeEdit } from '../api/index.ts'
import { finishSteps, writeTree } from './index.ts'
import { emptyTree, StoredTree } from './stored-tree.ts'
import { MemoryStorage } from './testing/memory-storage.ts'

function store(source: Tree | TreeEdit, storage: MemoryStorage): StoredTree {
  const root = finishSteps(writeTree(source, storage, storage))
  return new StoredTree({ storage, root, epoch: storage.epoch() })
}

function treeOf(
  paths: Iterable<string | readonly (string | Uint8Array)[]>,
  storage: MemoryStorage,
): StoredTree {
  const edit = emptyTree(storage).edit()
  for (const path of paths) edit.set(path, `content of ${String(path)}`)
  return store(edit, storage)
}

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8')

describe('reading', () => {
  it('gives undefined for what is absent, also below a blob', async () => {
    const tree = treeOf(['a/b'], new MemoryStorage())
    for (const path of ['x', 'a/x', 'a/b/c', 'a/b/c/d', 'x/y']) {
      expect(await tree.get(path)).toBeUndefined()
      expect(tree.getSync(path)).toBeUndefined()
      expect(await tree.has(path)).toBe(false)
      expect(await tree.stat(path)).toBeUndefined()
      expect(await tree.getTree(path === 'a/b/c' ? 'q' : path)).toBeUndefined()
    }
    expect(await tree.getMany(['a/b', 'x', ['a', 'b']])).toEqual([
      tree.getSync('a/b'),
      undefined,
      tree.getSync('a/b'),
    ])
    expect(await tree.entries('x').toArray()).toEqual([])
    expect(await tree.count('x')).toBe(0)
  })

  it('tells blobs from directories', async () => {
    const tree = treeOf(['a/b'], new MemoryStorage())
    await expect(tree.get('a')).rejects.toMatchObject({ code: 'IS_A_TREE', details: { path: 'a' } })
    expect(() => tree.getSync('')).toThrow(expect.objectContaining({ code: 'IS_A_TREE' }))
    await expect(tree.getMany(['a/b', 'a'])).rejects.toMatchObject({ code: 'IS_A_TREE' })
    await expect(tree.getTree('a/b')).rejects.toMatchObject({ code: 'NOT_A_TREE' })
    await expect(tree.count('a/b')).rejects.toMatchObject({ code: 'NOT_A_TREE' })
    await expect(tree.entries('a/b').next()).rejects.toMatchObject({ code: 'NOT_A_TREE' })
    await expect(tree.get('a//b')).rejects.toMatchObject({ code: 'INVALID_PATH' })
  })

  it('describes entries, and the tree itself', async () => {
    const storage = new MemoryStorage()
    const name = new Uint8Array([0x61, 0xe4])
    const tree = treeOf([['d', name], 'd/z'], storage)
    const [first, second] = tree.entriesSync('d')
    expect(first).toMatchObject({ kind: 'blob', name: 'a\ufffd', path: ['d', 'a\ufffd'], mode: 'file' })
    expect([...(first?.nameBytes ?? [])]).toEqual([0x61, 0xe4])
    expect(Buffer.isBuffer(first?.nameBytes)).toBe(false)
    expect(second).toMatchObject({ name: 'z', size: 14 })
    expect(tree.statSync(['d', name])).toEqual(first)
    expect(tree.statSync('d')).toMatchObject({ kind: 'tree', name: 'd', count: 2 })
    expect(tree.statSync('')).toMatchObject({
      kind: 'tree',
      name: '',
      path: [],
      hash: await tree.hash(),
      count: 1,
    })
    expect(tree.getTreeSync('')).toBe(tree)
    expect(await tree.getTreeSync('d')?.hash()).toBe(tree.statSync('d')?.hash)
    expect(JSON.parse(JSON.stringify(tree.statSync('d')))).toMatchObject({ kind: 'tree' })
  })

  it('keeps names apart that look or behave alike elsewhere', async () => {
    const names = ['__proto__', 'constructor', '10', '9', '\u00e9', 'e\u0301', 'É', ' ', '\\', 'a\nb']
    const tree = treeOf(names, new MemoryStorage())
    const listed = [...tree.entriesSync()].map((entry) => entry.name)
    const byBytes = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect(listed).toEqual(byBytes)
    for (const name of names) expect(text(tree.getSync(name))).toBe(`content of ${name}`)
  })

  it('stops at an aborted signal', async () => {
    const tree = treeOf(['a/b'], new MemoryStorage())
    const signal = AbortSignal.abort(new Error('enough'))
    const isAborted = (e: unknown): boolean => VarveError.is(e, 'ABORTED') && e.name === 'AbortError'
    await expect(tree.get('a/b', { signal })).rejects.toSatisfy(isAborted)
    await expect(tree.has('a/b', { signal })).rejects.toSatisfy(isAborted)
    await expect(tree.getMany(['a/b'], { signal })).rejects.toSatisfy(isAborted)
    await expect(tree.entries('', { signal }).toArray()).rejects.toSatisfy(isAborted)
    await expect(tree.diff(tree, { signal }).toArray()).rejects.toSatisfy(isAborted)
    await expect(tree.edit().get('a/b', { signal })).rejects.toSatisfy(isAborted)
  })

  it('waits for large blobs and reads them at once when asked to', async () => {
    const storage = new MemoryStorage()
    const content = new Uint8Array(300_000).map((_, at) => at * 7)
    const edit = emptyTree(storage).edit().set('large', content)
    const isContent = (bytes: Uint8Array | undefined): boolean =>
      Buffer.compare(content, bytes ?? content.slice(1)) === 0
    expect(isContent(edit.getSync('large'))).toBe(true)
    const tree = store(edit, storage)
    expect(isContent(tree.getSync('large'))).toBe(true)
    expect(isContent(await tree.get('large'))).toBe(true)
    expect((await tree.getMany(['large'])).map(isContent)).toEqual([true])
    expect((await tree.values().toArray()).map(([name, value]) => [name, isContent(value)])).toEqual([
      ['large', true],
    ])
  })

  it('tells a node that breaks the codec as corruption', () => {
    const storage = new MemoryStorage()
    const body = Buffer.alloc(24, 0xee)
    const broken = storage.putNode('b'.repeat(32), body, 0, 24, 0, undefined)
    const target = { mode: entryMode.directory, size: 0, count: 1, ...broken }
    const root = new TreeWriter(storage, storage, treeShape).apply(undefined, [{ name: 'd', target }])
    const tree = new StoredTree({ storage, root, epoch: storage.epoch() })
    const isCorrupt = expect.objectContaining({
      code: 'CORRUPT',
      details: { file: 'memory', offset: broken.offset },
    })
    expect(() => tree.getSync('d/x')).toThrow(isCorrupt)
    expect(() =>
      finishSteps(writeTree(tree.edit().set('d/x', '1', { replace: true }), storage, storage)),
    ).toThrow(isCorrupt)
  })
})

describe('ranges', () => {
  const alphabet = fc.constantFrom('a', 'b', 'ab', 'a-', 'a0', 'é', 'z')
  const paths = fc.array(fc.array(alphabet, { minLength: 1, maxLength: 3 }), { maxLength: 60 })
  const bound = fc.option(
    fc.oneof(
      fc.array(alphabet, { minLength: 1, maxLength: 3 }).map((names) => names.join('/')),
      fc.constantFrom('', 'a/', '/', 'a', '~', 'a/b/'),
    ),
    { nil: undefined },
  )
  const range = fc.record({
    gt: bound,
    gte: bound,
    lt: bound,
    lte: bound,
    prefix: bound,
    limit: fc.option(fc.nat(9), { nil: undefined }),
    reverse: fc.boolean(),
    recursive: fc.boolean(),
  })

  /** What the range is said to be: whole paths, compared name by name. */
  function naive(
    all: readonly Entry[],
    { gt, gte, lt, lte, prefix, limit, reverse, recursive }: Range,
  ): Entry[] {
    const compare = (path: readonly string[], bound: string): number => {
      const names = recursive === true ? bound.split('/') : [bound]
      for (let at = 0; at < Math.min(path.length, names.length); at++) {
        const order = Buffer.compare(Buffer.from(path[at] as string), Buffer.from(names[at] as string))
        if (order !== 0) return order
      }
      return path.length - names.length
    }
    const kept = all
      .filter(({ path }) => recursive === true || path.length === 1)
      .filter(({ path }) => gt === undefined || compare(path, gt) > 0)
      .filter(({ path }) => gte === undefined || compare(path, gte) >= 0)
      .filter(({ path }) => lt === undefined || compare(path, lt) < 0)
      .filter(({ path }) => lte === undefined || compare(path, lte) <= 0)
      .filter(({ path }) => path.join('/').startsWith(prefix ?? ''))
    return (reverse === true ? kept.toReversed() : kept).slice(0, limit)
  }

  it('give what a filter over everything gives', async () => {
    await fc.assert(
      fc.asyncProperty(paths, range, async (list, range) => {
        const storage = new MemoryStorage()
        const edit = emptyTree(storage).edit()
        for (const path of list) edit.set(path, path.join(), { replace: true })
        const tree = await edit.tree()
        const all = [...tree.entriesSync('', { recursive: true })]
        const expected = naive(all, range)
        expect([...tree.entriesSync('', range)]).toEqual(expected)
        expect(await store(tree, storage).entries('', range).toArray()).toEqual(expected)
        const values = await tree.values('', { ...range, limit: undefined }).toArray()
        const blobs = naive(all, { ...range, limit: undefined }).filter(({ kind }) => kind === 'blob')
        expect(values.map(([name]) => name)).toEqual(blobs.map(({ path }) => path.join('/')))
      }),
      { numRuns: 400 },
    )
  })

  it('go on after the last path of a page', async () => {
    const tree = treeOf(
      Array.from({ length: 500 }, (_, at) => `d${at % 11}/${at % 5}/${at}`),
      new MemoryStorage(),
    )
    const all = await tree.entries('', { recursive: true }).toArray()
    const paged: Entry[] = []
    for (;;) {
      const last = paged.at(-1)?.path.join('/')
      const page = [...tree.entriesSync('', { recursive: true, gt: last, limit: 37 })]
      if (page.length === 0) break
      paged.push(...page)
    }
    expect(paged).toEqual(all)
  })

  it('start below a path, and give paths from the top', async () => {
    const tree = treeOf(['a/b/c', 'a/b/d/e', 'a/f'], new MemoryStorage())
    const listed = await tree.entries('a/b', { recursive: true, gte: 'd' }).toArray()
    expect(listed.map(({ path }) => path.join('/'))).toEqual(['a/b/d', 'a/b/d/e'])
    expect((await tree.values('a/b', { recursive: true }).toArray()).map(([name]) => name)).toEqual([
      'c',
      'd/e',
    ])
  })

  it('refuse a limit that is no count', () => {
    const tree = treeOf(['a'], new MemoryStorage())
    expect(() => [...tree.entriesSync('', { limit: -1 })]).toThrow(
      expect.objectContaining({ code: 'OPTION_MISMATCH', details: { option: 'limit' } }),
    )
    expect([...tree.entriesSync('', { limit: 0 })]).toEqual([])
  })
})

describe('a directory of a million entries', () => {
  const storage = new MemoryStorage()
  const names = Array.from({ length: 1_000_000 }, (_, at) => `entry-${(at * 7_654_321) % 1_000_000}`)
  const sorted = names.toSorted()
  let tree: StoredTree

  beforeAll(() => {
    const edit = emptyTree(storage).edit()
    for (const name of names) edit.set(['big', name], name)
    tree = store(edit, storage)
  }, 60_000)

  const reads = <T>(call: () => T): { readonly result: T; readonly nodes: number } => {
    storage.nodesRead = 0
    const result = call()
    return { result, nodes: storage.nodesRead }
  }

  it('costs what is touched', async () => {
    const count = reads(() => tree.statSync('big'))
    expect(count.result).toMatchObject({ count: 1_000_000 })
    expect(count.nodes).toBeLessThan(5)
    const got = reads(() => tree.getSync('big/entry-500000'))
    expect(text(got.result)).toBe('entry-500000')
    expect(got.nodes).toBeLessThan(14)
    const page = reads(() => [...tree.entriesSync('big', { gt: sorted[765_431] as string, limit: 100 })])
    expect(page.result.map(({ name }) => name)).toEqual(sorted.slice(765_432, 765_532))
    expect(page.nodes).toBeLessThan(80)
    const last = reads(() => [...tree.entriesSync('big', { reverse: true, limit: 3 })])
    expect(last.result.map(({ name }) => name)).toEqual(sorted.slice(-3).toReversed())
    expect(last.nodes).toBeLessThan(40)
  })

  it('writes and compares a few small nodes for a change', async () => {
    storage.nodesRead = 0
    const before = storage.nodesWritten
    const changed = store(
      tree.edit().set('big/entry-500000', 'new').delete('big/entry-7').set('big/z', ''),
      storage,
    )
    expect(storage.nodesWritten - before).toBeLessThan(25)
    expect(storage.nodesRead).toBeLessThan(120)
    storage.nodesRead = 0
    const changes = await tree.diff(changed).toArray()
    expect(changes.map(({ type, path }) => `${type} ${path.join('/')}`)).toEqual([
      'changed big/entry-500000',
      'removed big/entry-7',
      'added big/z',
    ])
    expect(storage.nodesRead).toBeLessThan(80)
  })
})

describe('diff', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'a-', 'ä')
  const path = fc.array(name, { minLength: 1, maxLength: 3 })
  const write = fc.record({
    path,
    value: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }),
    mode: fc.constantFrom('file', 'executable', 'symlink'),
    isEmptyTree: fc.boolean(),
  })

  function apply(edit: TreeEdit, writes: readonly ReturnType<typeof writeOf>[], empty: Tree): TreeEdit {
    for (const { path, value, mode, isEmptyTree } of writes) {
      if (value !== undefined) edit.set(path, value, { mode: mode as 'file', replace: true })
      else if (isEmptyTree && edit.statSync(path)?.kind !== 'blob' && !isBelowBlob(edit, path))
        edit.setTree(path, empty)
      else edit.delete(path)
    }
    return edit
  }
  const writeOf = (w: {
    path: string[]
    value: string | undefined
    mode: string
    isEmptyTree: boolean
  }): typeof w => w
  const isBelowBlob = (edit: TreeEdit, path: readonly string[]): boolean =>
    path.some((_, at) => edit.statSync(path.slice(0, at))?.kind === 'blob')

  function leavesOf(tree: Tree): Map<string, Entry> {
    const leaves = [...tree.entriesSync('', { recursive: true })].filter(
      (entry) => entry.kind === 'blob' || entry.count === 0,
    )
    return new Map(leaves.map((entry) => [entry.path.join('/'), entry]))
  }

  it('tells blobs and empty directories that differ, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 30 }),
        fc.array(write, { maxLength: 12 }),
        path,
        async (first, second, at) => {
          const storage = new MemoryStorage()
          const empty = emptyTree(storage)
          const older = store(apply(empty.edit(), first, empty), storage)
          const newer = await apply(older.edit(), second, empty).tree()
          const [before, after] = [leavesOf(older), leavesOf(newer)]
          const paths = [...new Set([...before.keys(), ...after.keys()])]
          const expected = paths.flatMap((path): object[] => {
            const [b, a] = [before.get(path), after.get(path)]
            if (b === undefined && a !== undefined) return [{ type: 'added', path: a.path, after: a }]
            if (a === undefined && b !== undefined) return [{ type: 'removed', path: b.path, before: b }]
            const isSame = JSON.stringify(b) === JSON.stringify(a)
            return isSame ? [] : [{ type: 'changed', path: a?.path, before: b, after: a }]
          })
          const key = (change: { path?: readonly string[] | undefined }): string =>
            JSON.stringify(change.path)
          const byPath = (a: object, b: object): number => (key(a) < key(b) ? -1 : 1)
          const changes = await older.diff(newer).toArray()
          expect(changes.toSorted(byPath)).toEqual(expected.toSorted(byPath))
          const within = changes.filter(({ path }) => at.every((name, depth) => path[depth] === name))
          expect(await older.diff(newer, { path: at }).toArray()).toEqual(within)
          expect(await newer.diff(newer).toArray()).toEqual([])
          expect((await newer.diff(older).toArray()).length).toBe(changes.length)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('takes a commit by its tree', async () => {
    const storage = new MemoryStorage()
    const tree = treeOf(['a'], storage)
    const commit = { tree: () => tree, hash: '' as Hash<'commit'> }
    const changes = await emptyTree(storage)
      .diff(commit as never)
      .toArray()
    expect(changes).toMatchObject([{ type: 'added', path: ['a'] }])
  })
})
