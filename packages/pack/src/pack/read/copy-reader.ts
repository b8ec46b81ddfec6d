import { VarveError } from '../../errors/index.ts'
import { hashEquals, type IndexKind, indexKindOf, type RawHash } from '../../objects/index.ts'
import type { BlockCache } from '../blocks/index.ts'
import type { Location } from './location.ts'
import type { LowerCopy, LowerFiles } from './lower-files.ts'
import { RecordReader } from './record-reader.ts'
import type { RecordView } from './record-view.ts'

/** A record in the lower layer, and the id of the volume that has it whole. */
export interface FoundCopy {
  readonly volume: number
  readonly view: RecordView
}

/**
 * Reads records out of volumes only. Several may hold one under the same offset, as each is complete by
 * itself: a damaged copy is passed over for the next. Belongs to one thread.
 */
export class CopyReader {
  readonly #lower: () => LowerFiles | undefined
  readonly #reader: RecordReader
  #now: LowerCopy | undefined

  constructor(cache: BlockCache, lower: () => LowerFiles | undefined) {
    this.#lower = lower
    this.#reader = new RecordReader(cache, () => ({ locate: (_, into) => this.#locate(into) }))
  }

  /** The volumes of the moment. */
  get lower(): LowerFiles | undefined {
    return this.#lower()
  }

  /**
   * @throws COLLECTED when no volume holds the offset; CORRUPT, LOWER_UNAVAILABLE when no copy can be read
   */
  record(offset: number): RecordView {
    return this.find(offset).view
  }

  /** @throws as `record` does */
  find(offset: number): FoundCopy {
    let failure: VarveError | undefined
    const copies = this.#lower()?.copies(offset)
    for (let step = copies?.next(); step !== undefined; step = copies?.next()) {
      if (step.done === true) {
        failure ??= step.value
        break
      }
      this.#now = step.value
      try {
        return { volume: step.value.volume, view: this.#reader.record(offset) }
      } catch (error) {
        if (!VarveError.is(error)) throw error
        if (failure?.code !== 'CORRUPT') failure = error
      }
    }
    throw failure ?? new VarveError('COLLECTED', {})
  }

  /** Whether the object there is the one looked for. @throws as `record` does */
  recordMatches(offset: number, kind: IndexKind, hash: RawHash): boolean {
    const view = this.record(offset)
    return indexKindOf(view.kind) === kind && hashEquals(view.buf, view.hashStart, hash)
  }

  #locate(into: Location): boolean {
    if (this.#now === undefined) return false
    into.file = this.#now.file
    into.position = this.#now.position
    return true
  }
}
