/**
 * Projections of the log into a key-value database, for queries that the log answers slowly: refs for
 * listing, and which commit came from which Git commit. They follow behind, never decide, and can be thrown
 * away: whoever gets an answer from here looks the object up in the store before using it, and "nothing" is
 * an answer only once the log has been seen to say the same. What is damaged is made anew from the log.
 */
import { VarveError } from '@varve/pack/errors'
import { packHeaderSize } from '@varve/pack/pack'
import type { Kv, KvOperation } from '../kv/index.ts'
import { disagreements } from './disagreements.ts'

/** The key of a commit's `extra` under which an import keeps the Git id. */
export const GIT_ID_KEY = 'git:id'
/** Changes that wait for a batch; more than this begins one at once. */
const WAITING_MAX = 4096
const SPACE = { refs: 'refs', git: 'git' } as const

/** What a rebuild projects again. */
export interface ProjectionSource {
  /** Commits whose records lie at or above a position of the log, with their hashes in hex. */
  commitsFrom(position: number): Iterable<ProjectedCommit>
  /** Those that rest in the lower layer. @throws LOWER_UNAVAILABLE, CORRUPT when not all can be read now */
  archivedCommits(): Iterable<ProjectedCommit>
  /** Another text whenever more rests there. */
  archivedTo(): string
  refs(): Iterable<{ readonly key: string; readonly hash: string }>
  /** The hash of one; `undefined`: there is no such ref. */
  refAt(key: string): string | undefined
  /** What a commit says of its origin; `undefined` when it says nothing, or the store does not hold it. */
  gitIdOf(hash: string): string | undefined
  /** Up to where the log is. */
  end(): number
}
export interface ProjectedCommit {
  readonly hash: string
  readonly extra: Readonly<Record<string, string>>
}

export interface ProjectionsParts {
  /** Lets the event loop in: what is noted meanwhile shares a batch. */
  readonly turn: () => Promise<void>
  /** Told when the projections had to be made anew, and why. */
  readonly onRebuilt: (reason: string) => void
}

export class Projections {
  readonly #kv: Kv
  readonly #parts: ProjectionsParts
  /** What no batch has yet, by space and key: only the newest change of a key is written. */
  #waiting = new Map<string, KvOperation>()
  #position = 0
  #running: Promise<void> | undefined
  #pruning: Promise<void> = Promise.resolve()
  #source: ProjectionSource | undefined
  /** A batch was lost: what is written after it would hide that. */
  #isBroken = false
  /** Every commit of the log was found to be here. */
  #isComplete = false
  #completing: Promise<void> | undefined
  #isClosed = false

  constructor(kv: Kv, parts: ProjectionsParts) {
    this.#kv = kv
    this.#parts = parts
    this.#position = kv.projectedTo() ?? 0
  }

  /** Brings the projections up to the log. */
  async catchUp(source: ProjectionSource, isNewStore: boolean): Promise<void> {
    this.#source = source
    const reached = this.#kv.projectedTo()
    const reason = isNewStore ? undefined : this.#reasonToRebuild(reached, source.end())
    if (reason !== undefined) return this.#makeAnew(source, reason)
    await this.#projectFrom(source, reached ?? 0)
  }

  /** Takes a commit that is now in the log. */
  noteCommit(commit: ProjectedCommit, position: number): void {
    for (const operation of gitOperations(commit)) this.#add(operation)
    this.#noted(position)
  }

  /** Takes a ref that now points to `hash` (hex), or is gone. */
  noteRef(key: string, hash: string | undefined, position: number): void {
    this.#add(refOperation(key, hash))
    this.#noted(position)
  }

