import { VarveError } from '@varve/pack/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Hash, Tree, TreeEdit } from '../../api/index.ts'
import { emptyTree, StoredTree } from '../stored-tree.ts'
import { MemoryStorage } from '../testing/memory-storage.ts'
import { copyOf, type ModelDirectory, outcomeOf, TreeModel } from '../testing/tree-model.ts'
import { finishSteps } from './steps.ts'
import { writeTree } from './write-tree.ts'

function store(source: Tree | TreeEdit, storage: MemoryStorage): StoredTree {
  const root = finishSteps(writeTree(source, storage, storage))
  return new StoredTree({ storage, root, epoch: storage.epoch() })
}

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8')

/** Compares everything that can be asked of a tree or an edit with the model. */
async function expectSame(real: Tree | TreeEdit, model: TreeModel): Promise<void> {
  const listed = await real.entries('', { recursive: true }).toArray()
  expect(listed.map(({ path }) => path.join('/'))).toEqual(model.paths())
  expect([...real.entriesSync('', { recursive: true })]).toEqual(listed)
  for (const entry of listed) {
    const expected = model.get(entry.path)
    expect(real.hasSync(entry.path)).toBe(true)
    expect(real.statSync(entry.path)).toEqual(entry)
    if (entry.kind === 'blob') {
      expect(text(real.getSync(entry.path))).toBe(expected)
      expect(entry.size).toBe(Buffer.byteLength(expected as string))
    } else {
      expect(entry.count).toBe((expected as ModelDirectory).size)
      expect(await real.count(entry.path)).toBe(entry.count)
      expect(() => real.getSync(entry.path)).toThrow(expect.objectContaining({ code: 'IS_A_TREE' }))
    }
  }
  const blobs = [...model.leaves()].filter(([, value]) => value !== undefined)
  const values = await real.values('', { recursive: true }).toArray()
  expect(values.map(([name, value]) => [name, text(value)])).toEqual(blobs)
  expect((await real.getMany(blobs.map(([path]) => path))).map(text)).toEqual(blobs.map(([, value]) => value))
}

/** The hash of the model's content, put together in another order. */
async function hashOf(model: TreeModel): Promise<Hash<'tree'>> {
  const storage = new MemoryStorage()
  const edit = emptyTree(storage).edit()
  for (const [path, value] of [...model.leaves()].reverse()) {
    if (value === undefined) edit.setTree(path, emptyTree(storage))
    else edit.set(path, value)
  }
  return (await edit.tree()).hash()
}

type Step =
  | { readonly kind: 'set'; readonly path: string[]; readonly value: string; readonly replace: boolean }
  | { readonly kind: 'many'; readonly path: string[]; readonly count: number; readonly value: string }
  | { readonly kind: 'delete'; readonly path: string[] }
  | { readonly kind: 'deleteMany'; readonly path: string[]; readonly from: number; readonly count: number }
  | { readonly kind: 'copy'; readonly from: string[]; readonly to: string[] }
  | { readonly kind: 'empty'; readonly path: string[] }
  | { readonly kind: 'draft' | 'store' | 'restart' | 'collect' | 'look' }

const name = fc.constantFrom('a', 'b', 'a-b', '__proto__', '10', '9', '\u00e9', 'e\u0301', 'k07')
const path = fc.array(name, { minLength: 1, maxLength: 4 })
const value = fc.constantFrom('', 'x', 'y', 'a longer value', '__proto__')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('set'), path, value, replace: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('many'), path, count: fc.nat(120), value }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('delete'), path }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('deleteMany'), path, from: fc.nat(60), count: fc.nat(120) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('copy'), from: path, to: path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('empty'), path }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('draft', 'store', 'restart', 'collect', 'look') }),
  },
) as fc.Arbitrary<Step>

const numbered = (path: string[], at: number): string[] => [...path, `k${String(at).padStart(2, '0')}`]

