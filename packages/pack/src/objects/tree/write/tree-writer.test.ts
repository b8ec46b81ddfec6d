import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../testing/index.ts'
import type { RawName } from '../../names/raw-name.ts'
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
import { EntryView } from '../entry.ts'
import { lookup } from '../lookup.ts'
import { validateNode } from '../node/validate-node.ts'
import { TreeWriter } from './tree-writer.ts'

describe.each(testShapes)('leafMax $leafMax, bits $bits', (shape) => {
  test('the same entries give the same bytes, whatever the order and size of the edits', () => {
    fc.assert(
      fc.property(fc.array(edits, { maxLength: 8 }), (batches) => {
        const store = new MemoryNodeStore()
        const writer = new TreeWriter(store, store, shape)
        const model: DirectoryModel = new Map()
        let batched = writer.apply(undefined, [])
        let single = batched
        for (const batch of batches) {
          const changes = new Map(
            batch.map(([name, text]) => [name, text === undefined ? undefined : blobTarget(store, text)]),
          )
          batched = writer.apply(batched, changesOf(changes))
          for (const [name, target] of changes) {
            single = writer.apply(single, [{ name, target }])
            if (target === undefined) model.delete(name)
            else model.set(name, target)
          }
          expect(writer.count).toBe(model.size)
          expect(batched.hash).toBe(single.hash)
          expect(batched.hash).toBe(buildDirectory(store, shape, model).hash)
        }
        const view = new EntryView()
        for (const [name, target] of model) {
          expect(lookup(store, batched, name, view)).toBe(true)
          expect(view.target()).toEqual(target)
        }
      }),
      { numRuns: 150 },
    )
  })

  test('a change without effect gives the same ref', () => {
    fc.assert(
      fc.property(edits, (batch) => {
        const store = new MemoryNodeStore()
        const writer = new TreeWriter(store, store, shape)
        const model = modelOf(store, batch)
        const root = buildDirectory(store, shape, model)
        const absent = batch.map(([name]) => `${name}absent`).filter((name) => !model.has(name))
        const changes = new Map([...model, ...absent.map((name): [RawName, undefined] => [name, undefined])])
        expect(writer.apply(root, changesOf(changes))).toBe(root)
        expect(writer.count).toBe(model.size)
        expect(writer.bytes).toBe([...model.values()].reduce((sum, { size }) => sum + size, 0))
      }),
    )
  })

  test('everything can be deleted at once, and is the empty tree again', () => {
    const store = new MemoryNodeStore()
    const random = new SeededRandom(7)
    const writer = new TreeWriter(store, store, shape)
    const model: DirectoryModel = new Map()
    for (let i = 0; i < 3_000; i++) model.set(random.bytes(4).toString('hex'), blobTarget(store, `${i}`))
    const root = buildDirectory(store, shape, model)
    const kept = [...model].filter((_, i) => i % 300 === 0)
    const deletions = [...model.keys()].map((name): [RawName, undefined] => [name, undefined])
    const few = writer.apply(root, changesOf(new Map([...deletions, ...kept])))
    expect(few.hash).toBe(buildDirectory(store, shape, new Map(kept)).hash)
    const empty = writer.apply(root, changesOf(deletions))
    expect(empty.hash).toBe(writer.apply(undefined, []).hash)
  })
})

test('byte totals stop at 2^53 - 1, and come back when what was too much goes', () => {
  const store = new MemoryNodeStore()
  const shape = { leafMax: 2, bits: 4 }
  const writer = new TreeWriter(store, store, shape)
  const huge = { ...blobTarget(store, 'huge'), size: Number.MAX_SAFE_INTEGER }
  const small = blobTarget(store, 'small')
  const model: DirectoryModel = new Map(['a', 'b', 'c', 'd', 'e'].map((name) => [name, small]))
  const root = buildDirectory(store, shape, model)
  const over = writer.apply(
    root,
    changesOf([
      ['a', huge],
      ['b', huge],
    ]),
  )
  expect(writer.bytes).toBe(Number.MAX_SAFE_INTEGER)
  for (const { body, referenceCount } of store.nodes()) {
    validateNode({ buf: body, start: 0, end: body.length, referenceCount }, shape)
  }
  expect(
    writer.apply(
      over,
      changesOf([
        ['a', small],
        ['b', small],
      ]),
    ).hash,
  ).toBe(root.hash)
  expect(writer.bytes).toBe(5 * small.size)
})
