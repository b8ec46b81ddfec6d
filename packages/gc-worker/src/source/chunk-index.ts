import { readU64 } from '@varve/pack/base'
import { indexKindOf, recordKind } from '@varve/pack/objects'
import { IndexBuilder, type IndexEntries, mendHash, recordFlag, recordSize } from '@varve/pack/pack'
import type { ChunkPlace } from '../job/index.ts'
import { type LogVisitor, type LostRange, type ScannedRecord, scanLog } from './log-scan.ts'
import type { SourceOptions } from './source-space.ts'

/**
 * The index of a sealed chunk, collected while the whole chunk is scanned. A record with a damaged body is
 * listed under the hash that its header shows, one with a damaged hash under that of its body, so that a
 * look-up meets the damage instead of finding nothing.
 */
export class ScannedIndex implements LogVisitor {
  readonly place: ChunkPlace
  readonly builder: IndexBuilder
  #packLength: number

  /** @param entries memory to be used again */
  constructor(place: ChunkPlace, entries?: IndexEntries) {
    this.place = place
    this.builder = new IndexBuilder(entries)
    this.#packLength = place.length
  }

  /**
   * How many bytes of the chunk the index covers: all, or those before the first in which no record can be
   * found. What lies behind them is listed as far as it is known.
   */
  get packLength(): number {
    return this.#packLength
  }

  readonly record = (record: ScannedRecord, time: number): void => addRecord(this.builder, record, time)

  readonly damaged = async (record: ScannedRecord, time: number): Promise<void> =>
    addDamaged(this.builder, record, time)

  readonly lost = ({ start }: LostRange): void => {
    this.#packLength = Math.min(this.#packLength, start - this.place.base)
  }
}

/**
 * Collects the index of a sealed chunk from the chunk itself.
 * @throws CORRUPT when the file is missing or not the one that is meant, and what the file system throws
 */
export async function scanForIndex(o: SourceOptions, place: ChunkPlace): Promise<ScannedIndex> {
  const index = new ScannedIndex(place, o.entries)
  await scanLog(o, { chunks: [place], from: place.base, to: place.base + place.length }, index)
  return index
}

function addRecord(builder: IndexBuilder, record: ScannedRecord, time: number): void {
  if (record.kind === recordKind.meta) builder.addMetadata(record.offset)
  else if (record.kind === recordKind.touch) builder.addTouched(heldBy(record), time)
  else addObject(builder, record, time)
}

/** What a damaged record of metadata says is not known, but that there is one must not be forgotten. */
function addDamaged(builder: IndexBuilder, record: ScannedRecord, time: number): void {
  if (record.kind === recordKind.meta) builder.addMetadata(record.offset)
  else if (record.kind !== recordKind.touch) {
    mendHash(record.bytes, record.at, record, record.offset)
    addObject(builder, record, time)
  }
}

/** The object that a touch is of. */
function heldBy(touch: ScannedRecord): number {
  return readU64(touch.bytes, touch.bodyEnd - 8)
}

function addObject(builder: IndexBuilder, record: ScannedRecord, time: number): void {
  const kind = indexKindOf(record.kind)
  if (kind === undefined) return
  builder.add(kind, record.bytes, record.hashStart, record.offset, recordSize(record.bodyLength))
  if ((record.flags & recordFlag.bare) !== 0) builder.addTouched(record.offset, time)
  if ((record.flags & recordFlag.healed) !== 0) builder.addHealed(record.offset)
}
