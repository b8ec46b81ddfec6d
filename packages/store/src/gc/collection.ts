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
/** Held rounds that may be given up as too long; the next one runs to its end while the writer waits. */
const GIVEN_UP_ROUNDS_MAX = 4

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

  get progress(): Progress {
    return this.#progress
  }

  /** Seals the log and starts the worker; the sweep goes on after this resolves. Called once. */
  start(): Promise<void> {
    this.#started = this.#start()
    return this.#started
  }

  async #start(): Promise<void> {
    try {
      await this.#host.assertSpaceFor(this.target)
      this.#host.warmUp()
      await this.#host.sealLog()
    } catch (error) {
      throw asCollectionError(error)
    }
    if (this.#isCancelRequested) throw new VarveError('ABORTED', {})
    const worker = this.#stalls.section(() => this.#host.startWorker(this.#order()))
    this.#worker = worker
    this.#sweep = worker.sweep().then(
      () => {
        if (this.#state === 'sweeping') this.#state = 'swept'
      },
      async (error: unknown) => {
        if (this.#state !== 'cancelled') this.#state = 'failed'
        await worker.cancel()
        throw error
      },
    )
    // Whoever finishes the collection gets the failure; until then it is kept here, not lost.
    this.#sweep.catch(() => undefined)
  }

  /** Resolves when the sweep is over, however it ended. */
  async swept(): Promise<void> {
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
      this.#state = 'failed'
      throw asCollectionError(error)
    }
  }

  /** Rounds outside the queue until what is left fits into one under it. */
  async #catchUpAndSwitch(worker: CollectionWorker): Promise<void> {
    let from = worker.startPosition
    for (let givenUp = 0; ; ) {
      const to = await this.#host.syncLog()
      if (to - from > HELD_SCAN_BYTES_MAX && givenUp < GIVEN_UP_ROUNDS_MAX) {
        await worker.catchUp({ from, to, isBudgeted: false })
        from = to
        givenUp++
      }
      this.#stopIfCancelled()
      const release = await this.#host.holdLog()
      try {
        const end = await this.#host.syncLog()
        const isBudgeted = givenUp < GIVEN_UP_ROUNDS_MAX
        if (await worker.catchUp({ from, to: end, isBudgeted })) {
          this.#stopIfCancelled()
          this.#isSwitching = true
          return await worker.switchOver()
        }
      } finally {
        release()
      }
      givenUp++
      const reached = await this.#host.syncLog()
      await worker.catchUp({ from, to: reached, isBudgeted: false })
      from = reached
    }
  }

  #statsOf(figures: CollectionFigures): GcStats {
    return {
      target: this.target === undefined ? undefined : (rawToHex(this.target.hash) as Hash<'commit'>),
      objectsKept: figures.objectsKept,
      bytesKept: figures.bytesKept,
      bytesFreed: figures.bytesFreed,
      bytesArchived: 0,
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

  #isCancelled(): boolean {
    return this.#isCancelRequested && !this.#isSwitching
  }

  #stopIfCancelled(): void {
    if (this.#isCancelRequested) throw new VarveError('ABORTED', {})
  }
}

/** Errors of ours pass; anything else becomes GC_FAILED with its cause. */
export function asCollectionError(error: unknown): VarveError {
  if (VarveError.is(error)) return error
  const isOfSystem = error instanceof Error && 'syscall' in error
  return new VarveError('GC_FAILED', { reason: isOfSystem ? 'disk' : 'other' }, { cause: error })
}
