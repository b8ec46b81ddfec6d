import { VarveError } from '@varve/pack/errors'
import type { IndexKind, RawHash } from '@varve/pack/objects'
import type { CopyReader, LowerFiles } from '@varve/pack/pack'

/** What a search has found: a whole copy, or what kept it from one. */
export interface SearchResult {
  /** 0: no whole copy. */
  readonly offset: number
  /** A copy that is damaged, or a place that cannot be asked and may hold one. */
  readonly failure: VarveError | undefined
}

/**
 * Looks hashes up in the lower layer, for whoever has found nothing above. Whoever puts something never asks
 * here.
 */
export class LowerSearch {
  readonly #below: CopyReader | undefined

  constructor(below: CopyReader | undefined) {
    this.#below = below
  }

  get #lower(): LowerFiles | undefined {
    return this.#below?.lower
  }

  /** A whole copy that is not at `except`. */
  find(kind: IndexKind, hash: RawHash, except: number): SearchResult {
    const lower = this.#lower
    if (lower === undefined) return { offset: 0, failure: undefined }
    let damage: VarveError | undefined
    const candidates = lower.candidates(kind, hash)
    for (let step = candidates.next(); ; step = candidates.next()) {
      if (step.done === true) return { offset: 0, failure: damage ?? step.value }
      for (const offset of step.value.offsets) {
        if (offset === except) continue
        const match = this.#match(offset, kind, hash)
        if (match === true) return { offset, failure: undefined }
        if (match !== false) damage = match
      }
    }
  }

  /** Virtual offsets of objects whose hash may begin so; then what stood in the way of more. */
  *withPrefix(digits: string, limit: number): Generator<number, VarveError | undefined, undefined> {
    const lower = this.#lower
    return lower === undefined ? undefined : yield* lower.withPrefix(digits, limit)
  }

  /** Virtual offsets of all commits there; then what stood in the way of more. */
  *commits(): Generator<number, VarveError | undefined, undefined> {
    const lower = this.#lower
    return lower === undefined ? undefined : yield* lower.commits()
  }

  /** The record above may be damaged: what counts is the one in the volume. */
  #match(offset: number, kind: IndexKind, hash: RawHash): boolean | VarveError {
    try {
      return this.#below?.recordMatches(offset, kind, hash) ?? false
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT') || VarveError.is(error, 'LOWER_UNAVAILABLE')) return error
      throw error
    }
  }
}
