/**
 * Refs in memory, twice: the *newest* value of each, which the write queue compares and moves, and the
 * *acknowledged* one, which everybody else sees. A value becomes acknowledged when its batch is as durable as
 * was asked for. The log is the only truth; this is its latest state. Single-threaded: callers stage and
 * append without an await in between.
 */
import type { RefKind } from './ref-name.ts'

/** Where a ref points, and what it says of itself. */
export interface RefTarget {
  /** The commit: raw hash and virtual offset. */
  readonly hash: string
  readonly offset: number
  /** When the ref was moved, ms since 1970. */
  readonly at: number
  readonly annotation: RefAnnotation | undefined
}
export interface RefAnnotation {
  readonly message: string
  readonly author: string
  readonly date: number
}

interface Versioned {
  /** `undefined`: deleted. */
  readonly target: RefTarget | undefined
  /** Virtual offset of the metadata record that says so; rises with every change. */
  readonly position: number
}

export class RefStore {
  readonly #newest = new Map<string, Versioned>()
  readonly #acknowledged = new Map<string, Versioned>()

  /** The value that the write queue goes by. */
  newest(key: string): RefTarget | undefined {
    return this.#newest.get(key)?.target
  }

  /** The value that readers see. */
  acknowledged(key: string): RefTarget | undefined {
    return this.#acknowledged.get(key)?.target
  }

  /** Takes a change that has just been appended at `position`. */
  stage(key: string, target: RefTarget | undefined, position: number): void {
    this.#newest.set(key, { target, position })
  }

  /** Makes the change that was staged at `position` visible, unless a later one is already. */
  acknowledge(key: string, target: RefTarget | undefined, position: number): void {
    const seen = this.#acknowledged.get(key)
    if (seen !== undefined && seen.position >= position) return
    if (target === undefined && this.#newest.get(key)?.position === position) {
      this.#acknowledged.delete(key)
      this.#newest.delete(key)
      return
    }
    this.#acknowledged.set(key, { target, position })
  }

  /** Keys of acknowledged refs of one kind whose names start with `prefix`, in byte order. */
  keys(kind: RefKind, prefix = ''): string[] {
    const start = `${kind}/${prefix}`
    const found: string[] = []
    for (const [key, value] of this.#acknowledged) {
      if (value.target !== undefined && key.startsWith(start)) found.push(key)
    }
    return found.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }

  /** The newest targets of all refs: what a collection must keep. */
  targets(): RefTarget[] {
    const found: RefTarget[] = []
    for (const value of this.#newest.values()) if (value.target !== undefined) found.push(value.target)
    return found
  }
}