/** An edit beside its model, with the store that it is committed to now and then. */
class Pair {
  readonly storage = new MemoryStorage()
  readonly model = new TreeModel()
  head: Tree = emptyTree(this.storage)
  edit: TreeEdit = this.head.edit()

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'set':
        return this.both(
          (edit) => edit.set(step.path, step.value, { replace: step.replace }),
          (model) => model.set(step.path, step.value, step.replace),
        )
      case 'many':
        for (let at = 0; at < step.count; at++) {
          this.both(
            (edit) => edit.set(numbered(step.path, at), step.value),
            (model) => model.set(numbered(step.path, at), step.value, false),
          )
        }
        return
      case 'delete':
        return this.both(
          (edit) => edit.delete(step.path),
          (model) => model.delete(step.path),
        )
      case 'deleteMany':
        for (let at = step.from; at < step.from + step.count; at++) {
          this.edit.delete(numbered(step.path, at))
          this.model.delete(numbered(step.path, at))
        }
        return
      case 'copy':
        return this.copy(step.from, step.to)
      case 'empty':
        return this.both(
          (edit) => edit.setTree(step.path, emptyTree(this.storage)),
          (model) => model.setTree(step.path, new Map()),
        )
      default:
        return this.settle(step.kind)
    }
  }

  both(real: (edit: TreeEdit) => unknown, modelled: (model: TreeModel) => unknown): void {
    expect(outcomeOf(() => real(this.edit))).toBe(outcomeOf(() => modelled(this.model)))
  }

  copy(from: string[], to: string[]): void {
    const source = this.model.get(from)
    if (typeof source !== 'object') return
    const copied = copyOf(source)
    this.both(
      (edit) => edit.setTree(to, edit.getTreeSync(from) as Tree),
      (model) => model.setTree(to, copied),
    )
  }

  async settle(kind: 'draft' | 'store' | 'restart' | 'collect' | 'look'): Promise<void> {
    if (kind === 'draft') this.head = await this.edit.tree()
    if (kind === 'store') this.head = store(this.edit, this.storage)
    if (kind === 'look') await expectSame(this.edit, this.model)
    if (kind === 'draft' || kind === 'store') expect(await this.head.hash()).toBe(await hashOf(this.model))
    if (kind === 'restart') this.edit = (await this.edit.tree()).edit()
    if (kind === 'collect') {
      // The edit stands on a stored tree, and goes on over the collection of all else.
      const kept = store(this.edit, this.storage)
      this.edit = kept.edit()
      this.edit.set('kept', 'x')
      this.model.set(['kept'], 'x', false)
      await this.edit.tree()
      this.storage.collect([finishSteps(writeTree(kept, this.storage, this.storage))])
    }
  }
}

