import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NodeRef } from '../../node-seam.ts'
import { MemoryNodeStore } from '../../testing/memory-node-store.ts'
import { changesOf, edits, testShapes } from '../../testing/tree-model.ts'
import { diffDirectories } from '../diff/diff-directories.ts'
import { type EntryTarget, EntryView, entryMode } from '../entry.ts'
import { lookup } from '../lookup.ts'
import { validateNode } from '../node/validate-node.ts'
import { TreeCursor } from '../tree-cursor.ts'
import { treeShape } from '../tree-shape.ts'
import { DraftSink } from './draft-sink.ts'
import { storeDraft } from './store-draft.ts'
import { TreeWriter } from './tree-writer.ts'

test.each(testShapes)(
  'drafts over stored nodes become what direct writes make (leafMax $leafMax)',
  (shape) => {
    fc.assert(
      fc.property(edits, fc.array(edits, { minLength: 1, maxLength: 5 }), (base, batches) => {
        const store = new MemoryNodeStore()
        const drafts = new DraftSink()
        const direct = new TreeWriter(store, store, shape)
        const drafting = new TreeWriter(store, drafts, shape)
        const target = (
          sink: MemoryNodeStore | DraftSink,
          text: string | undefined,
        ): EntryTarget | undefined =>
          text === undefined
            ? undefined
            : { mode: entryMode.file, count: 0, ...sink.putBlob(Buffer.from(text)) }
        const changes = (sink: MemoryNodeStore | DraftSink, batch: typeof base) =>
          changesOf(new Map(batch.map(([name, text]) => [name, target(sink, text)])))
        let stored = direct.apply(undefined, changes(store, base))
        let draft: NodeRef = stored
        for (const batch of batches) {
          stored = direct.apply(stored, changes(store, batch))
          draft = drafting.apply(draft, changes(drafts, batch))
          expect(draft.hash).toBe(stored.hash)
          if (draft.draft !== undefined) validateNode(draft.draft, shape)
          const view = new EntryView()
          for (const [name] of batch)
            expect(lookup(store, draft, name, view)).toBe(lookup(store, stored, name, view))
          const [a, b] = [new TreeCursor(store, draft), new TreeCursor(store, stored)]
          while (a.next()) {
            expect(b.next()).toBe(true)
            expect([a.name(), a.entry.hash]).toEqual([b.name(), b.entry.hash])
          }
          expect(b.next()).toBe(false)
          expect([...diffDirectories(store, draft, stored)]).toEqual([])
        }
        const root = storeDraft(store, draft)
        expect(root).toEqual({ hash: stored.hash, offset: stored.offset })
      }),
      { numRuns: 60 },
    )
  },
)

test('a chain of drafts deeper than the call stack is stored', () => {
  const store = new MemoryNodeStore()
  const drafts = new DraftSink()
  const writer = new TreeWriter(store, drafts, treeShape)
  let ref: NodeRef = writer.apply(undefined, [])
  for (let i = 0; i < 20_000; i++) {
    const target = { mode: entryMode.directory, size: 0, count: 1, ...ref }
    ref = writer.apply(undefined, [{ name: 'd', target }])
  }
  const stored = storeDraft(store, ref)
  expect(stored.hash).toBe(ref.hash)
  expect(stored.offset).toBeGreaterThan(0)
  expect(store.writtenCount).toBe(20_001)
})
