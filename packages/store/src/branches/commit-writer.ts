/** Stores a tree and makes a commit of it: in slices, and the commit in the section of the last slice. */
import { assert } from '@varve/pack/base'
import { type NodeRef, type RawHash, rawToHex } from '@varve/pack/objects'
import { recordFlag } from '@varve/pack/pack'
import type { Tree, TreeEdit } from '../api/index.ts'
import { writeTree } from '../directory/index.ts'
import type { StoredCommit } from '../reader/index.ts'
import type { BranchRooms } from './branch-rooms.ts'
import type { CheckedInfo } from './checked-commit.ts'

export interface CommitRequest {
  readonly tree: NodeRef
  readonly parents: readonly RawHash[]
  readonly info: CheckedInfo
  /** Nobody holds it: it is kept for the grace of a collection only. */
  readonly isBare: boolean
}

/**
 * Stores what of the tree is not stored yet, then runs `finish` before anything else can happen. @throws
 * ABORTED, COLLECTED
 */
export function storeTree<R>(
  rooms: BranchRooms,
  source: Tree | TreeEdit,
  o: { readonly signal: AbortSignal | undefined; readonly finish: (root: NodeRef) => R },
): Promise<R> {
  return rooms.queue.inSlices(writeTree(source, rooms.storage, rooms.writer), o)
}

/** Appends a commit; a step of a section. The same commit twice is one commit. */
export function appendCommit(rooms: BranchRooms, request: CommitRequest): StoredCommit {
  const { tree, parents, info } = request
  // Rule 9: what is live has all below it, so this is the whole check.
  assert(rooms.storage.isLive(tree.offset), 'the tree of a new commit is live')
  const fields = {
    tree: { hash: tree.hash, offset: tree.offset },
    parents,
    author: info.author ?? rooms.author,
    date: info.date ?? rooms.now(),
    message: info.message,
    extra: info.extra,
  }
  const place = rooms.writer.putCommit(fields, request.isBare ? recordFlag.bare : 0)
  if (request.isBare && !place.isNew) rooms.writer.touch(3, place)
  const { hash, offset } = place
  rooms.projections.noteCommit({ hash: rawToHex(hash), extra: fields.extra }, offset)
  return { hash, offset, epoch: rooms.storage.epoch(), ...fields }
}
