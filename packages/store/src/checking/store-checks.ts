/** Checks of the store that this process has open for writing: of its state at the start of each. */
import type { CheckThread } from '@varve/gc-worker'
import type { Clock } from '@varve/pack/base'
import { checkOptions, VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { type AppendLog, packHeaderSize } from '@varve/pack/pack'
import { type CheckFinding, type CheckOptions, type CheckReport, checkRules } from '../api/index.ts'
import type { FileSet } from '../file-set/index.ts'
import type { Projections } from '../projections/index.ts'
import { type FilesToCheck, filtersOf, runCheck } from './check-run.ts'
import { volumeLayers } from './volume-layers.ts'

export interface StoreChecksParts {
  readonly fs: FileSystem
  readonly folder: string
  readonly where: 'thread' | 'inline' | undefined
  readonly clock: Clock
  readonly files: FileSet
  readonly log: AppendLog
  readonly projections: Projections
}

export class StoreChecks {
  readonly #parts: StoreChecksParts
  readonly #running = new Set<Promise<unknown>>()
  readonly #threads = new Set<CheckThread>()
  #isClosed = false

  constructor(parts: StoreChecksParts) {
    this.#parts = parts
  }

  /** @throws OPTION_MISMATCH, ABORTED, STORE_CLOSED, GC_FAILED (the thread died, or the disk fails) */
  async run(o: CheckOptions): Promise<CheckReport> {
    checkOptions(o, checkRules)
    const running = this.#run(o)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Ends the checks under way, which reject, and waits until nothing of them touches a file any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#threads].map((thread) => thread.cancel()))
    await Promise.allSettled(this.#running)
  }

  async #run(o: CheckOptions): Promise<CheckReport> {
    const { fs, where, clock } = this.#parts
    const parts = { fs, where, clock, hold: () => this.#hold(), others: () => this.#projections() }
    const started: CheckThread[] = []
    try {
      const { report } = await runCheck(parts, o, (thread) => {
        started.push(thread)
        this.#threads.add(thread)
        this.#assertOpen()
      })
      return report
    } catch (error) {
      this.#assertOpen()
      throw error
    } finally {
      for (const thread of started) this.#threads.delete(thread)
    }
  }

  /** Everything accepted so far is in the files; those are held until the check is over. */
  async #hold(): Promise<FilesToCheck> {
    const { files, log, folder, clock } = this.#parts
    // What a failed log has written before counts; it writes nothing more.
    await log.sync().catch(() => undefined)
    // Between the replacement of control and the new address space there is a moment.
    while (files.control.epoch !== files.epoch) await clock.turn()
    this.#assertOpen()
    const { control, space } = files
    const end = log.failure === undefined ? log.syncedTo : log.writtenTo
    const indexes = [...files.index.files()]
    const unindexed = [...files.index.waiting(), control.chunks.at(-1)?.number ?? 0]
    space.acquire()
    for (const index of indexes) index.acquire()
    const chunks = control.chunks.map(({ number, base, length }) => ({
      number,
      base,
      length: length ?? Math.max(packHeaderSize, end - base),
    }))
    const { storeId, segments } = control
    const checkpoint = control.checkpoint ?? undefined
    const upper = { folder, prefix: '', storeId, chunks, unindexed, segments, checkpoint }
    const release = (): void => {
      for (const index of indexes) index.release()
      space.release()
    }
    try {
      const volumes = await volumeLayers(this.#parts.fs, control, files.lowerPath)
      return {
        layers: [upper, ...volumes.layers],
        filters: filtersOf(control),
        findings: volumes.findings,
        controlFolder: folder,
        hasVolumesAway: volumes.hasAway,
        isCurrent: () => files.control.epoch === control.epoch,
        release,
      }
    } catch (error) {
      release()
      throw error
    }
  }

  async #projections(): Promise<readonly CheckFinding[]> {
    const wrong = await this.#parts.projections.disagreements()
    return wrong.map((what) => ({
      severity: 'warning',
      file: fileName.projections,
      offset: 0,
      what,
      repairable: true,
    }))
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new VarveError('STORE_CLOSED', {})
  }
}
