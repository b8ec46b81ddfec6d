import {
  DraftSink,
  type EntryTarget,
  entryMode,
  type NodeRef,
  type NodeSink,
  type RawName,
  type TreeChange,
  type TreeWriter,
} from '@varve/pack/objects'
import { blamed, type TreeStorage, targetOfBlob, targetOfTree } from '../reading/index.ts'
import { ChangeMap } from './change-map.ts'
import { type BlobChange, blobOfChange, type OverlayDirectory } from './overlay-directory.ts'
import { sliceNames, sortedNames } from './sorted-names.ts'
import type { Steps } from './steps.ts'

/** Changes handled, and as many applied to one directory, before the caller gets its turn. */
const sliceChanges = 2048
/** Content that counts as one more change: it has to be hashed. */
const sliceContentBytes = 32 * 1024

const noNames: ReadonlySet<RawName> = new Set()
const noChanges: TreeChange[] = []

interface Frame {
  readonly directory: OverlayDirectory
  readonly base: NodeRef | undefined
  readonly names: readonly RawName[]
  changes: TreeChange[]
  /** Index of the name whose turn it is. */
  at: number
}

/**
 * Turns an overlay into nodes, directories after those below them. `draft`: into nodes in memory, only what
 * changed since the last time. With a sink: everything from the bases up, for a store; the bases must be
 * stored then. The overlay stays as it is and must not change meanwhile. Walks with a stack of its own: depth
 * is bounded by memory.
 */
export class OverlayWriter {
  readonly #storage: TreeStorage
  readonly #sink: NodeSink
  readonly #isDraft: boolean
  readonly #writer: TreeWriter
  readonly #stack: Frame[] = []
  #work = 0

  constructor(storage: TreeStorage, sink: NodeSink | 'draft') {
    this.#storage = storage
    this.#isDraft = sink === 'draft'
    this.#sink = sink === 'draft' ? new DraftSink() : sink
    this.#writer = storage.treeWriter(this.#sink)
  }

  /** The root node of the whole; the very ref of the base when nothing has changed. */
  *write(root: OverlayDirectory): Steps<NodeRef> {
    if (this.#isDraft && root.isMaterialised) return root.draft as NodeRef
    if (!this.#tryEnter(root)) yield* this.#enter(root)
    for (;;) {
      const frame = this.#stack[this.#stack.length - 1] as Frame
      if (frame.at < frame.names.length) {
        const below = this.#takeName(frame)
        if (below !== undefined && !this.#tryEnter(below)) yield* this.#enter(below)
      } else {
        const ref = this.#tryApply(frame) ?? (yield* this.#apply(frame))
        this.#stack.pop()
        if (this.#stack.length === 0) return ref
        this.#addChange(this.#stack[this.#stack.length - 1] as Frame, this.#lastTarget(ref))
      }
      if (this.#work < sliceChanges) continue
      this.#work = 0
      yield
    }
  }

  /** Begins with a directory unless it has too many changes to do that at once. */
  #tryEnter(directory: OverlayDirectory): boolean {
    const names = this.#namesOf(directory)
    if (names.size > sliceNames) return false
    this.#push(directory, names instanceof ChangeMap ? names.sortedNames() : [...names].sort())
    return true
  }

  *#enter(directory: OverlayDirectory): Steps<void> {
    this.#push(directory, yield* sortedNames(this.#namesOf(directory).keys()))
  }

  #push(directory: OverlayDirectory, names: readonly RawName[]): void {
    const { draft } = directory
    const base = this.#isDraft && draft !== undefined ? draft : directory.base
    this.#stack.push({ directory, base, names, changes: noChanges, at: 0 })
  }

  #namesOf({
    draft,
    changedSince,
    changes,
  }: OverlayDirectory): ReadonlySet<RawName> | OverlayDirectory['changes'] {
    return this.#isDraft && draft !== undefined ? (changedSince ?? noNames) : changes
  }

  /** Adds the change of the next name to the frame, or gives the directory that has to be written first. */
  #takeName(frame: Frame): OverlayDirectory | undefined {
    this.#work++
    const change = frame.directory.changes.get(frame.names[frame.at] as RawName)
    if (change?.kind === 'tree') {
      const { directory } = change
      if (directory.isUnchanged) frame.at++
      else if (!this.#isDraft || !directory.isMaterialised) return directory
      else this.#addChange(frame, targetOfTree(this.#storage, directory.draft as NodeRef))
    } else {
      this.#addChange(frame, change?.kind === 'blob' ? this.#putBlob(change) : undefined)
    }
    return undefined
  }

  #addChange(frame: Frame, target: EntryTarget | undefined): void {
    const change = { name: frame.names[frame.at++] as RawName, target }
    // Often there is but one: an empty list that grows would take room for seventeen.
    if (frame.changes.length === 0) frame.changes = [change]
    else frame.changes.push(change)
  }

  #putBlob(change: BlobChange): EntryTarget {
    const { mode, content } = change
    if (content === undefined || this.#isDraft) return targetOfBlob(blobOfChange(change), mode)
    this.#work += Math.floor(content.length / sliceContentBytes)
    return targetOfBlob(this.#sink.putBlob(content), mode)
  }

  /** Applies the changes of a directory unless they are too many to do that at once. */
  #tryApply({ directory, base, changes }: Frame): NodeRef | undefined {
    if (changes.length > sliceChanges) return undefined
    const ref = this.#applyPiece(base, changes)
    if (this.#isDraft) directory.keepDraft(ref)
    return ref
  }

  /**
   * Applies the changes of a directory in pieces: they are in order, so two pieces share but one path of
   * nodes.
   */
  *#apply({ directory, base, changes }: Frame): Steps<NodeRef> {
    let ref = this.#applyPiece(base, changes.slice(0, sliceChanges))
    for (let from = sliceChanges; from < changes.length; from += sliceChanges) {
      yield
      ref = this.#applyPiece(ref, changes.slice(from, from + sliceChanges))
    }
    if (this.#isDraft) directory.keepDraft(ref)
    return ref
  }

  #applyPiece(base: NodeRef | undefined, changes: readonly TreeChange[]): NodeRef {
    try {
      return this.#writer.apply(base, changes)
    } catch (error) {
      throw blamed(this.#storage, error)
    }
  }

  /** The directory that was written last, as an entry. */
  #lastTarget({ hash, offset, draft }: NodeRef): EntryTarget {
    const { count, bytes } = this.#writer
    return { mode: entryMode.directory, size: bytes, count, hash, offset, draft }
  }
}