  /**
   * Hashes (hex) of commits that came from Git commits whose id begins so; at most `limit`. The database only
   * suggests: the commits themselves say whether they are meant. The first time that none is costs a look at
   * every commit.
   */
  async gitCommits(idPrefix: string, limit: number): Promise<string[]> {
    await this.settled()
    const found = await this.#readGitCommits(idPrefix, limit)
    if (this.#damage === undefined && (found.length > 0 || this.#isComplete)) return found
    // Forgotten only after it is noted here: what has nothing to wait for ends before it is.
    this.#completing ??= this.#complete().finally(() => {
      this.#completing = undefined
    })
    await this.#completing
    return this.#readGitCommits(idPrefix, limit)
  }

  /** Removes, behind the caller's back, what was said of commits that the store no longer holds. */
  startPruning(isHeld: (hash: string) => boolean): void {
    // What is left over is looked up in vain and removed after the next collection.
    this.#pruning = this.#pruning.then(() => this.#prune(isHeld)).catch(() => undefined)
  }

  async #readGitCommits(prefix: string, limit: number): Promise<string[]> {
    if (this.#isClosed) throw new VarveError('STORE_CLOSED', {})
    const hashes: string[] = []
    for await (const { key, value } of this.#kv.range(SPACE.git, { prefix })) {
      if (this.#source === undefined || this.#source.gitIdOf(value) === key) hashes.push(value)
      if (hashes.length >= limit) break
    }
    return hashes
  }

  /** LevelDB gives a lost table as absence, without an error: only the log can say that there is nothing. */
  async #complete(): Promise<void> {
    const source = this.#source
    const reason = source === undefined ? undefined : (this.#damage ?? this.#missingIn(source))
    while (this.#running !== undefined) await this.#running
    if (source !== undefined && reason !== undefined && !this.#isClosed) {
      this.#running = this.#makeAnew(source, reason).then(() => this.#run())
      await this.#running
    }
    this.#isComplete = true
  }

  #missingIn(source: ProjectionSource): string | undefined {
    return (
      this.#missingAmong(source, source.commitsFrom(0)) ??
      this.#missingAmong(source, source.archivedCommits())
    )
  }

  #missingAmong(source: ProjectionSource, commits: Iterable<ProjectedCommit>): string | undefined {
    for (const { hash, extra } of commits) {
      const id = extra[GIT_ID_KEY]
      if (id === undefined) continue
      const found = this.#kv.getSync(SPACE.git, id)
      if (found === undefined) return 'entries were missing'
      // Another commit of the same origin will do.
      if (found !== hash && source.gitIdOf(found) !== id) return 'they were of another log'
    }
    return undefined
  }

  get #damage(): string | undefined {
    return this.#isBroken ? 'writing failed' : this.#kv.damage?.what
  }

  async #makeAnew(source: ProjectionSource, reason: string): Promise<void> {
    await this.#kv.clear()
    this.#isBroken = false
    await this.#projectFrom(source, 0)
    this.#parts.onRebuilt(reason)
  }

  async #projectFrom(source: ProjectionSource, from: number): Promise<void> {
    const end = source.end()
    if (from === 0) await this.#projectArchived(source)
    const operations = await this.#projectAll(source.commitsFrom(from), from)
    if (from < end) for (const ref of source.refs()) operations.push(refOperation(ref.key, ref.hash))
    await this.#write(operations, end)
  }

  /** As far as they can be read: a query that finds nothing looks again. */
  async #projectArchived(source: ProjectionSource): Promise<void> {
    try {
      await this.#write(await this.#projectAll(source.archivedCommits(), 0), 0)
    } catch (error) {
      if (!VarveError.is(error, 'LOWER_UNAVAILABLE') && !VarveError.is(error, 'CORRUPT')) throw error
    }
  }

  /** Gives what is still to be written. */
  async #projectAll(commits: Iterable<ProjectedCommit>, from: number): Promise<KvOperation[]> {
    let operations: KvOperation[] = []
    for (const commit of commits) {
      operations.push(...gitOperations(commit))
      if (operations.length < WAITING_MAX) continue
      await this.#write(operations, from)
      operations = []
    }
    return operations
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

  /** What the projections say that the log does not; read entry by entry, while the store goes on. */
  async disagreements(): Promise<string[]> {
    const source = this.#source
    if (source === undefined || this.#isClosed) return []
    return disagreements({
      kv: this.#kv,
      spaces: SPACE,
      refs: () => source.refs(),
      refAt: (key) => source.refAt(key),
      turn: this.#parts.turn,
      gitIdOf: (hash) => source.gitIdOf(hash),
      settled: () => this.settled(),
      isWaiting: (ref) => this.#waiting.has(`${SPACE.refs}/${ref}`),
    })
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

  #noted(position: number): void {
    this.#position = Math.max(this.#position, position)
    if (this.#waiting.size > 0) this.#start()
  }

  #start(): void {
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      await this.#parts.turn()
      await this.#writeWaiting(this.#position)
    }
    this.#running = undefined
  }

  async #writeWaiting(position: number): Promise<void> {
    const operations = [...this.#waiting.values()]
    this.#waiting.clear()
    await this.#write(operations, position)
  }

  /** After a batch that failed nothing is written: the next opening goes on where the last good one ended. */
  async #write(operations: readonly KvOperation[], position: number): Promise<void> {
    if (this.#isBroken) return
    try {
      await this.#kv.batch(operations, position)
    } catch {
      this.#isBroken = true
    }
  }

  #reasonToRebuild(reached: number | undefined, end: number): string | undefined {
    if (this.#kv.damage !== undefined) return this.#kv.damage.what
    // Nothing is missing of a log that has no record yet.
    if (reached === undefined)
      return end <= packHeaderSize ? undefined : (this.#kv.reason ?? 'there were none')
    return reached > end ? 'they were of a longer log' : undefined
  }
}

function gitOperations({ hash, extra }: ProjectedCommit): KvOperation[] {
  const id = extra[GIT_ID_KEY]
  return id === undefined ? [] : [{ kind: 'put', space: SPACE.git, key: id, value: hash }]
}

function refOperation(key: string, hash: string | undefined): KvOperation {
  if (hash === undefined) return { kind: 'delete', space: SPACE.refs, key }
  return { kind: 'put', space: SPACE.refs, key, value: hash }
}
