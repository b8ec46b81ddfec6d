/**
 * The collector as its callers see it: at most one collection at a time, each with exactly one end.
 * `startGc` and `finaliseGc` are the Irmin-shaped pair; `run` finishes by itself.
 */

import { parseDuration } from '@varve/pack/base'
import {
  abortedError,
  checkOptions,
  listenerOf,
  optionRule,
  orAborted,
  throwIfAborted,
  VarveError,
} from '@varve/pack/errors'
import { rawToHex } from '@varve/pack/objects'
import {
  type CommitLike,
  type Duration,
  type Gc,
  type GcOptions,
  type GcResult,
  type GcStats,
  type GcStatus,
  gcRules,
  type Hash,
} from '../api/index.ts'
import { asCollectionError, Collection } from './collection.ts'
import type { CollectionHost, CommitPlace } from './collection-host.ts'
import { StallMeter } from './stall-meter.ts'

/** How long a bare put or commit is kept without a holder, unless the caller says otherwise. */
const GRACE_DEFAULT: Duration = '10m'

export interface GarbageCollectorOptions {
  readonly host: CollectionHost
  /** @throws UNKNOWN_COMMIT, COLLECTED */
  readonly findCommit: (commit: CommitLike) => CommitPlace
  readonly onStatus: (status: GcStatus) => void
}

export class GarbageCollector implements Gc {
  readonly #host: CollectionHost
  readonly #findCommit: (commit: CommitLike) => CommitPlace
  readonly #onStatus: (status: GcStatus) => void
  #current: Collection | undefined
  /** Lets go of the signal of the one that is current. */
  #stopWatching: (() => void) | undefined
  /** What may not happen during a collection and is under way. */
  #between: Promise<unknown> | undefined
  #isClosed = false

  constructor(o: GarbageCollectorOptions) {
    this.#host = o.host
    this.#findCommit = o.findCommit
    this.#onStatus = o.onStatus
  }

