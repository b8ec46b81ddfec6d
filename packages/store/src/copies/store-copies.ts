import type { ThreadKeeper } from '@varve/gc-worker'
import { type Clock, Mutex } from '@varve/pack/base'
import { checkOptions } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import {
  type CommitLike,
  type CopyOptions,
  type CopyReport,
  copyRules,
  progressRules,
  type WithProgress,
} from '../api/index.ts'
import type { FilesView } from '../file-set/index.ts'
import { backUp } from './backup.ts'
import { copyStore } from './copy-store.ts'
import { RunningJobs } from './running-jobs.ts'
import { assertOutside, folderOf } from './target-folder.ts'

export interface CopiesParts {
  readonly fs: FileSystem
  /** The store's folder, as a real path. */
  readonly folder: string
  /** 32 hexadecimal digits. */
  readonly storeId: () => string
  readonly files: FilesView
  /** The folder of the lower layer, absolute, of a store that has one. */
  readonly lowerPath: () => string | undefined
  readonly clock: Clock
  /** New random bytes. */
  readonly random: (size: number) => Buffer
  /** Where copies are made. Default: a thread where the file system can cross to one. */
  readonly where: 'thread' | 'inline' | undefined
  /** Default: each copy has a thread of its own. */
  readonly threads: ThreadKeeper | undefined
  /** @throws STORE_CLOSED */
  readonly assertOpen: () => void
  /** @throws UNKNOWN_COMMIT, COLLECTED, INVALID_HASH */
  readonly findCommit: (commit: CommitLike) => { readonly offset: number }
  /**
   * Where the log ends, durable up to there, at the border of a batch: a writer syncs first. @throws
   * WRITER_FAILED when that fails
   */
  readonly settledEnd: () => Promise<number>
}

/** Makes copies and backups of one open store, beside everything else that goes on in it. */
export class StoreCopies {
  readonly #parts: CopiesParts
  readonly #jobs = new RunningJobs()
  /** One backup after another: two could be into the same folder. */
  readonly #backups = new Mutex()

  constructor(parts: CopiesParts) {
    this.#parts = parts
  }

  /** See `StoreReader.copyTo`. */
  async copyTo(dir: string, o: CopyOptions = {}): Promise<CopyReport> {
    checkOptions(o, copyRules)
    const folder = folderOf(dir)
    this.#parts.assertOpen()
    return this.#jobs.run(o.signal, async (signal) => {
      await this.#assertOutside(folder)
      return copyStore(this.#parts, folder, o, signal)
    })
  }

  /** See `StoreReader.backup`. */
  async backup(dir: string, o: WithProgress = {}): Promise<void> {
    checkOptions(o, progressRules)
    const folder = folderOf(dir)
    this.#parts.assertOpen()
    await this.#jobs.run(o.signal, async (signal) => {
      await this.#assertOutside(folder)
      await this.#backups.run(() => backUp(this.#parts, folder, o, signal))
    })
  }

  #assertOutside(dir: string): Promise<void> {
    const { fs, folder, lowerPath } = this.#parts
    return assertOutside(fs, dir, { folder, lower: lowerPath() })
  }

  /** Ends what is under way; its callers get STORE_CLOSED. */
  close(): Promise<void> {
    return this.#jobs.close()
  }
}
