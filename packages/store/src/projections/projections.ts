/**
 * Projections of the log into a key-value database, for queries that the log answers slowly: refs for
 * listing, and which commit came from which Git commit. They follow behind, never decide, and can be thrown
 * away: whoever gets an answer from here looks the object up in the store before using it.
 */
import { packHeaderSize } from '@varve/pack/pack'
import type { Kv, KvOperation } from '../kv/index.ts'

/** The key of a commit's `extra` under which an import keeps the Git id. */
export const GIT_ID_KEY = 'git:id'
/** Changes that wait for a batch; more than this begins one at once. */
const WAITING_MAX = 4096
const SPACE = { refs: 'refs', git: 'git' } as const

/** What a rebuild projects again. */
export interface ProjectionSource {
  /** Commits whose records lie at or above a position of the log, with their hashes in hex. */
  commitsFrom(position: number): Iterable<ProjectedCommit>
  refs(): Iterable<{ readonly key: string; readonly hash: string }>
  /** Up to where the log is. */
  end(): number
}
export interface ProjectedCommit {
  readonly hash: string
  readonly extra: Readonly<Record<string, string>>
}

export class Projections {
  readonly #kv: Kv
  readonly #turn: () => Promise<void>
  /** What no batch has yet, by space and key: only the newest change of a key is written. */
  #waiting = new Map<string, KvOperation>()
  #position = 0
  #running: Promise<void> | undefined
  #pruning: Promise<void> = Promise.resolve()
  #isClosed = false

  /** @param turn lets the event loop in: what is noted meanwhile shares a batch */
  constructor(kv: Kv, turn: () => Promise<void>) {
    this.#kv = kv
    this.#turn = turn
    this.#position = kv.projectedTo() ?? 0
  }

  /** Brings the projections up to the log; says why when they had to be made anew. */
  async catchUp(source: ProjectionSource, isNewStore: boolean): Promise<string | undefined> {
    const end = source.end()
    const reached = this.#kv.projectedTo()
    const reason = isNewStore ? undefined : this.#reasonToRebuild(reached, end)
    if (reason !== undefined) await this.#kv.clear()
    const from = reason === undefined ? (reached ?? 0) : 0
    for (const commit of source.commitsFrom(from)) {
      this.#project(commit)
      if (this.#waiting.size >= WAITING_MAX) await this.#writeWaiting(from)
    }
    if (from < end) for (const ref of source.refs()) this.#add(refOperation(ref.key, ref.hash))
    await this.#writeWaiting(end)
    return reason
  }

  /** Takes a commit that is now in the log. */
  noteCommit(commit: ProjectedCommit, position: number): void {
    this.#project(commit)
    this.#noted(position)
  }

  /** Takes a ref that now points to `hash` (hex), or is gone. */
  noteRef(key: string, hash: string | undefined, position: number): void {
    this.#add(refOperation(key, hash))
    this.#noted(position)
  }

  /** Hashes (hex) of commits that came from Git commits whose id begins so; at most `limit`. */
  async gitCommits(idPrefix: string, limit: number): Promise<string[]> {
    await this.settled()
    const hashes: string[] = []
    for await (const entry of this.#kv.range(SPACE.git, { prefix: idPrefix, limit })) hashes.push(entry.value)
    return hashes
  }

  /** Removes, behind the caller's back, what was said of commits that the store no longer holds. */
  startPruning(isHeld: (hash: string) => boolean): void {
    // What is left over is looked up in vain and removed after the next collection.
    this.#pruning = this.#pruning.then(() => this.#prune(isHeld)).catch(() => undefined)
  }

  async #prune(isHeld: (hash: string) => boolean): Promise<void> {
    await this.settled()
    for await (const entry of this.#kv.range(SPACE.git)) {
      if (this.#isClosed) return
      if (!isHeld(entry.value)) this.#add({ kind: 'delete', space: SPACE.git, key: entry.key })
      if (this.#waiting.size >= WAITING_MAX) await this.settled()
    }
    await this.settled()
  }

  /** Resolves when everything noted so far is written, or could not be. */
  async settled(): Promise<void> {
    while (this.#running !== undefined || this.#waiting.size > 0) {
      this.#start()
      await this.#running
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#pruning
    await this.settled()
    await this.#kv.close()
  }

  #add(operation: KvOperation): void {
    this.#waiting.set(`${operation.space}/${operation.key}`, operation)
  }

  #project(commit: ProjectedCommit): void {
    const id = commit.extra[GIT_ID_KEY]
    if (id !== undefined) this.#add({ kind: 'put', space: SPACE.git, key: id, value: commit.hash })
  }

  #noted(position: number): void {
    this.#position = Math.max(this.#position, position)
    if (this.#waiting.size > 0) this.#start()
  }

  #start(): void {
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      await this.#turn()
      await this.#writeWaiting(this.#position)
    }
    this.#running = undefined
  }

  /** A batch that fails leaves damage behind, by which the next open knows that it must rebuild. */
  async #writeWaiting(position: number): Promise<void> {
    const operations = [...this.#waiting.values()]
    this.#waiting.clear()
    await this.#kv.batch(operations, position).catch(() => undefined)
  }

  #reasonToRebuild(reached: number | undefined, end: number): string | undefined {
    if (this.#kv.damage !== undefined) return this.#kv.damage.what
    // Nothing is missing of a log that has no record yet.
    if (reached === undefined)
      return end <= packHeaderSize ? undefined : (this.#kv.reason ?? 'there were none')
    return reached > end ? 'they were of a longer log' : undefined
  }
}

function refOperation(key: string, hash: string | undefined): KvOperation {
  if (hash === undefined) return { kind: 'delete', space: SPACE.refs, key }
  return { kind: 'put', space: SPACE.refs, key, value: hash }
}
