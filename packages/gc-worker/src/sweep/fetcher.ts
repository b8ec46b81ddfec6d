import { VarveError } from '@varve/pack/errors'
import { Location } from '@varve/pack/pack'
import type { SourceSpace } from '../source/index.ts'
import { type Healer, recordBytes } from './healer.ts'
import type { FetchedRecord } from './region-sweep.ts'

/**
 * Gets the records that the sweep does not find whole in the upper layer: those that rest in a volume and are
 * needed above again, and copies of damaged ones. What the volume being written does not hold either is
 * *lifted*: that volume gets it too, so that it stays complete by itself.
 */
export class Fetcher {
  readonly #source: SourceSpace
  readonly #healer: Healer
  /** Id of the volume that is being written; `undefined`: nothing is archived. */
  readonly #volume: number | undefined
  readonly #location = new Location()

  constructor(source: SourceSpace, healer: Healer, volume: number | undefined) {
    this.#source = source
    this.#healer = healer
    this.#volume = volume
  }

  /** @throws CORRUPT when there is no whole copy, LOWER_UNAVAILABLE */
  async fetch(offset: number): Promise<FetchedRecord> {
    const isAbove = this.#source.space.isLive(offset)
    const archived = isAbove ? this.#tryArchived(offset) : this.#archived(offset)
    if (archived !== undefined) return { ...archived, isHealed: isAbove }
    const bytes = await this.#healer.heal(offset)
    return { bytes, isHealed: true, isLifted: this.#volume !== undefined }
  }

  /**
   * Whether a volume other than the one being written holds the offset, and neither that nor the layer above.
   */
  isElsewhere(offset: number): boolean {
    const { lower, space } = this.#source
    if (lower === undefined || offset <= 0 || offset >= space.retire || space.isLive(offset)) return false
    const volume = lower.volumeOf(offset, this.#location)
    return volume !== undefined && volume !== this.#volume
  }

  #tryArchived(offset: number): Pick<FetchedRecord, 'bytes' | 'isLifted'> | undefined {
    try {
      return this.#archived(offset)
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT') || VarveError.is(error, 'LOWER_UNAVAILABLE')) return undefined
      throw error
    }
  }

  #archived(offset: number): Pick<FetchedRecord, 'bytes' | 'isLifted'> | undefined {
    const { lower, below } = this.#source
    if (lower?.locate(offset, this.#location) !== true) return undefined
    // Where it is whole in another volume only, the one that is being written needs a whole copy too.
    const { volume, view } = below.find(offset)
    return { bytes: recordBytes(view), isLifted: this.#volume !== undefined && volume !== this.#volume }
  }
}
