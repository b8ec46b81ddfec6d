/** A lock for one process. Those who wait get it in the order in which they asked. */
export class Mutex {
  /** Hand-overs still owed, oldest first, beginning at `#first`. */
  #waiting: (() => void)[] = []
  #first = 0
  #isHeld = false

  get isHeld(): boolean {
    return this.#isHeld
  }

  get waitingCount(): number {
    return this.#waiting.length - this.#first
  }

  /** Resolves to the function that gives the lock back; calling it twice is harmless. */
  async acquire(): Promise<() => void> {
    if (this.#isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#isHeld = true
    return this.#releaseOnce()
  }

  /** The lock at once, or `undefined` when somebody has it. */
  tryAcquire(): (() => void) | undefined {
    if (this.#isHeld) return undefined
    this.#isHeld = true
    return this.#releaseOnce()
  }

  /** Runs `fn` under the lock and gives it back whatever happens. */
  async run<T>(fn: () => T | Promise<T>): Promise<T> {
    const release = await this.acquire()
    try {
      return await fn()
    } finally {
      release()
    }
  }

  #releaseOnce(): () => void {
    let isReleased = false
    return () => {
      if (isReleased) return
      isReleased = true
      this.#handOver()
    }
  }

  /** The lock stays held on its way to the next in line, so that nobody can slip in between. */
  #handOver(): void {
    const next = this.#waiting[this.#first]
    if (next === undefined) {
      this.#waiting = []
      this.#first = 0
      this.#isHeld = false
      return
    }
    this.#first++
    if (this.#first === 1024) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
    next()
  }
}
