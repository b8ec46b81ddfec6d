/**
 * One collection, from the start of its worker to its end.
 *
 *     sweeping ──► swept ──► finishing ──► finalised
 *        │           │           │
 *        └───────────┴───────────┴──► cancelled | failed       (until control has been replaced)
 *
 * Before the switch a crash, a failure, or a cancel means that no collection happened. Driven by
 * `GarbageCollector`.
 */
import { VarveError } from '@varve/pack/errors'
import { rawToHex } from '@varve/pack/objects'
import type { GcResult, GcStats, Hash, Progress } from '../api/index.ts'
import type {
  CollectionFigures,
  CollectionHost,
  CollectionOrder,
  CollectionWorker,
  CommitPlace,
} from './collection-host.ts'
import { StallMeter } from './stall-meter.ts'

/** Log that may be scanned while the writer is held. */
const HELD_SCAN_BYTES_MAX = 1 << 20
/** Rounds before anybody waits for the end; a writer that is faster than these is waited for later. */
const AHEAD_ROUNDS_MAX = 4
/** Held rounds that may be given up as too long before the writer is slowed. */
const GIVEN_UP_ROUNDS_MAX = 4
/** Then its sections are this far apart, and twice as far with each further round that is given up. */
const PAUSE_FIRST_MS = 1
/** The last pauses are half a minute long: an outside round that takes longer is not caught up with. */
const SLOWED_ROUNDS_MAX = 16

export type CollectionState = 'sweeping' | 'swept' | 'finishing' | 'finalised' | 'cancelled' | 'failed'

export interface CollectionRequest {
  readonly target: CommitPlace | undefined
  readonly keep: readonly CommitPlace[]
  readonly graceMs: number
  readonly unlink: boolean
  readonly onProgress: ((progress: Progress) => void) | undefined
}

export class Collection {
  readonly target: CommitPlace | undefined
  readonly startedAt: number
  readonly #host: CollectionHost
  readonly #stalls: StallMeter
  readonly #fromMs: number
  readonly #request: CollectionRequest
  #worker: CollectionWorker | undefined
  #state: CollectionState = 'sweeping'
  #progress: Progress = { phase: 'start', done: 0, total: undefined, bytesDone: 0, etaMs: undefined }
  #sweep: Promise<void> = Promise.resolve()
  #started: Promise<void> | undefined
  #result: Promise<GcResult> | undefined
  /** Up to where the worker knows the log. */
  #caughtUpTo = 0
  #failure: VarveError | undefined
  #isCancelRequested = false
  /** From here on only the disk decides how it ends. */
  #isSwitching = false

  constructor(host: CollectionHost, request: CollectionRequest) {
    this.target = request.target
    this.startedAt = host.clock.now()
    this.#host = host
    this.#request = request
    this.#fromMs = host.clock.monotonic()
    this.#stalls = new StallMeter(host.clock)
  }

  get state(): CollectionState {
    return this.#state
  }

  /** Why it failed, from the moment when it is `failed`. */
  get failure(): VarveError | undefined {
    return this.#failure
  }

  get progress(): Progress {
    return this.#progress
  }

  /** Whether whoever makes this request gets what he wants from this collection: as much is kept, or more. */
  keepsFor(wanted: Omit<CollectionRequest, 'onProgress'>): boolean {
    const { target, keep, graceMs, unlink } = this.#request
    if (wanted.target?.hash !== target?.hash || wanted.graceMs > graceMs) return false
    const kept = new Set([target, ...keep].map((place) => place?.hash))
    return (wanted.unlink || !unlink) && wanted.keep.every(({ hash }) => kept.has(hash))
  }

  /** Seals the log and starts the worker; the sweep goes on after this resolves. Called once. */
  start(): Promise<void> {
    this.#started = this.#start()
    return this.#started
  }

  async #start(): Promise<void> {
    try {
      this.#host.assertLowerThere()
      await this.#host.assertSpaceFor(this.target, this.#stalls)
      this.#stopIfCancelled()
      this.#host.warmUp()
      await this.#host.sealLog()
    } catch (error) {
      throw asCollectionError(error)
    }
    const worker = this.#startWorker()
    this.#worker = worker
    this.#caughtUpTo = worker.startPosition
    this.#sweep = this.#sweepAndCatchUp(worker).then(
      () => {
        if (this.#state === 'sweeping') this.#state = 'swept'
      },
      async (error: unknown) => {
        if (this.#state !== 'cancelled') this.#fail(error)
        await worker.cancel()
        throw error
      },
    )
    // Whoever finishes the collection gets the failure; until then it is kept here, not lost.
    this.#sweep.catch(() => undefined)
  }

  #startWorker(): CollectionWorker {
    try {
      if (this.#isCancelRequested) throw new VarveError('ABORTED', {})
      return this.#stalls.section(() => this.#host.startWorker(this.#order()))
    } catch (error) {
      // What the seal has left for a worker to do is done in another way.
      this.#host.abandon()
      throw error
    }
  }

