import { type Mutex, nextTurn } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { GIT_ID_KEY, type ProjectedCommit, type ProjectionSource } from '../projections/index.ts'

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
  /** Up to where archived commits are in it, and what stood in the way of more. */
  #archivedTo = ''
  #failure: VarveError | undefined

  constructor(parts: GitCommitMapParts) {
    this.#parts = parts
  }

  /**
   * Hashes (hex) of commits that came from Git commits whose id begins so; at most `limit`.
   * @throws CORRUPT, LOWER_UNAVAILABLE when there may be one in a volume that is away
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
    if (found.length === 0 && this.#failure !== undefined) throw this.#failure
    return found
  }

  async #readOn(): Promise<void> {
    const { source, assertOpen } = this.#parts
    assertOpen()
    await this.#readArchived()
    const end = source.end()
    if (end === this.#end) return
    await this.#addAll(source.commitsFrom(this.#end))
    this.#end = end
  }

  /** What was archived since the last time may never have been seen above. */
  async #readArchived(): Promise<void> {
    const { source } = this.#parts
    const archivedTo = source.archivedTo()
    if (archivedTo === this.#archivedTo) return
    this.#failure = undefined
    try {
      await this.#addAll(source.archivedCommits())
      this.#archivedTo = archivedTo
    } catch (error) {
      if (!VarveError.is(error, 'LOWER_UNAVAILABLE') && !VarveError.is(error, 'CORRUPT')) throw error
      this.#failure = error
    }
  }

  async #addAll(commits: Iterable<ProjectedCommit>): Promise<void> {
    const { assertOpen } = this.#parts
    let left = COMMITS_PER_SLICE
    for (const { hash, extra } of commits) {
      const id = extra[GIT_ID_KEY]
      if (id !== undefined) this.#add(id, hash)
      if (--left > 0) continue
      left = COMMITS_PER_SLICE
      await nextTurn()
      assertOpen()
    }
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
