import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../testing/index.ts'
import type { RawName } from '../../names/raw-name.ts'
import type { NodeRef, NodeSink } from '../../node-seam.ts'
import { readHash } from '../../raw-hash.ts'
import { MemoryNodeStore } from '../../testing/memory-node-store.ts'
import { blobTarget, changesOf } from '../../testing/tree-model.ts'
import { EntryView, type TreeChange } from '../entry.ts'
import { lookup } from '../lookup.ts'
import { readOffset } from '../node/field.ts'
import { innerHashStart } from '../node/inner.ts'
import { leafForm } from '../node/leaf.ts'
import { validateNode } from '../node/validate-node.ts'
import { TreeCursor } from '../tree-cursor.ts'
import { treeShape } from '../tree-shape.ts'
import { TreeWriter } from './tree-writer.ts'

/** Sizes and depth of all nodes below a root, each of them validated. */
function survey(
  store: MemoryNodeStore,
  root: NodeRef,
): { nodeCount: number; bytesMax: number; depthMax: number } {
  const stack = [{ ref: root, depth: 1 }]
  let nodeCount = 0
  let bytesMax = 0
  let depthMax = 0
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { ref, depth } = top
    const body = store.node(ref)
    validateNode(body, treeShape)
    nodeCount++
    bytesMax = Math.max(bytesMax, body.end - body.start)
    depthMax = Math.max(depthMax, depth)
    if (body.buf[body.start] === leafForm) continue
    for (let i = 0; i < body.referenceCount; i++) {
      const hash = readHash(body.buf, innerHashStart(body.start, i))
      const offset = readOffset(body.buf, body.end - 8 * (body.referenceCount - i))
      stack.push({ ref: { hash, offset }, depth: depth + 1 })
    }
  }
  return { nodeCount, bytesMax, depthMax }
}

describe('names chosen to hurt', () => {
  const store = new MemoryNodeStore()
  const writer = new TreeWriter(store, store, treeShape)
  const target = blobTarget(store, 'content')
  const build = (names: Iterable<RawName>): { root: NodeRef; changes: TreeChange[] } => {
    const changes = changesOf(Array.from(names, (name) => [name, target] as const))
    return { root: writer.apply(undefined, changes), changes }
  }

  test('200,000 names with a long common prefix make small nodes, and few', () => {
    const prefix = 'prefix-'.repeat(20)
    const names = Array.from({ length: 200_000 }, (_, i) => prefix + i.toString(36))
    const { root } = build(names)
    const { nodeCount, bytesMax, depthMax } = survey(store, root)
    expect(nodeCount).toBeLessThan(200_000)
    expect(bytesMax).toBeLessThan(4_096)
    expect(depthMax).toBeLessThan(16)
    const before = store.writtenCount
    const bytesBefore = store.writtenBytes
    writer.apply(root, [{ name: names[123_456] as RawName, target: blobTarget(store, 'other') }])
    expect(store.writtenCount - before).toBeLessThan(16)
    expect(store.writtenBytes - bytesBefore).toBeLessThan(16_384)
  })

  test('a, aa, aaa, … up to the longest name: as deep as names are long, in small nodes', () => {
    const names = Array.from({ length: 1_023 }, (_, i) => 'a'.repeat(i + 1))
    const { root, changes } = build(names)
    const { nodeCount, bytesMax, depthMax } = survey(store, root)
    expect(nodeCount).toBeLessThan(2_100)
    expect(bytesMax).toBeLessThan(4_096)
    expect(depthMax).toBeLessThan(1_000)
    const view = new EntryView()
    for (const name of names) expect(lookup(store, root, name, view)).toBe(true)
    const cursor = new TreeCursor(store, root, { reverse: true, limit: 1 })
    expect(cursor.next() && cursor.name().length).toBe(1_023)
    let one: NodeRef = build(names.slice(0, 1_010)).root
    for (const change of changes.slice(1_010)) one = writer.apply(one, [change])
    expect(one.hash).toBe(root.hash)
    one = writer.apply(
      one,
      changes.slice(5).map(({ name }) => ({ name, target: undefined })),
    )
    expect(one.hash).toBe(build(names.slice(0, 5)).root.hash)
  })

  test('names of full length that differ in their last bits only', () => {
    const prefix = 'n'.repeat(1_022)
    const bytes = Array.from({ length: 255 }, (_, i) => i + 1).filter((byte) => byte !== 47)
    const { root } = build(bytes.map((byte) => prefix + String.fromCharCode(byte)))
    const { bytesMax, depthMax } = survey(store, root)
    expect(bytesMax).toBeLessThan(4_096)
    expect(depthMax).toBeLessThan(4)
  })

  test('unrelated names of full length: a leaf is as large as its names', () => {
    const random = new SeededRandom(3)
    const names = Array.from({ length: 62 }, () =>
      Array.from({ length: 1_023 }, () => String.fromCharCode(65 + random.below(26))).join(''),
    )
    const { root } = build(names)
    expect(survey(store, root).bytesMax).toBeLessThan(40_000)
  })

  test('a million entries are made from nothing in small nodes', () => {
    const changes = Array.from({ length: 1_000_000 }, (_, i) => ({
      name: (i * 2_017).toString(36).padStart(7, '0'),
      target,
    }))
    let nodeCount = 0
    let bytesMax = 0
    const sink: NodeSink = {
      putNode: (hash, _, start, end) => {
        nodeCount++
        bytesMax = Math.max(bytesMax, end - start)
        return { hash, offset: nodeCount * 8 }
      },
      putBlob: () => {
        throw new Error('only nodes are written')
      },
    }
    const large = new TreeWriter(store, sink, treeShape)
    large.apply(undefined, changes)
    expect(large.count).toBe(1_000_000)
    expect(large.bytes).toBe(1_000_000 * target.size)
    expect(bytesMax).toBeLessThan(4_096)
    expect(nodeCount).toBeLessThan(250_000)
  })
})