  /**
   * Seals the open chunk and starts a worker; false when a collection is running already, or waits to be
   * finalised. One whose sweep has failed gives way: its failure is told by `finaliseGc` and `wait`, once,
   * and only until another begins; and whether anybody asks or not, by `status` and as an event.
   * @throws STORE_CLOSED, UNKNOWN_COMMIT, TARGET_TOO_OLD, NO_SPACE, OPTION_MISMATCH; ABORTED when it is
   * cancelled, or the store closed, before it has started
   */
  async startGc(target?: CommitLike, o: GcOptions = {}): Promise<boolean> {
    checkOptions(o, gcRules)
    this.#assertOpen()
    while (this.#isHeldUp()) await this.#letGo()
    if (this.#current !== undefined) return false
    await this.#start(target, o)
    return true
  }

  /**
   * Waits for the sweep (unless `wait` is false), then switches.
   * @throws GC_FAILED (reason `disk` where the disk is full by now), CORRUPT, WRITER_FAILED, STORE_CLOSED
   */
  async finaliseGc(o: { readonly wait?: boolean | undefined } = {}): Promise<GcResult> {
    checkOptions(o, { wait: optionRule.flag })
    this.#assertOpen()
    const current = this.#current
    if (current === undefined) return { state: 'idle' }
    const isStillSweeping = current.state === 'sweeping'
    if (o.wait === false && isStillSweeping) return { state: 'running', progress: current.progress }
    return this.#finish(current)
  }

  async run(target?: CommitLike, o: GcOptions = {}): Promise<GcStats> {
    checkOptions(o, gcRules)
    this.#assertOpen()
    throwIfAborted(o.signal)
    while (this.#isHeldUp()) await this.#letGo()
    const current = this.#current
    if (current !== undefined) return this.#join(current, target, o)
    const collection = await this.#start(target, o)
    // The signal cancels it. Where that comes too late, what has happened is told.
    return statsOf(await this.#finish(collection), o.signal)
  }

  async wait(): Promise<GcResult> {
    return this.finaliseGc({ wait: true })
  }

  async cancel(): Promise<boolean> {
    const current = this.#current
    return current === undefined ? false : this.#cancel(current)
  }

  get status(): GcStatus {
    const current = this.#current
    if (current === undefined) return { state: 'idle' }
    return {
      state: current.state === 'sweeping' ? 'running' : 'ready',
      ...(current.failure !== undefined && { error: current.failure }),
      target: current.target === undefined ? undefined : (rawToHex(current.target.hash) as Hash<'commit'>),
      startedAt: new Date(current.startedAt),
      progress: current.progress,
    }
  }

  isFinished(): boolean {
    return this.#current === undefined
  }

  behaviour(): 'archive' | 'delete' {
    return this.#host.isArchiving() ? 'archive' : 'delete'
  }

  async isAllowed(target?: CommitLike): Promise<true | VarveError> {
    try {
      this.#assertOpen()
      const isRunning = this.#current !== undefined && this.#current.state !== 'failed'
      if (isRunning) return new VarveError('GC_RUNNING', {})
      this.#host.assertLowerThere()
      await this.#host.assertSpaceFor(this.#placeOf(target), new StallMeter(this.#host.clock))
      return true
    } catch (error) {
      return asCollectionError(error)
    }
  }

  latestTarget(): Hash<'commit'> | undefined {
    const latest = this.#host.latestTarget()
    return latest === undefined ? undefined : (rawToHex(latest.hash) as Hash<'commit'>)
  }

  /**
   * Work that may not happen during a collection: none starts before it has ended.
   * @throws GC_RUNNING, and what the work throws
   */
  async between<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen()
    while (this.#isHeldUp()) await this.#letGo()
    if (this.#current !== undefined) throw new VarveError('GC_RUNNING', {})
    const running = work()
    const ended = running.then(
      () => undefined,
      () => undefined,
    )
    this.#between = ended
    try {
      return await running
    } finally {
      if (this.#between === ended) this.#between = undefined
    }
  }

  /** Cancels what is running; nothing starts after this. */
  async close(): Promise<void> {
    this.#isClosed = true
    while (this.#between !== undefined) await this.#between
    const current = this.#current
    if (current === undefined) return
    await current.cancel()
    await current.swept()
    this.#end(current)
  }

  async #start(target: CommitLike | undefined, o: GcOptions): Promise<Collection> {
    throwIfAborted(o.signal)
    const graceMs = durationMs(o.grace ?? GRACE_DEFAULT)
    const collection = new Collection(this.#host, {
      target: this.#placeOf(target),
      keep: this.#keepOf(o),
      graceMs,
      unlink: o.unlink ?? true,
      onProgress: listenerOf(o.onProgress),
    })
    this.#current = collection
    try {
      await collection.start()
    } catch (error) {
      this.#end(collection)
      throw o.signal?.aborted === true ? abortedError(o.signal) : error
    }
    this.#report()
    this.#watch(collection, o.signal)
    return collection
  }

  /** Whether something must end first that others may be waiting for too. */
  #isHeldUp(): boolean {
    return this.#between !== undefined || this.#current?.state === 'failed'
  }

  /** Who waited before may have begun something else by then. @throws STORE_CLOSED */
  async #letGo(): Promise<void> {
    await this.#between
    if (this.#current?.state === 'failed') await this.#forgetFailed(this.#current)
    this.#assertOpen()
  }

  /** A sweep that has failed leaves nothing to finalise, once its files are gone. */
  async #forgetFailed(failed: Collection): Promise<void> {
    await failed.swept()
    this.#end(failed)
  }

  /** Tells of the end of the sweep, and cancels when the signal aborts. */
  #watch(collection: Collection, signal: AbortSignal | undefined): void {
    const onAbort = (): void => {
      // A cancel that comes too late changes nothing, and its failure is the collection's own.
      this.#cancel(collection).catch(() => undefined)
    }
    const onSwept = (): void => {
      if (this.#current === collection) this.#report()
    }
    void collection.swept().then(onSwept)
    if (this.#current !== collection || signal === undefined) return
    this.#stopWatching = () => signal.removeEventListener('abort', onAbort)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  }

  async #cancel(collection: Collection): Promise<boolean> {
    const isCancelled = await collection.cancel()
    if (isCancelled) this.#end(collection)
    return isCancelled
  }

  async #finish(collection: Collection): Promise<GcResult> {
    try {
      return await collection.finish()
    } finally {
      this.#end(collection)
    }
  }

  async #join(current: Collection, target: CommitLike | undefined, o: GcOptions): Promise<GcStats> {
    const wanted = target === undefined ? undefined : this.#findCommit(target)
    const isServed = current.keepsFor({
      target: wanted,
      keep: this.#keepOf(o),
      graceMs: o.grace === undefined ? 0 : durationMs(o.grace),
      unlink: o.unlink ?? true,
    })
    if (!isServed) throw new VarveError('GC_RUNNING', {})
    return statsOf(await orAborted(this.#finish(current), o.signal), o.signal)
  }

  #keepOf(o: GcOptions): CommitPlace[] {
    return [...(o.keep ?? [])].map((commit) => this.#findCommit(commit))
  }

  #placeOf(target: CommitLike | undefined): CommitPlace | undefined {
    if (target === undefined) return undefined
    const place = this.#findCommit(target)
    const latest = this.#host.latestTarget()
    if (latest !== undefined && place.offset < latest.offset) {
      throw new VarveError('TARGET_TOO_OLD', { latest: rawToHex(latest.hash) })
    }
    return place
  }

  #end(collection: Collection): void {
    if (this.#current !== collection) return
    this.#current = undefined
    this.#stopWatching?.()
    this.#stopWatching = undefined
    this.#report()
  }

  #report(): void {
    this.#onStatus(this.status)
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new VarveError('STORE_CLOSED', {})
    this.#host.assertWritable()
  }
}

function statsOf(result: GcResult, signal: AbortSignal | undefined): GcStats {
  if (result.state === 'finalised') return result.stats
  throw signal?.aborted === true ? abortedError(signal) : new VarveError('ABORTED', {})
}

function durationMs(duration: Duration): number {
  const ms = parseDuration(duration)
  if (ms === undefined) throw new VarveError('OPTION_MISMATCH', { option: 'grace' })
  return ms
}
