/**
 * Refs in memory, twice: the *newest* value of each, which the write queue compares and moves, and the
 * *acknowledged* one, which everybody else sees. A value becomes acknowledged when its batch is as durable as
 * was asked for. The log is the only truth; this is its latest state. Single-threaded: callers stage and
 * append without an await in between.
 */
import type { VarveError } from '@varve/pack/errors'
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

/**
 * Metadata records that nobody can read any more: any ref, known or not, may have been moved by them. What
 * was recorded later holds.
 */
export interface RefDoubt {
  /** Virtual offset below which such a record lies. */
  readonly below: number
  readonly error: VarveError
}

export class RefStore {
  readonly #newest = new Map<string, Versioned>()
  readonly #acknowledged = new Map<string, Versioned>()
  /** Changes that are staged and not yet acknowledged, by key. */
  readonly #pending = new Map<string, number>()
  readonly #doubt: RefDoubt | undefined

  constructor(doubt?: RefDoubt) {
    this.#doubt = doubt
  }

  /** The value that the write queue goes by. @throws CORRUPT when what it was is not known */
  newest(key: string): RefTarget | undefined {
    return this.#known(this.#newest.get(key))
  }

  /** The value that readers see. @throws CORRUPT when what it was is not known */
  acknowledged(key: string): RefTarget | undefined {
    return this.#known(this.#acknowledged.get(key))
  }

  /** The same for lists that decide nothing: in doubt, the last that is known. */
  lastKnown(key: string): RefTarget | undefined {
    return this.#acknowledged.get(key)?.target
  }

  /** Takes a ref as the metadata state has it: durable. */
  load(key: string, target: RefTarget, position: number): void {
    this.#newest.set(key, { target, position })
    this.#acknowledged.set(key, { target, position })
  }

  /** Takes a change that has just been appended at `position`. */
  stage(key: string, target: RefTarget | undefined, position: number): void {
    this.#newest.set(key, { target, position })
    this.#pending.set(key, (this.#pending.get(key) ?? 0) + 1)
  }

  /**
   * Makes the change that was staged at `position` visible, unless a later one is already: one that asked for
   * less durability may overtake it.
   */
  acknowledge(key: string, target: RefTarget | undefined, position: number): void {
    const seen = this.#acknowledged.get(key)
    if (seen === undefined || seen.position < position) this.#acknowledged.set(key, { target, position })
    const pending = (this.#pending.get(key) ?? 1) - 1
    if (pending > 0) {
      this.#pending.set(key, pending)
      return
    }
    this.#pending.delete(key)
    this.#forgetDeleted(key)
  }

  /**
   * Keys of acknowledged refs of one kind whose names start with `prefix`, in byte order; in doubt, those
   * that are known.
   */
  keys(kind: RefKind, prefix = ''): string[] {
    const start = `${kind}/${prefix}`
    const found: string[] = []
    for (const [key, value] of this.#acknowledged) {
      if (value.target !== undefined && key.startsWith(start)) found.push(key)
    }
    return found.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }

  /** @throws CORRUPT when there may be refs of which nobody knows */
  assertAllKnown(): void {
    if (this.#doubt !== undefined) throw this.#doubt.error
  }

  /** What is known of all acknowledged refs, for lists that decide nothing. */
  *listed(): Generator<{ readonly key: string; readonly target: RefTarget }, void, undefined> {
    for (const [key, { target }] of this.#acknowledged) if (target !== undefined) yield { key, target }
  }

  /** Nobody waits for an older change any more: a ref that is gone needs no mark of it. */
  #forgetDeleted(key: string): void {
    const isGone = this.#acknowledged.get(key)?.target === undefined
    if (!isGone || this.#newest.get(key)?.target !== undefined || this.#doubt !== undefined) return
    this.#acknowledged.delete(key)
    this.#newest.delete(key)
  }

  #known(value: Versioned | undefined): RefTarget | undefined {
    const doubt = this.#doubt
    if (doubt !== undefined && (value === undefined || value.position < doubt.below)) throw doubt.error
    return value?.target
  }
}
