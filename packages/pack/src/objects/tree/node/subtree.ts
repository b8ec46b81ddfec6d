import type { Draft, DraftNode } from '../../body-view.ts'
import type { RawHash } from '../../raw-hash.ts'
import type { TreeChange } from '../entry.ts'

/**
 * No entries; nothing changed; few enough entries for a leaf that is not made yet; a node that was given to
 * the sink.
 */
export type SubtreeKind = 'empty' | 'same' | 'loose' | 'node'

const noEntries: readonly TreeChange[] = []

/**
 * What a part of a directory has become. Mutable: an inner node keeps one for each child that was touched.
 */
export class Subtree {
  kind: SubtreeKind = 'empty'
  /** In which slot of the inner node above. */
  slot = 0
  /** Of a node. */
  hash: RawHash = ''
  offset = 0
  draft: DraftNode | undefined = undefined
  count = 0
  bytes = 0
  /** Of a loose one: its entries, ascending. */
  entries: readonly TreeChange[] = noEntries

  copyFrom(other: Subtree, slot: number): void {
    this.kind = other.kind
    this.slot = slot
    this.hash = other.hash
    this.offset = other.offset
    this.draft = other.draft
    this.count = other.count
    this.bytes = other.bytes
    this.entries = other.entries
  }

  setNode(ref: { hash: RawHash; offset: number; draft?: Draft }, count: number, bytes: number): void {
    this.kind = 'node'
    this.hash = ref.hash
    this.offset = ref.offset
    this.draft = ref.draft?.kind === 'node' ? ref.draft : undefined
    this.count = count
    this.bytes = bytes
    this.entries = noEntries
  }

  setLoose(entries: readonly TreeChange[]): void {
    this.kind = entries.length === 0 ? 'empty' : 'loose'
    this.count = entries.length
    this.entries = entries
    this.draft = undefined
  }

  setPlain(kind: 'empty' | 'same'): void {
    this.kind = kind
    this.count = 0
    this.entries = noEntries
    this.draft = undefined
  }
}
