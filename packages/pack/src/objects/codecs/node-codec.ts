import type { BodyView } from '../body-view.ts'
import type { RawName } from '../names/raw-name.ts'
import { type RawHash, readHash } from '../raw-hash.ts'
import { EntryView, type TreeEntry } from '../tree/entry.ts'
import { readOffset } from '../tree/node/field.ts'
import * as inner from '../tree/node/inner.ts'
import { makeInner } from '../tree/node/inner-writer.ts'
import { leafForm, leafName, readLeafEntry } from '../tree/node/leaf.ts'
import { makeLeaf } from '../tree/node/leaf-writer.ts'
import { prefixSize } from '../tree/node/name-bits.ts'
import { Scratch } from '../tree/node/scratch.ts'
import { Subtree } from '../tree/node/subtree.ts'
import { validateNode } from '../tree/node/validate-node.ts'
import { treeShape } from '../tree/tree-shape.ts'

/** A part of a directory, below one slot of an inner node. */
export interface InnerChild {
  readonly slot: number
  readonly hash: RawHash
  readonly offset: number
  /** Entries below, and the bytes of all blobs below. */
  readonly count: number
  readonly bytes: number
}

/** All that a node says, as data: for tools. What walks trees reads nodes in place. */
export type NodeFields =
  | { readonly form: 'leaf'; readonly entries: readonly TreeEntry[] }
  | {
      readonly form: 'inner'
      /** The number of the bit at which names are split; the names' bits before it are `prefix`. */
      readonly at: number
      readonly prefix: RawName
      readonly children: readonly InnerChild[]
    }

/** @throws MalformedBody */
export function decodeNode(body: BodyView): NodeFields {
  validateNode(body, treeShape)
  const { buf, start, referenceCount: n } = body
  if (buf[start] !== leafForm) return decodeInner(body)
  const view = new EntryView()
  const entries = Array.from({ length: n }, (_, i) => {
    readLeafEntry(body, i, view)
    return { name: leafName(buf, start, i), ...view.target() }
  })
  return { form: 'leaf', entries }
}

/** The body of which `decodeNode` gives these fields, if there is one; else that of others. */
export function encodeNode(fields: NodeFields): Buffer {
  const scratch = new Scratch()
  const made = fields.form === 'leaf' ? leafOf(scratch, fields.entries) : innerOf(scratch, fields)
  return Buffer.from(scratch.buf.subarray(made.start, made.end))
}

type InnerFields = Extract<NodeFields, { readonly form: 'inner' }>

function decodeInner(body: BodyView): InnerFields {
  const { buf, start, end, referenceCount: n } = body
  const at = inner.innerAt(buf, start)
  const prefixStart = inner.innerPrefixStart(buf, start, n)
  const prefix = buf.toString('latin1', prefixStart, prefixStart + prefixSize(at))
  const slots = slotsOf(inner.innerSlots(buf, start))
  const children = slots.map((slot, i) => ({
    slot,
    hash: readHash(buf, inner.innerHashStart(start, i)),
    offset: readOffset(buf, end - 8 * (n - i)),
    count: inner.childCount(body, i),
    bytes: inner.childBytes(body, i),
  }))
  return { form: 'inner', at, prefix, children }
}

function slotsOf(bits: number): number[] {
  return Array.from({ length: 2 ** treeShape.bits }, (_, slot) => slot).filter((slot) => (bits >>> slot) & 1)
}

function leafOf(scratch: Scratch, entries: readonly TreeEntry[]): ReturnType<typeof makeLeaf> {
  const changes = entries.map((entry) => ({ name: entry.name, target: entry }))
  return makeLeaf(scratch, { entries: changes, low: 0, high: changes.length })
}

function innerOf(scratch: Scratch, { at, prefix, children }: InnerFields): ReturnType<typeof makeInner> {
  const subtrees = children.map(({ slot, hash, offset, count, bytes }) => {
    const subtree = new Subtree()
    subtree.slot = slot
    subtree.setNode({ hash, offset }, count, bytes)
    return subtree
  })
  return makeInner(scratch, { name: prefix, at, bits: treeShape.bits }, subtrees)
}