describe('OverlayEdit', () => {
  it('does what nested maps do, whatever is committed, drafted, and collected on the way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const pair = new Pair()
        for (const step of steps) await pair.take(step)
        await expectSame(pair.edit, pair.model)
        const drafted = await pair.edit.tree()
        await expectSame(drafted, pair.model)
        const stored = store(pair.edit, pair.storage)
        await expectSame(stored, pair.model)
        await expectSame(store(drafted, pair.storage), pair.model)
        const hash = await hashOf(pair.model)
        expect(await drafted.hash()).toBe(hash)
        expect(await stored.hash()).toBe(hash)
      }),
      { numRuns: 150 },
    )
  })

  it('gives back the tree it started from when nothing has changed', async () => {
    const storage = new MemoryStorage()
    const tree = store(emptyTree(storage).edit().set('a/b', '1').set('c', '2'), storage)
    const written = storage.nodesWritten
    const edit = tree.edit().set('a/b', '9').set('d/e', '1').set('a/b', '1').delete('d')
    expect(await edit.tree()).toBe(tree)
    expect(await tree.set('c', '2')).toBe(tree)
    expect(await tree.delete('x/y/z')).toBe(tree)
    expect(await tree.edit().tree()).toBe(tree)
    expect(await store(edit, storage).hash()).toBe(await tree.hash())
    expect(storage.nodesWritten).toBe(written)
  })

  it('keeps a failed write from leaving anything behind', async () => {
    const storage = new MemoryStorage()
    const edit = emptyTree(storage).edit().set('blob', '1').set('dir/x', '2')
    expect(() => edit.set('blob/a/b', '3')).toThrow(expect.objectContaining({ code: 'NOT_A_TREE' }))
    expect(() => edit.set('dir', '3')).toThrow(expect.objectContaining({ code: 'IS_A_TREE' }))
    expect(() => edit.set('', '3')).toThrow(expect.objectContaining({ code: 'IS_A_TREE' }))
    expect(() => edit.set('n/..', '3')).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }))
    expect(() => edit.set('n/m', 7 as never)).toThrow('text or a Uint8Array')
    expect(() => edit.set('n/m', 'x', { mode: 'directory' as never })).toThrow('the option mode')
    const gone = '0'.repeat(64)
    expect(() => edit.setBlob('n/m', gone as Hash<'blob'>)).toThrow(
      expect.objectContaining({ code: 'COLLECTED', details: { hash: gone } }),
    )
    expect(() => edit.setTree('n/m', gone as Hash<'tree'>)).toThrow(
      expect.objectContaining({ code: 'COLLECTED' }),
    )
    expect([...edit.entriesSync('', { recursive: true })].map(({ path }) => path.join('/'))).toEqual([
      'blob',
      'dir',
      'dir/x',
    ])
  })

  it('takes blobs and trees that the store holds, with their modes', async () => {
    const storage = new MemoryStorage()
    const first = store(emptyTree(storage).edit().set('run', '#!', { mode: 'executable' }), storage)
    const run = first.statSync('run')
    const edit = emptyTree(storage).edit()
    edit.setBlob('deep/link', run?.hash as Hash<'blob'>, { mode: 'symlink' })
    edit.setTree('old', await first.hash()).setTree('older/one', first)
    const tree = store(edit, storage)
    expect(tree.statSync('deep/link')).toMatchObject({
      kind: 'blob',
      mode: 'symlink',
      size: 2,
      hash: run?.hash,
    })
    expect(tree.statSync('old/run')).toMatchObject({ mode: 'executable' })
    expect(tree.statSync('older/one')).toMatchObject({
      kind: 'tree',
      hash: await first.hash(),
      count: 1,
      bytes: 2,
    })
    expect(text(tree.getSync('older/one/run'))).toBe('#!')
    expect(await (await tree.setTree('', first)).hash()).toBe(await first.hash())
  })

  it('copies content at once', async () => {
    const storage = new MemoryStorage()
    const content = new Uint8Array([1, 2, 3])
    const edit = emptyTree(storage).edit().set('a', content)
    content[0] = 9
    const read = edit.getSync('a')
    expect(read).toEqual(new Uint8Array([1, 2, 3]))
    expect(Buffer.isBuffer(read)).toBe(false)
    read?.fill(7)
    expect(edit.getSync('a')).toEqual(new Uint8Array([1, 2, 3]))
  })

  it('starts over when a collection comes between two slices of a write', async () => {
    const storage = new MemoryStorage()
    const base = store(emptyTree(storage).edit().set('base/x', '1'), storage)
    const edit = base.edit()
    for (let at = 0; at < 10_000; at++) edit.set(`n${at % 7}/${at}`, String(at))
    const steps = writeTree(edit, storage, storage)
    let turns = 0
    let root: { hash: string } | undefined
    for (let step = steps.next(); root === undefined; step = steps.next()) {
      if (step.done === true) root = step.value
      else if (++turns === 3) storage.collect([finishSteps(writeTree(base, storage, storage))])
    }
    expect(turns).toBeGreaterThan(6)
    expect(root.hash).toBe(finishSteps(writeTree(edit, storage, storage)).hash)
    const read = new StoredTree({ storage, root: root as never, epoch: storage.epoch() })
    expect(text(read.getSync('n3/9999'))).toBe(text(edit.getSync('n3/9999')))
    expect((await read.entries('', { recursive: true }).toArray()).length).toBe(10_000 + 7 + 2)
  })

  it('refuses what a collection took away, and finds what was put again', async () => {
    const storage = new MemoryStorage()
    const lost = store(emptyTree(storage).edit().set('a/x', '1').set('b/y', '2'), storage)
    const blob = lost.statSync('a/x')?.hash as Hash<'blob'>
    const onLost = lost.edit().set('b/z', '3')
    const drafted = await onLost.tree()
    const grafted = emptyTree(storage).edit().setTree('old', lost)
    const blobbed = emptyTree(storage).edit().setBlob('old', blob)
    const kept = store(emptyTree(storage).edit().set('k', '0'), storage)
    storage.collect([finishSteps(writeTree(kept, storage, storage))])
    const isCollected = (e: unknown): boolean => VarveError.is(e, 'COLLECTED')
    for (const source of [onLost, drafted, grafted, blobbed, lost]) {
      expect(outcomeOf2(() => finishSteps(writeTree(source, storage, storage)), isCollected)).toBe('refused')
    }
    expect(outcomeOf2(() => lost.getSync('a/x'), isCollected)).toBe('refused')
    expect(outcomeOf2(() => onLost.getSync('a/x'), isCollected)).toBe('refused')
    await expect(lost.entries().toArray()).rejects.toSatisfy(isCollected)

    store(emptyTree(storage).edit().set('a/x', '1').set('b/y', '2'), storage)
    for (const source of [onLost, drafted, grafted, blobbed, lost]) {
      expect(outcomeOf2(() => finishSteps(writeTree(source, storage, storage)), isCollected)).toBe('done')
    }
    expect(text(store(onLost, storage).getSync('b/z'))).toBe('3')
  })

  it('writes large drafts in slices too', async () => {
    const storage = new MemoryStorage()
    const edit = emptyTree(storage).edit()
    for (let at = 0; at < 10_000; at++) edit.set(`d${at % 9}/${at}`, String(at))
    const drafted = await edit.tree()
    const further = drafted.edit().set('d1/new', 'x')
    for (const [source, leaves] of [[drafted, 10_000] as const, [further, 10_001] as const]) {
      const steps = writeTree(source, storage, storage)
      let turns = 0
      let step = steps.next()
      for (; step.done !== true; step = steps.next()) turns++
      expect(turns).toBeGreaterThan(3)
      const read = new StoredTree({ storage, root: step.value, epoch: storage.epoch() })
      expect([...read.entriesSync('', { recursive: true })]).toHaveLength(leaves + 9)
    }
  })

  it('is left alone while it is written, and usable after', () => {
    const storage = new MemoryStorage()
    const edit = emptyTree(storage).edit()
    for (let at = 0; at < 5000; at++) edit.set(`d/${at}`, 'x')
    const steps = writeTree(edit, storage, storage)
    steps.next()
    expect(() => edit.set('late', 'x')).toThrow('left alone')
    steps.return(undefined as never)
    edit.set('late', 'x')
    expect(store(edit, storage).hasSync('late')).toBe(true)
  })

  it('gives tree() what was there when it was called', async () => {
    const storage = new MemoryStorage()
    const edit = emptyTree(storage).edit()
    for (let at = 0; at < 9000; at++) edit.set(`d/${at}`, 'x')
    const early = edit.tree()
    edit.set('late', 'x')
    const [before, after] = [await early, await edit.tree()]
    expect([before.hasSync('late'), after.hasSync('late')]).toEqual([false, true])
    expect(await before.count('d')).toBe(9000)
  })

  it('knows since when a tree that came late is proved', async () => {
    const storage = new MemoryStorage()
    const base = store(emptyTree(storage).edit().set('base/x', '1').set('base/y', '2'), storage)
    const edit = base.edit()
    for (let at = 0; at < 9000; at++) edit.set(`d/${at}`, 'x')
    const pending = edit.tree()
    edit.delete('d')
    const root = store(emptyTree(storage).edit().set('other', '0'), storage)
    storage.collect([finishSteps(writeTree(root, storage, storage))])
    expect(() => edit.hasSync('base')).toThrow(expect.objectContaining({ code: 'COLLECTED' }))
    const late = await pending
    expect(() => finishSteps(writeTree(late, storage, storage))).toThrow(
      expect.objectContaining({ code: 'COLLECTED' }),
    )
  })

  it('walks trees thousands of directories deep', async () => {
    const storage = new MemoryStorage()
    const deep = Array.from({ length: 5000 }, (_, at) => `d${at % 3}`)
    const tree = store(
      emptyTree(storage)
        .edit()
        .set([...deep, 'leaf'], '1')
        .set('flat', '2'),
      storage,
    )
    expect(text(tree.getSync([...deep, 'leaf']))).toBe('1')
    const deleted = await tree.delete([...deep, 'leaf'])
    expect([...deleted.entriesSync('', { recursive: true })].map(({ name }) => name)).toEqual(['flat'])
    expect((await tree.diff(deleted).toArray()).map(({ type }) => type)).toEqual(['removed'])
  })
})

function outcomeOf2(call: () => unknown, isExpected: (error: unknown) => boolean): 'done' | 'refused' {
  try {
    call()
    return 'done'
  } catch (error) {
    if (isExpected(error)) return 'refused'
    throw error
  }
}
