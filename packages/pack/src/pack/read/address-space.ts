import { assert } from '../../base/index.ts'
import type { PackFile } from '../blocks/index.ts'
import type { Chunk } from './chunk.ts'
import type { Location } from './location.ts'
import type { LowerFiles } from './lower-files.ts'

/**
 * Below it a number made by a bit operation is a small integer to the engine; the difference of two offsets
 * may be an object, and functions compiled for small integers are thrown away when they are given one.
 */
const smallEnd = 0x8000_0000

/** A file that holds parts of the space below the retire boundary: a segment of the generation. */
export interface MappedFile {
  readonly file: PackFile
  /**
   * The range of virtual offsets that it may hold: [low, high). Ranges of several may overlap; what they hold
   * does not.
   */
  readonly low: number
  readonly high: number
  /** The position in the file, or -1. @throws CORRUPT when the map is damaged */
  locate(offset: number): number
  acquire(): void
  release(): void
}

export interface AddressSpaceOptions {
  /** Generation number. */
  readonly epoch: number
  /** The opening of the store: equal epochs of two openings are different spaces. */
  readonly instance: object
  /** R: below it the segments hold what is left, above it the chunks hold everything. */
  readonly retire: number
  /** Ascending by base; the last one may be growing. */
  readonly chunks: readonly Chunk[]
  readonly segments: readonly MappedFile[]
  /** Volumes, which hold what is neither in segments nor in chunks. */
  readonly lower?: LowerFiles | undefined
}

/**
 * What each virtual offset stands for at one moment of the store: immutable but for the growing end of its
 * last chunk. It uses its files from its making until its last user releases it, so that whoever captures it
 * goes on reading after a collection has replaced it. It is made with one user.
 */
export class AddressSpace {
  readonly epoch: number
  readonly instance: object
  readonly retire: number
  readonly chunks: readonly Chunk[]
  readonly segments: readonly MappedFile[]
  readonly lower: LowerFiles | undefined
  readonly #bases: Float64Array
  /** Segments by their low ends; with each, the highest end of all up to it. */
  readonly #byLow: readonly MappedFile[]
  readonly #highs: Float64Array
  #users = 1

  constructor(o: AddressSpaceOptions) {
    this.epoch = o.epoch
    this.instance = o.instance
    this.retire = o.retire
    this.chunks = o.chunks
    this.segments = o.segments
    this.lower = o.lower
    this.#bases = Float64Array.from(o.chunks, (chunk) => chunk.base)
    this.#byLow = o.segments.toSorted((a, b) => a.low - b.low)
    let high = 0
    this.#highs = Float64Array.from(this.#byLow, (segment) => {
      high = Math.max(high, segment.high)
      return high
    })
    for (const [i, base] of this.#bases.entries()) {
      assert(i === 0 || base >= (o.chunks[i - 1] as Chunk).end, 'chunks ascend and do not overlap')
    }
    for (const chunk of o.chunks) chunk.file.acquire()
    for (const segment of o.segments) segment.acquire()
  }

  /** The virtual offset behind the last byte that may be read. */
  get end(): number {
    return this.chunks.at(-1)?.end ?? this.retire
  }

  get userCount(): number {
    return this.#users
  }

  /**
   * Fills in where the byte at the offset lies; false when no file of any layer holds it.
   * @throws CORRUPT when a segment's map is damaged, LOWER_UNAVAILABLE
   */
  locate(offset: number, into: Location): boolean {
    if (offset >= this.retire) return this.#inChunks(offset, into)
    return this.#inSegments(offset, into) || (this.lower?.locate(offset, into) ?? false)
  }

  /**
   * Rule 9's question about an offset that was handed out by this store: does a file of the upper layer still
   * hold it?
   * @throws CORRUPT when a segment's map is damaged
   */
  isLive(offset: number): boolean {
    return offset >= this.retire ? offset < this.end : this.#inSegments(offset, undefined)
  }

  acquire(): void {
    assert(this.#users > 0, 'a space that all have released is not used again')
    this.#users++
  }

  release(): void {
    assert(this.#users > 0, 'a space is released once by each user')
    this.#users--
    if (this.#users > 0) return
    for (const chunk of this.chunks) chunk.file.release()
    for (const segment of this.segments) segment.release()
  }

  #inChunks(offset: number, into: Location): boolean {
    const bases = this.#bases
    let at = bases.length - 1
    // Most reads go to the newest chunk.
    if (at >= 0 && offset < (bases[at] as number)) at = this.#lastBaseUpTo(offset)
    const chunk = this.chunks[at]
    if (chunk === undefined) return false
    const position = offset - chunk.base
    if (position >= chunk.file.end) return false
    into.file = chunk.file
    into.position = position < smallEnd ? position | 0 : position
    return true
  }

  #lastBaseUpTo(offset: number): number {
    const bases = this.#bases
    let from = -1
    let to = bases.length
    while (to - from > 1) {
      const middle = (from + to) >> 1
      if ((bases[middle] as number) <= offset) from = middle
      else to = middle
    }
    return from
  }

  /**
   * Ranges of segments may overlap, so several may have to be asked; `into` is filled where one holds the
   * offset.
   */
  #inSegments(offset: number, into: Location | undefined): boolean {
    const segments = this.#byLow
    for (let at = this.#lastLowUpTo(offset); at >= 0 && (this.#highs[at] as number) > offset; at--) {
      const segment = segments[at] as MappedFile
      const position = offset < segment.high ? segment.locate(offset) : -1
      if (position < 0) continue
      if (into !== undefined) {
        into.file = segment.file
        into.position = position
      }
      return true
    }
    return false
  }

  #lastLowUpTo(offset: number): number {
    const segments = this.#byLow
    let from = -1
    let to = segments.length
    while (to - from > 1) {
      const middle = (from + to) >> 1
      if ((segments[middle] as MappedFile).low <= offset) from = middle
      else to = middle
    }
    return from
  }
}
