import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryNodeStore } from '../testing/memory-node-store.ts'
import {
  awkwardNames,
  blobTarget,
  buildDirectory,
  type DirectoryModel,
  edits,
  modelOf,
  testShapes,
} from '../testing/tree-model.ts'
import type { TreeEntry } from './entry.ts'
import { countInRange, directoryTotals } from './name-range.ts'
import { type CursorOptions, TreeCursor } from './tree-cursor.ts'
import { treeShape } from './tree-shape.ts'

const bound = fc.option(awkwardNames, { nil: undefined })
const options = fc.record({
  gt: bound,
  gte: bound,
  lt: bound,
  lte: bound,
  prefix: fc.option(fc.constantFrom('', 'a', 'aa', 'x'.repeat(300), '\xff', '\xff\xff', 'b'), {
    nil: undefined,
  }),
  reverse: fc.boolean(),
  limit: fc.option(fc.nat(20), { nil: undefined }),
  skip: fc.option(fc.nat(20), { nil: undefined }),
})

function walked(cursor: TreeCursor): TreeEntry[] {
  const entries: TreeEntry[] = []
  while (cursor.next()) entries.push({ name: cursor.name(), ...cursor.entry.target() })
  return entries
}

/** What a sorted array gives. */
function expected(model: DirectoryModel, o: CursorOptions): TreeEntry[] {
  const names = [...model.keys()].sort((a, b) => (a < b ? -1 : 1))
  const inside = names.filter(
    (name) =>
      (o.gt === undefined || name > o.gt) &&
      (o.gte === undefined || name >= o.gte) &&
      (o.lt === undefined || name < o.lt) &&
      (o.lte === undefined || name <= o.lte) &&
      (o.prefix === undefined || name.startsWith(o.prefix)),
  )
  if (o.reverse === true) inside.reverse()
  const skip = o.skip ?? 0
  const chosen = inside.slice(skip, skip + (o.limit ?? inside.length))
  return chosen.map((name) => ({ name, ...model.get(name)! }))
}

describe.each(testShapes)('leafMax $leafMax, bits $bits', (shape) => {
  test('a cursor walks as over a sorted array, and counts are its lengths', () => {
    fc.assert(
      fc.property(edits, fc.array(options, { minLength: 1, maxLength: 10 }), (writes, ranges) => {
        const store = new MemoryNodeStore()
        const model = modelOf(store, writes)
        const root = buildDirectory(store, shape, model)
        for (const range of ranges) {
          expect(walked(new TreeCursor(store, root, range))).toEqual(expected(model, range))
          const { limit, skip, ...names } = range
          expect(countInRange(store, root, names)).toBe(expected(model, names).length)
        }
        expect(directoryTotals(store, root).count).toBe(model.size)
      }),
      { numRuns: 150 },
    )
  })
})

test('the thousandth page of a large directory costs a few reads', () => {
  const store = new MemoryNodeStore()
  const target = blobTarget(store, 'same')
  const model: DirectoryModel = new Map()
  for (let i = 0; i < 50_000; i++) model.set(`entry-${String(i).padStart(6, '0')}`, target)
  const root = buildDirectory(store, treeShape, model)
  store.readCount = 0
  const cursor = new TreeCursor(store, root, { skip: 49_950, limit: 10 })
  expect(cursor.left).toBe(10)
  expect(walked(cursor).map(({ name }) => name)).toEqual(
    Array.from({ length: 10 }, (_, i) => `entry-${String(49_950 + i).padStart(6, '0')}`),
  )
  expect(store.readCount).toBeLessThan(20)
})
