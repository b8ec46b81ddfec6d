/**
 * Finds what a new record refers to in a volume, so that a touch can be appended for it: a collection that
 * retires the chunk learns from the touches alone, which its index lists, what the chunk needs from other
 * volumes. A node whose base is archived refers to it; what a dedupe hit refers to is always above.
 */
import { readU64 } from '@varve/pack/base'
import { type IndexKind, indexKindOf, type RawHash } from '@varve/pack/objects'
import type { AddressSpace, RecordReader } from '@varve/pack/pack'

/** What is told of twice does no harm. */
const toldMax = 1 << 20

export interface ArchivedObject {
  readonly kind: IndexKind
  readonly hash: RawHash
  readonly offset: number
}

export class ArchivedReferences {
  readonly #space: () => AddressSpace
  readonly #records: RecordReader
  /** Offsets that were told of since the last collection. */
  readonly #told = new Set<number>()
  #epoch = -1

  constructor(space: () => AddressSpace, records: RecordReader) {
    this.#space = space
    this.#records = records
  }

  /**
   * Those among the references at the end of a body that lie in volumes only and were not told of before.
   * @throws LOWER_UNAVAILABLE when one cannot be read now
   */
  of(body: Buffer, end: number, referenceCount: number): readonly ArchivedObject[] {
    const space = this.#space()
    // Nobody knows an offset in a volume who has not found anything there.
    if (space.lower?.wasUsed !== true) return none
    if (this.#epoch !== space.epoch || this.#told.size > toldMax) this.#told.clear()
    this.#epoch = space.epoch
    let found: ArchivedObject[] | undefined
    for (let at = end - 8 * referenceCount; at < end; at += 8) {
      const offset = readU64(body, at)
      if (offset === 0 || offset >= space.retire || this.#told.has(offset) || space.isLive(offset)) continue
      const record = this.#records.record(offset)
      const kind = indexKindOf(record.kind)
      if (kind === undefined) continue
      this.#told.add(offset)
      found ??= []
      found.push({ kind, hash: record.hash, offset })
    }
    return found ?? none
  }
}

const none: readonly ArchivedObject[] = []
