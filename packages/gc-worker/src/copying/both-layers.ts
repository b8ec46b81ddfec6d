import { VarveError } from '@varve/pack/errors'
import type { IndexKind, RawHash } from '@varve/pack/objects'
import type { SourceIndexes, SourceSpace } from '../source/index.ts'

/**
 * Look-ups by hash through the upper layer and then the volumes: histories cross from one to the other, where
 * those that a collection follows end.
 */
export class BothLayers {
  readonly #source: SourceSpace
  readonly #upper: SourceIndexes

  constructor(source: SourceSpace, upper: SourceIndexes) {
    this.#source = source
    this.#upper = upper
  }

  complete(): Promise<void> {
    return this.#upper.complete()
  }

  /**
   * As `SourceIndexes.findEvenDamaged`.
   * @throws LOWER_UNAVAILABLE, CORRUPT when what stands in the way of "not there" is the lower layer
   */
  findEvenDamaged(kind: IndexKind, hash: RawHash): number | undefined {
    return this.#upper.findEvenDamaged(kind, hash) ?? this.#below(kind, hash)
  }

  #below(kind: IndexKind, hash: RawHash): number | undefined {
    const { lower, below } = this.#source
    const found = lower?.candidates(kind, hash)
    let damage: VarveError | undefined
    for (let step = found?.next(); step !== undefined; step = found?.next()) {
      if (step.done === true) {
        const failure = step.value ?? damage
        if (failure !== undefined) throw failure
        return undefined
      }
      for (const offset of step.value.offsets) {
        try {
          if (below.recordMatches(offset, kind, hash)) return offset
        } catch (error) {
          if (!VarveError.is(error, 'CORRUPT') && !VarveError.is(error, 'LOWER_UNAVAILABLE')) throw error
          damage = error
        }
      }
    }
    return undefined
  }
}
