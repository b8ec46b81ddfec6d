import fc from 'fast-check'
import { type RawName, toRawName } from '../names/raw-name.ts'
import type { NodeRef } from '../node-seam.ts'
import { type EntryTarget, entryMode, type ModeNumber, type TreeChange } from '../tree/entry.ts'
import { type TreeShape, treeShape } from '../tree/tree-shape.ts'
import { TreeWriter } from '../tree/write/tree-writer.ts'
import type { MemoryNodeStore } from './memory-node-store.ts'

/** A directory as a plain map. */
export type DirectoryModel = Map<RawName, EntryTarget>

/** Small ones, so that few entries make many nodes, and the one of the format. */
export const testShapes: readonly TreeShape[] = [
  { leafMax: 1, bits: 2 },
  { leafMax: 2, bits: 5 },
  { leafMax: 4, bits: 3 },
  treeShape,
]

/**
 * Names that share long prefixes, differ in their last bits, are prefixes of one another, or mean something
 * elsewhere.
 */
export const awkwardNames: fc.Arbitrary<RawName> = fc.oneof(
  fc.stringMatching(/^[a-c]{1,4}$/),
  fc.nat(40).map((n) => 'a'.repeat(n + 1)),
  fc
    .tuple(fc.constantFrom('', 'x'.repeat(300), `${'x'.repeat(299)}y`), fc.integer({ min: 1, max: 255 }))
    .map(([prefix, byte]) => prefix + String.fromCharCode(byte === 47 ? 48 : byte))
    .filter((name) => name !== '.'),
  fc.constantFrom('__proto__', 'constructor', '10', '9', toRawName('é'), toRawName('e\u0301'), '\xe9'),
)

export const contents: fc.Arbitrary<string> = fc.nat(5).map((n) => 'content '.repeat(n * n * n * 30))

/** Some writes and deletions. */
export const edits: fc.Arbitrary<[RawName, string | undefined][]> = fc.array(
  fc.tuple(awkwardNames, fc.option(contents, { nil: undefined })),
  { maxLength: 80 },
)

export function blobTarget(
  store: MemoryNodeStore,
  text: string,
  mode: ModeNumber = entryMode.file,
): EntryTarget {
  return { mode, count: 0, ...store.putBlob(Buffer.from(text)), draft: undefined }
}

/** Changes in the order in which the writer wants them. */
export function changesOf(entries: Iterable<readonly [RawName, EntryTarget | undefined]>): TreeChange[] {
  const changes = Array.from(entries, ([name, target]) => ({ name, target }))
  return changes.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The directory made in one go from nothing. */
export function buildDirectory(store: MemoryNodeStore, shape: TreeShape, model: DirectoryModel): NodeRef {
  return new TreeWriter(store, store, shape).apply(undefined, changesOf(model))
}

/** A model of written names only. */
export function modelOf(
  store: MemoryNodeStore,
  writes: Iterable<readonly [RawName, string | undefined]>,
): DirectoryModel {
  const model: DirectoryModel = new Map()
  for (const [name, text] of writes) if (text !== undefined) model.set(name, blobTarget(store, text))
  return model
}
