import { VarveError } from '@varve/pack/errors'
import { lockedBy } from './claim.ts'
import type { StoreLock } from './store-lock.ts'

interface Holder {
  readonly sinceMs: number
}

/**
 * Who writes to which folder of which file system in memory: the one thing here that outlives a call, because
 * such a file system has no other place where all its users meet.
 */
const holders = new WeakMap<object, Map<string, Holder>>()

/** The writer lock of a store in memory, which only this thread can reach. */
export class MemoryStoreLock implements StoreLock {
  readonly kind = 'memory'
  readonly reason: undefined = undefined
  readonly root: string
  readonly #roots: Map<string, Holder>
  readonly #holder: Holder

  private constructor(roots: Map<string, Holder>, root: string, holder: Holder) {
    this.#roots = roots
    this.root = root
    this.#holder = holder
  }

  /**
   * Tries once. `key` stands for the file system: all who pass the same object contend.
   * @throws STORE_LOCKED
   */
  static tryAcquire(key: object, root: string, sinceMs: number): MemoryStoreLock {
    const roots = holders.get(key) ?? new Map<string, Holder>()
    holders.set(key, roots)
    const other = roots.get(root)
    if (other !== undefined) throw lockedBy(process.pid, other.sinceMs)
    const holder: Holder = { sinceMs }
    roots.set(root, holder)
    return new MemoryStoreLock(roots, root, holder)
  }

  async verifyStillHeld(): Promise<void> {
    if (this.#roots.get(this.root) !== this.#holder) throw new VarveError('LOCK_LOST', {})
  }

  async release(): Promise<void> {
    if (this.#roots.get(this.root) === this.#holder) this.#roots.delete(this.root)
  }
}
