/** The refs of a store that somebody else may be writing, and what has become of them since. */
import { metaTable } from '@varve/pack/objects'
import { type MetaEntry, MetaState } from '@varve/pack/pack'
import type { MetadataDoubt } from '../opening/index.ts'
import { RefStore, type RefTarget, refOf, refsFrom } from '../refs/index.ts'
import type { NextView } from './next-view.ts'

/** A ref that is not where it was. */
export interface RefMove {
  /** `heads/<name>` or `tags/<name>`. */
  readonly key: string
  readonly before: RefTarget | undefined
  readonly after: RefTarget | undefined
}

/** The next state of the refs, not seen by anybody yet. */
export interface NextRefs {
  readonly moves: readonly RefMove[]
  readonly install: () => void
}

export class FollowedRefs {
  #state = new MetaState()
  #refs = new RefStore()
  #doubt: MetadataDoubt | undefined

  get refs(): RefStore {
    return this.#refs
  }

  /**
   * What the metadata of the next view makes of the refs. The log says it where the view has read all of it;
   * where a collection has taken a part that was never read, its checkpoint does.
   */
  next(view: NextView): NextRefs {
    const start = view.control.checkpoint?.position ?? 0
    const entries = newestOf(view.metadata, start)
    const doubts = view.doubts.filter(({ below }) => below > start)
    if (view.checkpoint !== undefined) return this.#replacedBy(view.checkpoint, entries, highest(doubts))
    if (doubts.length === 0) return { moves: this.#movesBy(entries), install: () => this.#apply(entries) }
    // What is said below it is in doubt from now on, so the store of refs is another one.
    const before = this.#doubt === undefined ? [] : [this.#doubt]
    return this.#replacedBy(copyOf(this.#state), entries, highest([...before, ...doubts]))
  }

  #replacedBy(state: MetaState, entries: readonly MetaEntry[], doubt: MetadataDoubt | undefined): NextRefs {
    for (const entry of entries) state.put(entry)
    const refs = refsFrom(state, doubt)
    const moves = movesBetween(this.#refs, refs)
    return {
      moves,
      install: () => {
        this.#state = state
        this.#refs = refs
        this.#doubt = doubt
      },
    }
  }

  #movesBy(entries: readonly MetaEntry[]): RefMove[] {
    return [...refsIn(entries)]
      .map(({ key, target }) => ({ key, before: this.#refs.lastKnown(key), after: target }))
      .filter(isMoved)
  }

  #apply(entries: readonly MetaEntry[]): void {
    for (const entry of entries) this.#state.put(entry)
    for (const { key, target, position } of refsIn(entries)) {
      this.#refs.stage(key, target, position)
      this.#refs.acknowledge(key, target, position)
    }
  }
}

/** Of each key what was said last, at or above a position of the log: records are absolute. */
function newestOf(entries: readonly MetaEntry[], start: number): MetaEntry[] {
  const newest = new Map<string, MetaEntry>()
  for (const entry of entries) {
    if (entry.offset < start) continue
    const key = `${entry.table} ${entry.key}`
    if ((newest.get(key)?.offset ?? 0) < entry.offset) newest.set(key, entry)
  }
  return [...newest.values()]
}

function* refsIn(
  entries: readonly MetaEntry[],
): Generator<{ readonly key: string; readonly target: RefTarget | undefined; readonly position: number }> {
  for (const entry of entries) {
    if (entry.table === metaTable.refs) yield { ...refOf(entry), position: entry.offset }
  }
}

function movesBetween(before: RefStore, after: RefStore): RefMove[] {
  const moves: RefMove[] = []
  for (const { key, target } of after.listed()) {
    moves.push({ key, before: before.lastKnown(key), after: target })
  }
  for (const { key, target } of before.listed()) {
    if (after.lastKnown(key) === undefined) moves.push({ key, before: target, after: undefined })
  }
  return moves.filter(isMoved)
}

function isMoved({ before, after }: RefMove): boolean {
  return before?.hash !== after?.hash
}

function highest(doubts: readonly MetadataDoubt[]): MetadataDoubt | undefined {
  let found: MetadataDoubt | undefined
  for (const doubt of doubts) if (found === undefined || doubt.below > found.below) found = doubt
  return found
}

function copyOf(state: MetaState): MetaState {
  const copy = new MetaState()
  for (const entry of state.entries()) copy.put(entry)
  return copy
}
