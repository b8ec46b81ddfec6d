import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryNodeStore } from '../../testing/memory-node-store.ts'
import {
  blobTarget,
  buildDirectory,
  changesOf,
  type DirectoryModel,
  edits,
  modelOf,
  testShapes,
} from '../../testing/tree-model.ts'
import { type EntryTarget, entryMode } from '../entry.ts'
import { directoryTotals } from '../name-range.ts'
import { treeShape } from '../tree-shape.ts'
import { TreeWriter } from '../write/tree-writer.ts'
import { diffDirectories, type EntryDifference } from './diff-directories.ts'
import { diffTrees } from './diff-trees.ts'

/** Every name of both, compared. */
function naive(before: DirectoryModel, after: DirectoryModel): EntryDifference[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => (a < b ? -1 : 1))
  return names
    .map((name) => ({ name, before: before.get(name), after: after.get(name) }))
    .filter(
      ({ before: b, after: a }) =>
        b === undefined || a === undefined || b.hash !== a.hash || b.mode !== a.mode,
    )
}

describe.each(testShapes)('leafMax $leafMax, bits $bits', (shape) => {
  test('a diff is the naive diff, between related and unrelated directories', () => {
    fc.assert(
      fc.property(edits, edits, fc.boolean(), (first, second, isRelated) => {
        const store = new MemoryNodeStore()
        const before = modelOf(store, first)
        const after = modelOf(store, second)
        if (isRelated) for (const [name, target] of before) if (!after.has(name)) after.set(name, target)
        const a = buildDirectory(store, shape, before)
        const b = buildDirectory(store, shape, after)
        expect([...diffDirectories(store, a, b)]).toEqual(naive(before, after))
        expect([...diffDirectories(store, b, a)]).toEqual(naive(after, before))
        expect([...diffDirectories(store, undefined, b)]).toEqual(naive(new Map(), after))
        expect([...diffDirectories(store, a, undefined)]).toEqual(naive(before, new Map()))
      }),
      { numRuns: 200 },
    )
  })
})

test('a diff of two large directories reads what changed', () => {
  const store = new MemoryNodeStore()
  const target = blobTarget(store, 'same')
  const model: DirectoryModel = new Map()
  for (let i = 0; i < 50_000; i++) model.set(`entry-${i}`, target)
  const before = buildDirectory(store, treeShape, model)
  const changed = blobTarget(store, 'changed')
  const after = new TreeWriter(store, store, treeShape).apply(
    before,
    changesOf([
      ['entry-77', changed],
      ['entry-4000', undefined],
      ['z', target],
    ]),
  )
  store.readCount = 0
  expect([...diffDirectories(store, before, after)].map(({ name }) => name)).toEqual([
    'entry-4000',
    'entry-77',
    'z',
  ])
  expect(store.readCount).toBeLessThan(60)
})

describe('diffTrees', () => {
  const store = new MemoryNodeStore()
  const writer = new TreeWriter(store, store, treeShape)
  const directory = (entries: Record<string, EntryTarget>): EntryTarget => {
    const root = writer.apply(undefined, changesOf(Object.entries(entries)))
    const { count, bytes: size } = directoryTotals(store, root)
    return { mode: entryMode.directory, size, count, hash: root.hash, offset: root.offset, draft: undefined }
  }
  const shown = (before: EntryTarget, after: EntryTarget): string[] =>
    [...diffTrees(store, before as never, after as never)].map(
      ({ path, before: b, after: a }) =>
        (b === undefined ? '+' : a === undefined ? '-' : '!') + path.join('/'),
    )
  const one = blobTarget(store, 'one')
  const two = blobTarget(store, 'two')

  test('goes into directories that differ and reports what is in those that come and go', () => {
    const before = directory({
      a: one,
      dir: directory({ x: one, y: one, same: directory({ z: one }) }),
      gone: directory({ g: one }),
    })
    const after = directory({
      a: one,
      dir: directory({ x: two, w: one, same: directory({ z: one }) }),
      new: directory({ n: directory({ m: one }) }),
    })
    expect(shown(before, after)).toEqual(['+dir/w', '!dir/x', '-dir/y', '-gone/g', '+new/n/m'])
    expect(shown(after, before)).toEqual(['-dir/w', '!dir/x', '+dir/y', '+gone/g', '-new/n/m'])
  })

  test('a blob and a directory take turns under one name; an empty directory is itself a difference', () => {
    const before = directory({ p: one, q: directory({ r: one }), s: directory({}) })
    const after = directory({ p: directory({ x: one }), q: one, t: directory({}) })
    expect(shown(before, after)).toEqual(['-p', '+p/x', '+q', '-q/r', '-s', '+t'])
  })

  test('depth is no limit', () => {
    let before = directory({ leaf: one })
    let after = directory({ leaf: two })
    for (let i = 0; i < 5_000; i++) {
      before = directory({ d: before })
      after = directory({ d: after })
    }
    const differences = [...diffTrees(store, before as never, after as never)]
    expect(differences.map(({ path }) => path.length)).toEqual([5_001])
  })
})
