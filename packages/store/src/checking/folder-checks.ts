import { VarveError } from '@varve/pack/errors'
import type { CheckOptions, CheckReport } from '../api/index.ts'
import { type CheckFolderParts, checkFolder } from './check-folder.ts'

/** Checks of a store that this process has open only to read: of what lies in its folder at the moment. */
export class FolderChecks {
  readonly #folder: string
  readonly #parts: CheckFolderParts
  readonly #running = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()

  constructor(folder: string, parts: CheckFolderParts) {
    this.#folder = folder
    this.#parts = parts
  }

  /** @throws as `checkFolder` does, and STORE_CLOSED */
  async run(o: CheckOptions): Promise<CheckReport> {
    const signals = [this.#closing.signal, ...(o.signal === undefined ? [] : [o.signal])]
    const running = checkFolder(this.#folder, { ...o, signal: AbortSignal.any(signals) }, this.#parts)
    this.#running.add(running)
    try {
      return await running
    } catch (error) {
      throw this.#closing.signal.aborted ? new VarveError('STORE_CLOSED', {}) : error
    } finally {
      this.#running.delete(running)
    }
  }

  /** Ends the checks under way, and waits until nothing of them touches a file any more. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#running)
  }
}
