import type { Draft, DraftNode } from '../../body-view.ts'
import { hashSize, type RawHash, readHash } from '../../raw-hash.ts'
import { type IndexKind, indexKind } from '../../record-kind.ts'
import { entryMode } from '../entry.ts'
import { readOffset, writeOffset } from '../node/field.ts'
import * as inner from '../node/inner.ts'
import * as leaf from '../node/leaf.ts'

/** Where a stored record that stood at `offset` is now, or an error from the caller's own list. */
export type Relocate = (kind: IndexKind, hash: RawHash, offset: number) => number

/** A draft whose references are being followed. */
interface Pending {
  readonly node: DraftNode
  /** The next reference to look at. */
  next: number
}

/**
 * The draft with each reference to a stored record moved to where `relocate` says that it is; the very same
 * one where nothing has moved. Offsets are no part of a node's hash. Iterative: a tree may be deeper than the
 * call stack.
 * @throws what `relocate` throws
 */
export function relocateDraft(root: DraftNode, relocate: Relocate): DraftNode {
  const moved = new Map<DraftNode, DraftNode>()
  const stack: Pending[] = [{ node: root, next: 0 }]
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const child = nextUnmoved(top, moved)
    if (child === undefined) {
      moved.set(top.node, moveReferences(top.node, moved, relocate))
      stack.pop()
    } else {
      stack.push({ node: child, next: 0 })
    }
  }
  return moved.get(root) as DraftNode
}

function nextUnmoved(pending: Pending, moved: ReadonlyMap<DraftNode, DraftNode>): DraftNode | undefined {
  const { children } = pending.node
  for (; pending.next < (children?.length ?? 0); pending.next++) {
    const child = children?.[pending.next]
    if (child?.kind === 'node' && !moved.has(child)) return child
  }
  return undefined
}

function moveReferences(
  node: DraftNode,
  moved: ReadonlyMap<DraftNode, DraftNode>,
  relocate: Relocate,
): DraftNode {
  const { buf, start, end, referenceCount } = node
  let body: Buffer | undefined
  for (let index = 0; index < referenceCount; index++) {
    if (node.children?.[index] !== undefined) continue
    const at = end - 8 * (referenceCount - index)
    const offset = readOffset(buf, at)
    const { kind, hash } = referenceAt(node, index)
    const now = relocate(kind, hash, offset)
    if (now === offset) continue
    body ??= Buffer.from(buf.subarray(start, end))
    writeOffset(body, at - start, now)
  }
  const children = node.children?.map((child) => movedChild(child, moved))
  const isSame =
    body === undefined && (children ?? []).every((child, index) => child === node.children?.[index])
  if (isSame) return node
  const own = body ?? buf.subarray(start, end)
  return { ...node, buf: own, start: 0, end: own.length, children }
}

function movedChild(child: Draft, moved: ReadonlyMap<DraftNode, DraftNode>): Draft {
  return child?.kind === 'node' ? moved.get(child) : child
}

/** What reference `index` of a node is to: the entry's target, or the child of an inner node. */
function referenceAt({ buf, start }: DraftNode, index: number): { kind: IndexKind; hash: RawHash } {
  if (buf[start] !== leaf.leafForm) {
    return { kind: indexKind.tree, hash: readHash(buf, inner.innerHashStart(start, index)) }
  }
  const count = leaf.leafCount(buf, start)
  const record = leaf.leafRecordsStart(buf, start) + leaf.recordStart(buf, start, index)
  const isDirectory = (buf[record]! & 7) === entryMode.directory
  const hash = readHash(buf, leaf.leafHashStart(start, count) + hashSize * index)
  return { kind: isDirectory ? indexKind.tree : indexKind.blob, hash }
}
