import { indexKind, type RawHash } from '@varve/pack/objects'
import type { Steps } from '../directory/index.ts'
import type { ObjectReader } from '../reader/index.ts'
import { ObjectTable } from './object-table.ts'

/** What a bundle of some commits holds, apart from their trees. */
export interface CommitOrder {
  /** Parents before children. */
  readonly commits: readonly CommitPlace[]
  /** Parents that are left out; ascending by hash. */
  readonly prerequisites: readonly CommitPlace[]
}

export interface CommitPlace {
  readonly hash: RawHash
  readonly offset: number
}

/** Commits between two yields. */
const commitsPerSlice = 256

/**
 * The commits that the tips reach and `not` does not, in an order that follows from the commits alone: depth
 * first through the parents in their order, from the tips by ascending hash. Where the store holds a parent
 * no more, the history ends.
 */
export function* orderCommits(
  objects: ObjectReader,
  tips: readonly RawHash[],
  not: readonly RawHash[],
): Steps<CommitOrder> {
  const walk = new OrderWalk(objects)
  yield* walk.exclude(not)
  for (const tip of [...new Set(tips)].sort()) yield* walk.from(tip)
  return walk.order()
}

class OrderWalk {
  readonly #objects: ObjectReader
  readonly #excluded = new ObjectTable()
  readonly #seen = new ObjectTable()
  readonly #commits: CommitPlace[] = []
  readonly #prerequisites = new Map<RawHash, CommitPlace>()
  #steps = 0

  constructor(objects: ObjectReader) {
    this.#objects = objects
  }

  order(): CommitOrder {
    const prerequisites = [...this.#prerequisites.values()]
    return { commits: this.#commits, prerequisites: prerequisites.sort((a, b) => (a.hash < b.hash ? -1 : 1)) }
  }

  *exclude(not: readonly RawHash[]): Steps<void> {
    const waiting = [...not]
    for (let hash = waiting.pop(); hash !== undefined; hash = waiting.pop()) {
      if (!this.#excluded.add(indexKind.commit, hash)) continue
      waiting.push(...(this.#objects.commit(hash)?.parents ?? []))
      if (++this.#steps % commitsPerSlice === 0) yield
    }
  }

  /** Frames hold the next parent only: a commit is read again for each of them. */
  *from(tip: RawHash): Steps<void> {
    const stack: { readonly hash: RawHash; next: number }[] = []
    this.#enter(tip, stack)
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const commit = this.#objects.commit(top.hash)
      const parent = commit?.parents[top.next++]
      if (parent !== undefined) this.#enter(parent, stack)
      else {
        stack.pop()
        if (commit !== undefined) this.#commits.push({ hash: commit.hash, offset: commit.offset })
      }
      if (++this.#steps % commitsPerSlice === 0) yield
    }
  }

  #enter(hash: RawHash, stack: { readonly hash: RawHash; next: number }[]): void {
    if (this.#excluded.has(indexKind.commit, hash)) {
      const commit = this.#prerequisites.has(hash) ? undefined : this.#objects.commit(hash)
      if (commit !== undefined) this.#prerequisites.set(hash, { hash, offset: commit.offset })
      return
    }
    if (this.#seen.add(indexKind.commit, hash)) stack.push({ hash, next: 0 })
  }
}
