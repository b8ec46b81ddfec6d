import { assert } from '../../../base/index.ts'
import type { Draft, DraftBlob, DraftNode } from '../../body-view.ts'
import type { NodeRef, NodeSink } from '../../node-seam.ts'
import { writeOffset } from '../node/field.ts'

/** A draft node whose children are being written. */
interface Pending {
  readonly node: DraftNode
  /** The next reference to look at. */
  next: number
  /** Where each child that was a draft has gone. */
  readonly offsets: number[]
}

/** Drafts given to the sink before the caller gets its turn, and the content that counts as one more. */
const sliceDrafts = 2048
const sliceContentBytes = 32 * 1024

/**
 * Gives all drafts below `ref` to a sink, blobs and nodes, children first; a draft that is reached twice is
 * given once. Stored nodes are not touched. Iterative: a tree may be deeper than the call stack.
 * @returns where the root now is; `ref` itself when it is no draft.
 */
export function storeDraft(sink: NodeSink, ref: NodeRef): NodeRef {
  const slices = storeDraftInSlices(sink, ref)
  for (;;) {
    const slice = slices.next()
    if (slice.done === true) return slice.value
  }
}

/** The same for large drafts: yields between slices of a few milliseconds. */
export function* storeDraftInSlices(sink: NodeSink, ref: NodeRef): Generator<void, NodeRef, undefined> {
  if (ref.draft === undefined) return ref
  let work = 0
  const stored = new Map<DraftNode | DraftBlob, number>()
  const stack: Pending[] = [{ node: ref.draft, next: 0, offsets: [] }]
  let root: NodeRef | undefined
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const child = nextChild(top)
    if (child === undefined) {
      root = putDraft(sink, top)
      stored.set(top.node, root.offset)
      stack.pop()
      work++
      continue
    }
    const known = stored.get(child)
    if (known !== undefined) top.offsets[top.next++] = known
    else if (child.kind === 'node') stack.push({ node: child, next: 0, offsets: [] })
    else {
      stored.set(child, sink.putBlob(child.content).offset)
      work += 1 + Math.floor(child.content.length / sliceContentBytes)
    }
    if (work < sliceDrafts) continue
    work = 0
    yield
  }
  return root as NodeRef
}

/** Moves on to the next reference with a draft behind it. */
function nextChild(pending: Pending): Exclude<Draft, undefined> | undefined {
  const { children } = pending.node
  if (children === undefined) return undefined
  while (pending.next < children.length) {
    const child = children[pending.next]
    if (child !== undefined) return child
    pending.next++
  }
  return undefined
}

function putDraft(sink: NodeSink, { node, offsets }: Pending): NodeRef {
  const { hash, referenceCount } = node
  const body = Buffer.from(node.buf.subarray(node.start, node.end))
  offsets.forEach((offset, index) => {
    assert(offset > 0, 'a store gives every object an offset')
    writeOffset(body, body.length - 8 * (referenceCount - index), offset)
  })
  return sink.putNode(hash, body, 0, body.length, referenceCount, undefined)
}
