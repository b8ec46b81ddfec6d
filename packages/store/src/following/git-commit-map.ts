import { type Mutex, nextTurn } from '@varve/pack/base'
import { GIT_ID_KEY, type ProjectionSource } from '../projections/index.ts'

/** Commits looked at between two turns of the event loop. */
const COMMITS_PER_SLICE = 512

export interface GitCommitMapParts {
  /** The log as it is read at the moment. */
  readonly source: ProjectionSource
  /** Files stay open, and the log as long as it is, while it is held. */
  readonly lock: Mutex
  /** @throws STORE_CLOSED */
  readonly assertOpen: () => void
}

/**
 * Which commit came from which Git commit, in memory: made when it is first asked for, and brought up to what
 * was read of the log since. What was collected stays in it, so the commits themselves decide.
 */
export class GitCommitMap {
  readonly #parts: GitCommitMapParts
  /** Hashes (hex) by Git id: nearly always one. */
  readonly #hashes = new Map<string, readonly string[]>()
  #ids: string[] | undefined
  #end = 0

  constructor(parts: GitCommitMapParts) {
    this.#parts = parts
  }

  /**
   * Hashes (hex) of commits that came from Git commits whose id begins so; at most `limit`. @throws CORRUPT
   */
  async gitCommits(idPrefix: string, limit: number): Promise<string[]> {
    await this.#parts.lock.run(() => this.#readOn())
    this.#ids ??= [...this.#hashes.keys()].sort()
    const found: string[] = []
    for (let at = firstFrom(this.#ids, idPrefix); at < this.#ids.length && found.length < limit; at++) {
      const id = this.#ids[at] as string
      if (!id.startsWith(idPrefix)) break
      const hashes = this.#hashes.get(id) as readonly string[]
      const hash = hashes.find((each) => this.#parts.source.gitIdOf(each) === id)
      if (hash !== undefined) found.push(hash)
    }
    return found
  }

  async #readOn(): Promise<void> {
    const { source, assertOpen } = this.#parts
    assertOpen()
    const end = source.end()
    if (end === this.#end) return
    let left = COMMITS_PER_SLICE
    for (const { hash, extra } of source.commitsFrom(this.#end)) {
      const id = extra[GIT_ID_KEY]
      if (id !== undefined) this.#add(id, hash)
      if (--left > 0) continue
      left = COMMITS_PER_SLICE
      await nextTurn()
      assertOpen()
    }
    this.#end = end
  }

  #add(id: string, hash: string): void {
    const hashes = this.#hashes.get(id)
    if (hashes === undefined) this.#ids = undefined
    if (hashes?.includes(hash) !== true) this.#hashes.set(id, [...(hashes ?? []), hash])
  }
}

/** The first of these sorted texts that is not below the prefix. */
function firstFrom(sorted: readonly string[], prefix: string): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((sorted[middle] as string) < prefix) from = middle + 1
    else to = middle
  }
  return from
}