  async #sweepAndCatchUp(worker: CollectionWorker): Promise<void> {
    await worker.sweep()
    for (let round = 0; round < AHEAD_ROUNDS_MAX && this.#isFarBehind(); round++) {
      this.#stopIfCancelled()
      await this.#catchUp(worker)
    }
  }

  /** Resolves when start and sweep are over, however they ended: nothing of them is under way any more. */
  async swept(): Promise<void> {
    await this.#started?.catch(() => undefined)
    await this.#sweep.catch(() => undefined)
  }

  /** Waits for the sweep, catches up, and switches; every caller gets the same outcome. */
  finish(): Promise<GcResult> {
    this.#result ??= this.#finish()
    return this.#result
  }

  /** False when it was too late: the switch has happened or the collection had ended. */
  async cancel(): Promise<boolean> {
    this.#isCancelRequested = true
    if (this.#state === 'finishing') {
      // A round under way is given up at once: the program's writes may be waiting for it.
      if (!this.#isSwitching) await this.#worker?.cancel()
      const result = await this.finish().catch(() => undefined)
      return result?.state === 'cancelled'
    }
    if (this.#state !== 'sweeping' && this.#state !== 'swept') return false
    this.#state = 'cancelled'
    // A start under way may be replacing control; it starts no worker any more.
    await this.#started?.catch(() => undefined)
    await this.#worker?.cancel()
    await this.swept()
    return true
  }

  async #finish(): Promise<GcResult> {
    try {
      await this.#started
      await this.#sweep
      if (this.#isCancelled()) return { state: 'cancelled' }
      this.#state = 'finishing'
      const worker = this.#worker as CollectionWorker
      await this.#catchUpAndSwitch(worker)
      const stats = this.#statsOf(await worker.end())
      this.#state = 'finalised'
      return { state: 'finalised', stats }
    } catch (error) {
      await this.#worker?.cancel()
      if (this.#isCancelled()) {
        this.#state = 'cancelled'
        return { state: 'cancelled' }
      }
      throw this.#fail(error)
    }
  }

  /**
   * Rounds outside the queue until what is left fits into one under it. A writer that is faster than the
   * rounds is slowed: in the end nothing is written between two of them.
   */
  async #catchUpAndSwitch(worker: CollectionWorker): Promise<void> {
    if (this.#isFarBehind()) await this.#catchUp(worker)
    try {
      for (let givenUp = 0; !(await this.#tryToSwitch(worker)); ) {
        givenUp++
        const slowed = givenUp - GIVEN_UP_ROUNDS_MAX
        if (slowed > SLOWED_ROUNDS_MAX) throw tooFast()
        if (slowed >= 0) this.#host.slowWrites(PAUSE_FIRST_MS * 2 ** slowed)
        await this.#catchUp(worker)
      }
    } finally {
      this.#host.slowWrites(0)
    }
  }

  /** One round under the held queue, and the switch. False: it was too long, and nothing was done. */
  async #tryToSwitch(worker: CollectionWorker): Promise<boolean> {
    this.#stopIfCancelled()
    const release = await this.#host.holdLog()
    try {
      // What is not synced yet is part of what the writer would have to wait for.
      if (this.#isFarBehind()) return false
      const to = await this.#host.syncLog()
      if (!(await worker.catchUp({ from: this.#caughtUpTo, to, isBudgeted: true }))) return false
      this.#stopIfCancelled()
      this.#isSwitching = true
      await worker.switchOver()
      return true
    } finally {
      release()
    }
  }

  /** One round while the program writes. */
  async #catchUp(worker: CollectionWorker): Promise<void> {
    const to = await this.#host.syncLog()
    await worker.catchUp({ from: this.#caughtUpTo, to, isBudgeted: false })
    this.#caughtUpTo = to
  }

  #isFarBehind(): boolean {
    return this.#host.logEnd() - this.#caughtUpTo > HELD_SCAN_BYTES_MAX
  }

  #statsOf(figures: CollectionFigures): GcStats {
    return {
      target: this.target === undefined ? undefined : (rawToHex(this.target.hash) as Hash<'commit'>),
      objectsKept: figures.objectsKept,
      bytesKept: figures.bytesKept,
      bytesFreed: figures.bytesFreed,
      bytesArchived: figures.bytesArchived,
      wallMs: this.#host.clock.monotonic() - this.#fromMs,
      longestStallMs: this.#stalls.longestMs,
      peakBytes: figures.peakBytes,
    }
  }

  #order(): CollectionOrder {
    const { target, keep, graceMs, unlink, onProgress } = this.#request
    return {
      target,
      keep,
      unlink,
      youngAfterMs: graceMs === 0 ? Number.POSITIVE_INFINITY : this.startedAt - graceMs,
      stalls: this.#stalls,
      onProgress: (progress) => {
        this.#progress = progress
        onProgress?.(progress)
      },
    }
  }

  #fail(error: unknown): VarveError {
    this.#state = 'failed'
    this.#failure ??= asCollectionError(error)
    return this.#failure
  }

  #isCancelled(): boolean {
    return this.#isCancelRequested && !this.#isSwitching
  }

  #stopIfCancelled(): void {
    if (this.#isCancelRequested) throw new VarveError('ABORTED', {})
  }
}

function tooFast(): VarveError {
  const message = 'The collection could not catch up with what the program wrote'
  return new VarveError('GC_FAILED', { reason: 'other' }, { message })
}

/** Errors of ours pass; anything else becomes GC_FAILED with its cause. */
export function asCollectionError(error: unknown): VarveError {
  if (VarveError.is(error)) return error
  const isOfSystem = error instanceof Error && 'syscall' in error
  return new VarveError('GC_FAILED', { reason: isOfSystem ? 'disk' : 'other' }, { cause: error })
}
