import { VarveError } from '@varve/pack/errors'
import {
  type BlobRef,
  type DraftNode,
  type IndexKind,
  indexKind,
  type NodeRef,
  type RawHash,
  type Relocate,
  rawToHex,
  relocateDraft,
} from '@varve/pack/objects'
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
 * Where a tree's root node is now, or the draft of it with what it refers to where that is now.
 * @throws COLLECTED when it, or something that a draft refers to, is gone
 */
export function liveNode(storage: TreeStorage, ref: NodeRef): NodeRef {
  if (ref.draft !== undefined)
    return withDraft(
      ref,
      relocateDraft(ref.draft, (...what) => liveOffset(storage, what)),
    )
  if (storage.isLive(ref.offset)) return ref
  return storage.findTree(ref.hash) ?? collected(ref.hash)
}

/**
 * The same for a tree of another store, or of another opening of this one, whose offsets mean nothing here.
 * @throws COLLECTED
 */
export function foreignNode(storage: TreeStorage, ref: NodeRef): NodeRef {
  if (ref.draft === undefined) return storage.findTree(ref.hash) ?? collected(ref.hash)
  return withDraft(
    ref,
    relocateDraft(ref.draft, (kind, hash) => offsetOf(storage, kind, hash)),
  )
}

function withDraft(ref: NodeRef, draft: DraftNode): NodeRef {
  return draft === ref.draft ? ref : { ...ref, draft }
}

function liveOffset(storage: TreeStorage, [kind, hash, offset]: Parameters<Relocate>): number {
  return storage.isLive(offset) ? offset : offsetOf(storage, kind, hash)
}

function offsetOf(storage: TreeStorage, kind: IndexKind, hash: RawHash): number {
  const found = kind === indexKind.tree ? storage.findTree(hash) : storage.findBlob(hash)
  return found?.offset ?? collected(hash)
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

function collected(hash: RawHash): never {
  throw new VarveError('COLLECTED', { hash: rawToHex(hash) })
}
