import { readU64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { type BlobRef, type DraftNode, type NodeRef, type RawHash, rawToHex } from '@varve/pack/objects'
import { findTarget, isDirectory, nodeOf, type TreeStorage } from '../reading/index.ts'
import type { OverlayChange, OverlayDirectory } from './overlay-directory.ts'

/**
 * Makes everything stored that an overlay stands on live again after a collection: what is still where it was
 * stays, what has another copy moves to that. Only trees and blobs that were named have to be checked; what
 * lies below a live node is live.
 * @throws COLLECTED when something is gone
 */
export function revalidateOverlay(storage: TreeStorage, root: OverlayDirectory): void {
  root.base = liveBase(storage, root.base)
  const waiting = [root]
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    // Drafts hold offsets of what the bases were.
    directory.dropDraft()
    for (const [name, change] of directory.changes) {
      if (change.kind !== 'tree') {
        revalidateBlob(storage, change)
        continue
      }
      const below = change.directory
      if (below.isGraft) below.base = liveBase(storage, below.base)
      else if (directory.base !== undefined) {
        const target = findTarget(storage, directory.base, name)
        if (target !== undefined && isDirectory(target)) below.base = nodeOf(target)
      }
      waiting.push(below)
    }
  }
}

/**
 * Where a tree's root node is now.
 * @throws COLLECTED when it, or something that a draft refers to, is gone
 */
export function liveNode(storage: TreeStorage, ref: NodeRef): NodeRef {
  if (ref.draft !== undefined) {
    checkDraft(storage, ref.draft)
    return ref
  }
  if (storage.isLive(ref.offset)) return ref
  return storage.findTree(ref.hash) ?? collected(ref.hash)
}

function liveBase(storage: TreeStorage, base: NodeRef | undefined): NodeRef | undefined {
  return base === undefined ? undefined : liveNode(storage, base)
}

function revalidateBlob(storage: TreeStorage, change: Exclude<OverlayChange, { kind: 'tree' }>): void {
  if (change.kind !== 'blob' || change.content !== undefined) return
  const blob = change.blob as BlobRef
  if (blob.draft !== undefined || storage.isLive(blob.offset)) return
  change.blob = storage.findBlob(blob.hash) ?? collected(blob.hash)
}

/**
 * A draft's references to stored records are what it was made from, so each must be live where it is: an
 * offset inside a draft cannot be changed any more.
 */
function checkDraft(storage: TreeStorage, root: DraftNode): void {
  const seen = new Set([root])
  // A set iterates over what is added to it on the way.
  for (const node of seen) {
    const offsets = node.end - 8 * node.referenceCount
    for (let index = 0; index < node.referenceCount; index++) {
      const child = node.children?.[index]
      if (child?.kind === 'node') seen.add(child)
      else if (child === undefined && !storage.isLive(readU64(node.buf, offsets + 8 * index)))
        collected(node.hash)
    }
  }
}

function collected(hash: RawHash): never {
  throw new VarveError('COLLECTED', { hash: rawToHex(hash) })
}
