import type { BodyView, Draft, DraftNode } from '../body-view.ts'
import { mustHold } from '../malformed-body.ts'
import type { NodeReader, NodeRef } from '../node-seam.ts'
import { type EntryView, entryMode } from './entry.ts'

/** The body of a node, draft or stored. */
export function openNode(reader: NodeReader, ref: NodeRef): BodyView {
  return ref.draft ?? reader.node(ref)
}

/** The root node of the directory that an entry names. */
export function openDirectory(reader: NodeReader, entry: EntryView): BodyView {
  mustHold(entry.mode === entryMode.directory, 'only a directory has a root node')
  if (entry.draft !== undefined) return draftNode(entry.draft)
  return reader.nodeAt(entry.offset, entry.buf, entry.hashStart)
}

/** A draft that must be a node. */
export function draftNode(draft: Draft): DraftNode {
  mustHold(draft?.kind === 'node', 'a node is behind the reference')
  return draft
}
