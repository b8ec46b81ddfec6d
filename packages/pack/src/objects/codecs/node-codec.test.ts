import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MalformedBody } from '../malformed-body.ts'
import { MemoryNodeStore } from '../testing/memory-node-store.ts'
import { blobTarget, buildDirectory, edits, modelOf } from '../testing/tree-model.ts'
import { treeShape } from '../tree/tree-shape.ts'
import { decodeNode, encodeNode } from './node-codec.ts'

const view = (buf: Buffer, referenceCount: number) => ({ buf, start: 0, end: buf.length, referenceCount })

/** Decodes and encodes, where the body can be decoded. */
function again(buf: Buffer, referenceCount: number): Buffer | undefined {
  try {
    return encodeNode(decodeNode(view(buf, referenceCount)))
  } catch (error) {
    if (error instanceof MalformedBody) return undefined
    throw error
  }
}

describe('a node as data', () => {
  test('says what it holds', () => {
    const store = new MemoryNodeStore()
    const names = Array.from({ length: 40 }, (_, i) => `file-${String(i).padStart(2, '0')}`)
    const ref = buildDirectory(
      store,
      treeShape,
      new Map(names.map((name) => [name, blobTarget(store, name)])),
    )
    const root = decodeNode(view(store.bodyOf(ref), 4))
    expect(root).toMatchObject({ form: 'inner', at: 45, prefix: 'file-0' })
    const { children } = root as Extract<typeof root, { form: 'inner' }>
    expect(children.map(({ slot, count, bytes }) => [slot, count, bytes])).toEqual(
      [0, 4, 8, 12].map((slot) => [slot, 10, 70]),
    )
    const leaf = decodeNode(view(store.bodyOf(children[1] as (typeof children)[0]), 10))
    const { entries } = leaf as Extract<typeof leaf, { form: 'leaf' }>
    expect(entries.map(({ name }) => name)).toEqual(names.slice(10, 20))
    expect(entries[0]).toMatchObject({ mode: 0, size: 7, count: 0, draft: undefined })
  })

  test('gives the same bytes again, and is refused or the same where they are damaged', () => {
    fc.assert(
      fc.property(edits, fc.nat(), fc.integer({ min: 1, max: 255 }), (writes, place, bits) => {
        const store = new MemoryNodeStore()
        buildDirectory(store, treeShape, modelOf(store, writes))
        for (const { body, referenceCount } of store.nodes()) {
          expect(again(body, referenceCount)?.equals(body)).toBe(true)
          for (let size = 0; size < body.length; size++) {
            expect(again(body.subarray(0, size), referenceCount)).toBeUndefined()
          }
          const damaged = Buffer.from(body)
          damaged[place % body.length]! ^= bits
          const built = again(damaged, referenceCount)
          expect(built === undefined || built.equals(damaged)).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })
})
