/**
 * What the tree writer still has to come back to: one frame for each inner node between the root and where it
 * is.
 */
import type { BodyView } from '../../body-view.ts'
import type { TreeChange } from '../entry.ts'
import { Subtree } from '../node/subtree.ts'

/** An old inner node, copied to the scratch buffer, of which some slots are being changed. */
export interface EditFrame {
  readonly kind: 'edit'
  readonly body: {
    readonly start: number
    readonly end: number
    readonly n: number
    readonly children: BodyView['children']
  }
  readonly at: number
  readonly bits: number
  readonly slots: number
  /** The changes whose names have the node's prefix, and how many of them are done. */
  readonly low: number
  readonly high: number
  next: number
  /** The slot being worked on. */
  slot: number
  /**
   * More than `leafMax` entries stay whatever the deletions hit: children may be given to the sink at once.
   */
  readonly isCertain: boolean
  /** The same of the node above: this one's leaf, should it shrink to one, may be given to the sink. */
  readonly isAboveCertain: boolean
  touched: Subtree[]
  readonly scratchTop: number
}

/** A new inner node over entries [low, high) of a list. */
export interface BuildFrame {
  readonly kind: 'build'
  readonly entries: readonly TreeChange[]
  readonly low: number
  readonly high: number
  readonly at: number
  next: number
  slot: number
  /** One element of the list may stand for a whole old subtree. */
  readonly block: Block | undefined
  built: Subtree[]
}

/** An old inner node whose prefix not all new names share: it gets a new node above. */
export interface WrapFrame {
  readonly kind: 'wrap'
  /** The changes outside of the prefix: [low, before) and [after, high). */
  readonly low: number
  readonly before: number
  readonly after: number
  readonly high: number
  readonly prefix: string
  /** What the node was, in case nothing changes in it. */
  readonly old: Subtree
  readonly now: Subtree
  readonly isAboveCertain: boolean
}

/** A subtree that stands at `index` of a list of entries. */
export interface Block {
  readonly index: number
  readonly subtree: Subtree
}

export type Frame = EditFrame | BuildFrame | WrapFrame

/** Notes what the slot that the frame is working on has become. */
export function accept(frame: Frame, result: Subtree): void {
  if (frame.kind === 'wrap') {
    frame.now.copyFrom(result.kind === 'same' ? frame.old : result, 0)
    return
  }
  if (result.kind === 'same') return
  const subtree = new Subtree()
  subtree.copyFrom(result, frame.slot)
  if (frame.kind === 'edit') frame.touched = withOne(frame.touched, subtree)
  else frame.built = withOne(frame.built, subtree)
}

/** Often there is but one: an empty list that grows would take room for seventeen. */
function withOne(list: Subtree[], subtree: Subtree): Subtree[] {
  if (list.length === 0) return [subtree]
  list.push(subtree)
  return list
}
