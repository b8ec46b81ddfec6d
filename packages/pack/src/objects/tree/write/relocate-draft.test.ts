import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DraftNode } from '../../body-view.ts'
import type { NodeRef } from '../../node-seam.ts'
import { indexKind } from '../../record-kind.ts'
import { MemoryNodeStore } from '../../testing/memory-node-store.ts'
import { buildDirectory, changesOf, edits, testShapes } from '../../testing/tree-model.ts'
import { type EntryTarget, entryMode } from '../entry.ts'
import { TreeCursor } from '../tree-cursor.ts'
import { treeShape } from '../tree-shape.ts'
import { DraftSink } from './draft-sink.ts'
import { type Relocate, relocateDraft } from './relocate-draft.ts'
import { storeDraft } from './store-draft.ts'
import { TreeWriter } from './tree-writer.ts'

test.each(testShapes)(
  'drafts over one store move to another that holds their base (leafMax $leafMax)',
  (shape) => {
    fc.assert(
      fc.property(edits, edits, (base, batch) => {
        const [home, other] = [new MemoryNodeStore(), new MemoryNodeStore()]
        other.putBlob(Buffer.from('moves everything after it'))
        const [first] = [home, other].map((store) => {
          const put = (text: string): EntryTarget => ({
            mode: entryMode.file,
            count: 0,
            ...store.putBlob(Buffer.from(text)),
          })
          const below = buildDirectory(store, shape, new Map([['f', put('below')]]))
          const directory: EntryTarget = { mode: entryMode.directory, size: 5, count: 1, ...below }
          const model = new Map<string, EntryTarget>([['a directory', directory]])
          for (const [name, text] of base) if (text !== undefined) model.set(name, put(text))
          return buildDirectory(store, shape, model)
        })
        const drafts = new DraftSink()
        const put = (text: string | undefined): EntryTarget | undefined =>
          text === undefined
            ? undefined
            : { mode: entryMode.file, count: 0, ...drafts.putBlob(Buffer.from(text)) }
        const changes = changesOf(new Map(batch.map(([name, text]) => [name, put(text)])))
        const draft = new TreeWriter(home, drafts, shape).apply(first, changes)
        if (draft.draft === undefined) return
        const moved = relocateDraft(draft.draft, toStore(other))
        expect(moved.hash).toBe(draft.hash)
        const stored = storeDraft(other, { ...draft, draft: moved })
        expect(stored.hash).toBe(draft.hash)
        expect(namesOf(other, stored)).toEqual(namesOf(home, draft))
      }),
      { numRuns: 60 },
    )
  },
)

test('where nothing moves, the draft stays the same; where nothing is, the failure comes through', () => {
  const store = new MemoryNodeStore()
  const drafts = new DraftSink()
  const put = (sink: MemoryNodeStore | DraftSink, text: string): EntryTarget => ({
    mode: entryMode.file,
    count: 0,
    ...sink.putBlob(Buffer.from(text)),
  })
  const changes = changesOf([
    ['stored', put(store, 'stored')],
    ['new', put(drafts, 'new')],
  ])
  const { draft } = new TreeWriter(store, drafts, treeShape).apply(undefined, changes)
  const gone = new Error('gone')
  expect(relocateDraft(draft as DraftNode, (_kind, _hash, offset) => offset)).toBe(draft)
  expect(() =>
    relocateDraft(draft as DraftNode, () => {
      throw gone
    }),
  ).toThrow(gone)
})

test('a chain of drafts deeper than the call stack moves', () => {
  const [home, other] = [new MemoryNodeStore(), new MemoryNodeStore()]
  other.putBlob(Buffer.from('moves everything after it'))
  for (const store of [home, other]) store.putBlob(Buffer.from('content'))
  const writer = new TreeWriter(home, new DraftSink(), treeShape)
  const target = { mode: entryMode.file, count: 0, ...home.putBlob(Buffer.from('content')) }
  let ref: NodeRef = writer.apply(undefined, [{ name: 'f', target }])
  for (let i = 0; i < 20_000; i++) {
    const directory = { mode: entryMode.directory, size: 7, count: 1, ...ref }
    ref = writer.apply(undefined, [{ name: 'd', target: directory }])
  }
  const moved = relocateDraft(ref.draft as DraftNode, toStore(other))
  expect(storeDraft(other, { ...ref, draft: moved }).hash).toBe(ref.hash)
})

function toStore(store: MemoryNodeStore): Relocate {
  return (kind, hash) => store.offsetOf(kind === indexKind.tree ? 'node' : 'blob', hash)
}

function namesOf(store: MemoryNodeStore, root: NodeRef): [string, string][] {
  const cursor = new TreeCursor(store, root)
  const found: [string, string][] = []
  while (cursor.next()) found.push([cursor.name(), cursor.entry.hash])
  return found
}
