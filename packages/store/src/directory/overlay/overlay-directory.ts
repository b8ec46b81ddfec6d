import { assert } from '@varve/pack/base'
import {
  type BlobRef,
  type EntryTarget,
  entryMode,
  type ModeNumber,
  type NodeRef,
  type RawName,
  sha256,
} from '@varve/pack/objects'
import { findMode, findTarget, isDirectory, nodeOf, type TreeStorage, totalsOf } from '../reading/index.ts'
import { ChangeMap } from './change-map.ts'

/** A blob was put at a name: new content, or a blob that the store holds. */
export interface BlobChange {
  readonly kind: 'blob'
  readonly mode: ModeNumber
  /** `undefined`: `blob` is stored. */
  readonly content: Buffer | undefined
  /** Of new content, filled in when somebody asks for its hash. */
  blob: BlobRef | undefined
  /** Whether the base has this name, so that taking the change back must leave a removal. */
  readonly isOver: boolean
}

/** A directory below is being changed, or was put here. */
export interface TreeChange {
  readonly kind: 'tree'
  readonly directory: OverlayDirectory
  readonly isOver: boolean
}

/** What the base has at this name is gone. */
export interface Removal {
  readonly kind: 'removal'
  readonly isOver: true
}

export type OverlayChange = BlobChange | TreeChange | Removal

/** What stands at a name: a change, or an entry of the base. */
export type Found = BlobChange | TreeChange | StoredTarget

export type Standing = 'nothing' | 'blob' | 'tree'

export interface StoredTarget {
  readonly kind: 'stored'
  readonly target: EntryTarget
}

const removal: Removal = { kind: 'removal', isOver: true }

/**
 * One directory of an edit: the changes of its names over a base that shows through where nothing changed.
 * Between materialisations it remembers which names changed since, so that the next one does only these
 * again; the changes themselves stay until the edit is dropped, because a commit may have to start from them
 * anew.
 */
export class OverlayDirectory {
  /** Replaced only by another copy of the same node, see `revalidate`. */
  base: NodeRef | undefined
  /** Whether the base is a tree that was put here, and not what the parent's base has under this name. */
  readonly isGraft: boolean
  readonly changes: ChangeMap<OverlayChange> = new ChangeMap()
  /** What this directory was when it was last made into nodes in memory. */
  draft: NodeRef | undefined
  /** Names changed since `draft`; there while `draft` is. */
  changedSince: Set<RawName> | undefined
  /** Entries more than the base has. */
  #growth = 0

  constructor(base: NodeRef | undefined, isGraft: boolean) {
    this.base = base
    this.isGraft = isGraft
  }

  /** What stands at the name now. */
  find(storage: TreeStorage, name: RawName): Found | undefined {
    const change = this.changes.get(name)
    if (change !== undefined) return change.kind === 'removal' ? undefined : change
    if (this.base === undefined) return undefined
    const target = findTarget(storage, this.base, name)
    return target === undefined ? undefined : { kind: 'stored', target }
  }

  /** What kind of thing stands at the name now: `find` without its particulars. */
  standing(storage: TreeStorage, name: RawName): Standing {
    const change = this.changes.get(name)
    if (change !== undefined) return change.kind === 'removal' ? 'nothing' : change.kind
    if (this.base === undefined) return 'nothing'
    const mode = findMode(storage, this.base, name)
    if (mode === undefined) return 'nothing'
    return mode === entryMode.directory ? 'tree' : 'blob'
  }

  /** Puts a blob at a name where `standing` is what stands there. */
  putBlob(name: RawName, standing: Standing, o: Omit<BlobChange, 'kind' | 'isOver'>): void {
    const { mode, content, blob } = o
    const change = this.changes.get(name)
    const isOver = change === undefined ? standing !== 'nothing' : change.isOver
    if (standing === 'nothing') this.#growth++
    this.changes.set(name, { kind: 'blob', mode, content, blob, isOver })
  }

  /** Puts a directory at a name where `found` stands: one with this base, or an empty one. */
  putTree(name: RawName, found: Found | undefined, base: NodeRef | undefined): OverlayDirectory {
    const directory = new OverlayDirectory(base, true)
    this.#put(name, found, { kind: 'tree', isOver: this.#isOver(name, found), directory })
    return directory
  }

  /** The directory of the base at this name, as an overlay that has no changes yet. */
  open(name: RawName, target: EntryTarget): OverlayDirectory {
    assert(isDirectory(target), 'only a directory is opened')
    const directory = new OverlayDirectory(nodeOf(target), false)
    this.changes.set(name, { kind: 'tree', isOver: true, directory })
    return directory
  }

  /** Takes away what stands at a name. */
  remove(name: RawName, found: Found): void {
    if (this.#isOver(name, found)) this.changes.set(name, removal)
    else this.changes.delete(name)
    this.#growth--
  }

  /** To be called when something at or below the name has changed. */
  touch(name: RawName): void {
    this.changedSince?.add(name)
  }

  count(storage: TreeStorage): number {
    return this.#growth + (this.base === undefined ? 0 : totalsOf(storage, this.base).count)
  }

  /** Whether `draft` says what this directory is now. */
  get isMaterialised(): boolean {
    return this.draft !== undefined && this.changedSince?.size === 0
  }

  /** Whether this directory is what its parent's base has. */
  get isUnchanged(): boolean {
    return !this.isGraft && this.changes.size === 0
  }

  keepDraft(draft: NodeRef): void {
    this.draft = draft
    this.changedSince = new Set()
  }

  dropDraft(): void {
    this.draft = undefined
    this.changedSince = undefined
  }

  #put(name: RawName, found: Found | undefined, change: OverlayChange): void {
    if (found === undefined) this.#growth++
    this.changes.set(name, change)
  }

  #isOver(name: RawName, found: Found | undefined): boolean {
    if (found === undefined) return this.changes.has(name)
    return found.kind === 'stored' || found.isOver
  }
}

/** Where the blob of a change is: in the store, or in memory. */
export function blobOfChange(change: BlobChange): BlobRef {
  if (change.blob !== undefined) return change.blob
  const { content } = change
  assert(content !== undefined, 'a change holds content or a blob')
  const hash = sha256(content, 0, content.length)
  change.blob = { hash, offset: 0, size: content.length, draft: { kind: 'blob', hash, content } }
  return change.blob
}
