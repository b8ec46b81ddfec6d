import { unreachable } from '../../base/index.ts'
import { type CrashPlan, lost, type PendingChange } from './crash-fate.ts'
import type { MemoryFile } from './memory-file.ts'

export type MemoryNode = MemoryFile | MemoryFolder

/** A change of a folder's names since its last sync. */
export type NameChange = PendingChange &
  (
    | { readonly kind: 'add'; readonly name: string; readonly node: MemoryNode }
    | { readonly kind: 'remove'; readonly name: string }
    | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly node: MemoryNode }
  )

/** A folder: its names as they are, as they were at the last sync, and the changes in between. */
export class MemoryFolder {
  readonly kind = 'folder'
  readonly inode: number
  modifiedMs: number
  readonly entries: Map<string, MemoryNode> = new Map()
  #durable: Map<string, MemoryNode> = new Map()
  #changes: NameChange[] = []

  constructor(inode: number, modifiedMs: number) {
    this.inode = inode
    this.modifiedMs = modifiedMs
  }

  get changes(): readonly NameChange[] {
    return this.#changes
  }

  change(change: NameChange, nowMs: number): void {
    apply(this.entries, change, false)
    this.#changes.push(change)
    this.modifiedMs = nowMs
  }

  sync(): void {
    this.#durable = new Map(this.entries)
    this.#changes = []
  }

  /** The names that a crash leaves. */
  image(plan: CrashPlan): Map<string, MemoryNode> {
    const entries = new Map(this.#durable)
    for (const change of this.#changes) {
      const fate = plan.get(change.sequence) ?? lost
      if (fate.kind !== 'lost') apply(entries, change, fate.kind === 'both-names')
    }
    return entries
  }

  /** What a crash may bring back although it has no name here now. */
  *unsyncedNodes(): Generator<MemoryNode> {
    yield* this.#durable.values()
    for (const change of this.#changes) if (change.kind !== 'remove') yield change.node
  }

  /** Takes names as they stand, durable. */
  fill(entries: ReadonlyMap<string, MemoryNode>): void {
    for (const [name, node] of entries) this.entries.set(name, node)
    this.sync()
  }

  /** Fills a copy, each node replaced by its copy, changes waiting included. */
  copyInto(copy: MemoryFolder, copyOf: (node: MemoryNode) => MemoryNode): void {
    for (const [name, node] of this.entries) copy.entries.set(name, copyOf(node))
    for (const [name, node] of this.#durable) copy.#durable.set(name, copyOf(node))
    copy.#changes = this.#changes.map((change) =>
      change.kind === 'remove' ? change : { ...change, node: copyOf(change.node) },
    )
  }
}

function apply(entries: Map<string, MemoryNode>, change: NameChange, keepsOldName: boolean): void {
  switch (change.kind) {
    case 'add':
      entries.set(change.name, change.node)
      return
    case 'remove':
      entries.delete(change.name)
      return
    case 'rename':
      if (!keepsOldName) entries.delete(change.from)
      entries.set(change.to, change.node)
      return
    default:
      unreachable(change)
  }
}
