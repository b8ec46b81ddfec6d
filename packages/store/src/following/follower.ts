import type { Clock } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'

/** After a reload, so long passes before the next one: what comes meanwhile is taken together. */
const PAUSE_MS = 20
/** How often a store is looked at that nobody tells about, and one that a watch may have fallen silent on. */
const POLL_MS = 500
const POLL_WATCHED_MS = 5_000

export interface FollowerParts {
  readonly fs: FileSystem
  readonly folder: string
  readonly clock: Clock
  /** Never rejects. */
  readonly reload: () => Promise<void>
}

/** Reloads soon after the store's folder has changed, and from time to time in any case. */
export class Follower {
  readonly #parts: FollowerParts
  readonly #unwatch: (() => void) | undefined
  #cancelTimer: (() => void) | undefined
  #running: Promise<void> | undefined
  #isChanged = false
  #isClosed = false

  constructor(parts: FollowerParts) {
    this.#parts = parts
    this.#unwatch = parts.fs.watch?.(parts.folder, () => this.#changed())
    this.#waitForPoll()
  }

  /** Resolves when no reload runs and none will begin. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#unwatch?.()
    this.#cancelTimer?.()
    await this.#running
  }

  #changed(): void {
    this.#isChanged = true
    if (this.#running === undefined) this.#begin()
  }

  #waitForPoll(): void {
    this.#wait(this.#unwatch === undefined ? POLL_MS : POLL_WATCHED_MS, () => this.#begin())
  }

  #wait(ms: number, then: () => void): void {
    this.#cancelTimer?.()
    this.#cancelTimer = this.#parts.clock.after(ms, then)
  }

  #begin(): void {
    if (this.#isClosed) return
    this.#cancelTimer?.()
    this.#isChanged = false
    this.#running = this.#parts.reload().then(() => {
      if (this.#isClosed) return
      this.#wait(PAUSE_MS, () => {
        this.#running = undefined
        if (this.#isChanged) this.#begin()
        else this.#waitForPoll()
      })
    })
  }
}
