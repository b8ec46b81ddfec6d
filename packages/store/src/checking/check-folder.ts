/**
 * Checks the store in a folder as it lies there, without opening it: nothing is taken, written, or mended, so
 * whatever is damaged is seen, and a store that does not open can be checked too. Another process may write
 * to it meanwhile.
 */
import { resolve } from 'node:path'
import { type Clock, loadXxh64, systemClock } from '@varve/pack/base'
import { checkOptions, VarveError } from '@varve/pack/errors'
import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { type ControlState, type RecoveredChunk, readControl } from '@varve/pack/pack'
import { type CheckFinding, type CheckOptions, type CheckReport, checkRules } from '../api/index.ts'
import { findWriter } from '../kv/index.ts'
import { newerChunk, readFailure } from '../opening/index.ts'
import { type Examined, type FilesToCheck, filtersOf, runCheck } from './check-run.ts'
import { openTail } from './open-tail.ts'
import { chunksLeftUnindexed, unindexedChunks } from './unindexed-chunks.ts'
import { volumeLayers } from './volume-layers.ts'

export interface CheckFolderParts {
  /** Default: the disk. */
  readonly fileSystem?: FileSystem | undefined
  readonly where?: 'thread' | 'inline' | undefined
  readonly clock?: Clock | undefined
  /**
   * The folder of the lower layer. Default: what control says; `null`: it is not looked at.
   */
  readonly lower?: string | null | undefined
}

/**
 * @throws NO_STORE, NEWER_FORMAT, OPTION_MISMATCH, ABORTED, READ_ONLY_FOLDER, GC_FAILED (the thread died, or
 * the disk fails)
 */
export async function checkFolder(
  path: string,
  o: CheckOptions = {},
  parts: CheckFolderParts = {},
): Promise<CheckReport> {
  return (await examineFolder(path, o, parts)).report
}

/** The same, with what only a repair wants to know. @throws as `checkFolder` does */
export async function examineFolder(
  path: string,
  o: CheckOptions,
  parts: CheckFolderParts,
): Promise<Examined> {
  checkOptions(o, checkRules)
  await loadXxh64()
  const { fileSystem: fs = new NodeFileSystem(), where, clock = systemClock, lower } = parts
  try {
    const folder = await fs.realPath(path)
    const found = new FolderFiles(fs, folder, lower)
    return await runCheck({ fs, where, clock, hold: () => found.hold(), others: () => found.others() }, o)
  } catch (error) {
    throw readFailure(error, path)
  }
}

class FolderFiles {
  readonly #fs: FileSystem
  readonly #folder: string
  readonly #lower: string | null | undefined
  #tail: RecoveredChunk | undefined

  constructor(fs: FileSystem, folder: string, lower: string | null | undefined) {
    this.#fs = fs
    this.#folder = folder
    this.#lower = lower
  }

  async hold(): Promise<FilesToCheck> {
    const controlFolder = this.#folder
    const release = (): void => {}
    const control = await this.#control()
    if (control === undefined) {
      const nothing = { layers: [], filters: [], findings: [], hasVolumesAway: false }
      return { ...nothing, controlFolder, isCurrent: () => true, release }
    }
    const { storeId, segments } = control
    const tail = await openTail(this.#fs, this.#folder, control)
    this.#tail = tail.recovered
    const chunks = []
    for (const { number, base, length } of control.chunks) {
      chunks.push({ number, base, length: length ?? tail.length })
    }
    const checkpoint = control.checkpoint ?? undefined
    const unindexed = [control.chunks.at(-1)?.number ?? 0, ...(await this.#unindexed(control))]
    const files = { folder: this.#folder, prefix: '', storeId, chunks, unindexed, segments, checkpoint }
    const volumes = await volumeLayers(this.#fs, control, this.#lowerOf(control))
    return {
      layers: [files, ...volumes.layers],
      filters: filtersOf(control),
      findings: volumes.findings,
      controlFolder,
      hasVolumesAway: volumes.hasAway,
      isCurrent: async () => (await this.#control())?.sequence === control.sequence,
      release,
    }
  }

  async others(): Promise<readonly CheckFinding[]> {
    return [...(await this.#olderControl()), ...(await this.#behindTheEnd())]
  }

  /** An opening for writing refuses a control that is older than its files. */
  async #olderControl(): Promise<CheckFinding[]> {
    const names = await this.#fs.list(this.#folder)
    const newer = async (): Promise<string | undefined> => {
      const control = await this.#control()
      return control === undefined ? undefined : newerChunk(this.#fs, this.#folder, control, names)
    }
    // Twice: a writer may have begun a chunk, and named it, since the first look at control.
    const name = (await newer()) === undefined ? undefined : await newer()
    if (name === undefined) return []
    const what = `${name} is newer than control: it is an older one, and no opening for writing takes it`
    return [{ severity: 'error', file: fileName.control, offset: 0, what, repairable: false }]
  }

  /** What stands behind the end of the log: nothing of it was acknowledged. */
  async #behindTheEnd(): Promise<CheckFinding[]> {
    const tail = this.#tail
    if (tail === undefined || tail.bytesCut === 0 || (await this.#isInUse())) return []
    const what = `${tail.bytesCut} bytes behind the end of the log are no whole batches: an opening cuts them`
    const offset = tail.end - tail.base
    return [{ severity: 'warning', file: tail.file, offset, what, repairable: true }]
  }

  #lowerOf({ lower }: ControlState): string | undefined {
    if (this.#lower === null) return undefined
    return this.#lower ?? (lower === null ? undefined : resolve(this.#folder, lower))
  }

  /** `undefined`: it is damaged. The check of the file itself says how. */
  async #control(): Promise<ControlState | undefined> {
    try {
      return (await readControl(this.#fs, this.#folder)).state
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT')) return undefined
      throw error
    }
  }

  /** A writer makes indexes as it goes: those that it has not come to are none to miss. */
  async #unindexed(control: ControlState): Promise<number[]> {
    const unindexed = (await this.#isInUse()) ? unindexedChunks : chunksLeftUnindexed
    return unindexed(this.#fs, this.#folder, control)
  }

  async #isInUse(): Promise<boolean> {
    return (await findWriter(this.#folder, { fileSystem: this.#fs })) !== undefined
  }
}
