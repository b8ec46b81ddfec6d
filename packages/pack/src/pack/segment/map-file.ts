import { tryReadU64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { readFullySync } from '../../fs/index.ts'
import { type BlockCache, blockBytes, type PackFile } from '../blocks/index.ts'
import {
  decodeMapHeader,
  fencesSeed,
  type MapHeader,
  pageBytes,
  pageHeaderBytes,
  type Run,
  runBytes,
  runsPerPage,
} from './map-format.ts'

const twoTo32 = 0x1_0000_0000
const unit = 8

/**
 * Where a segment's virtual offsets lie in its file: runs in ascending order, read by page through the block cache;
 * the first offset of each page is in memory. The last run found is remembered, as neighbours are asked together.
 */
export class MapFile {
  readonly file: PackFile
  readonly #cache: BlockCache
  readonly #header: MapHeader
  readonly #fences: Float64Array
  #lastStart = 0
  #lastEnd = 0
  /** Position minus virtual offset in the last run. */
  #lastShift = 0

  /**
   * Takes over the caller's use of the file.
   * @throws CORRUPT, NEWER_FORMAT, and what the file system throws
   */
  constructor(
    file: PackFile,
    cache: BlockCache,
    expected: { readonly number: number; readonly storeId: Buffer },
  ) {
    this.file = file
    this.#cache = cache
    this.#header = this.#readHeader(expected)
    this.#fences = this.#readFences()
  }

  get runCount(): number {
    return this.#header.runCount
  }

  /** Length of the pack file that it maps. */
  get packLength(): number {
    return this.#header.packLength
  }

  /** Memory held besides the block cache. */
  get bytes(): number {
    return this.#fences.byteLength
  }

  /**
   * The position in the pack file of the byte with that virtual offset, or -1 when no run holds it.
   * @throws CORRUPT
   */
  locate(offset: number): number {
    if (offset >= this.#lastStart && offset < this.#lastEnd) return offset + this.#lastShift
    const page = lastUpTo(this.#fences, offset)
    if (page < 0) return -1
    const { buf, start, count } = this.#page(page)
    let from = -1
    let to = count
    while (to - from > 1) {
      const middle = (from + to) >> 1
      if (startAt(buf, start, middle) <= offset) from = middle
      else to = middle
    }
    if (from < 0) return -1
    const run = runAt(buf, start, from)
    if (offset >= run.start + run.length) return -1
    this.#lastStart = run.start
    this.#lastEnd = run.start + run.length
    this.#lastShift = run.position - run.start
    return offset + this.#lastShift
  }

  /**
   * All runs, by ascending virtual offset.
   * @throws CORRUPT
   */
  *runs(): Iterable<Run> {
    for (let page = 0; page < this.#header.pageCount; page++) {
      const { buf, start, count } = this.#page(page)
      for (let i = 0; i < count; i++) yield runAt(buf, start, i)
    }
  }

  /**
   * The runs that hold a byte of [low, high), by ascending virtual offset.
   * @throws CORRUPT
   */
  runsBetween(low: number, high: number): Run[] {
    const found: Run[] = []
    for (let page = Math.max(0, lastUpTo(this.#fences, low)); page < this.#header.pageCount; page++) {
      if ((this.#fences[page] as number) >= high) break
      const { buf, start, count } = this.#page(page)
      for (let i = lastRunUpTo(buf, start, count, low); i < count; i++) {
        const run = runAt(buf, start, i)
        if (run.start >= high) return found
        if (run.start + run.length > low) found.push(run)
      }
    }
    return found
  }

  #page(page: number): { readonly buf: Buffer; readonly start: number; readonly count: number } {
    const position = (1 + page) * pageBytes
    const start = position % blockBytes
    const block = this.#cache.block(this.file, Math.floor(position / blockBytes), start + pageBytes)
    const buf = block.buf
    if (block.validTo < start + pageBytes) throw this.#corrupt(position)
    const count = buf.readUInt32LE(start + 8)
    if (!block.isVerified(start)) {
      if (xxh64(buf, start + 8, start + pageBytes, page) !== buf.readBigUInt64LE(start))
        throw this.#corrupt(position)
      if (count !== this.#countOf(page) || !this.#isSound(buf, start, count)) throw this.#corrupt(position)
      block.markVerified(start)
    }
    return { buf, start, count }
  }

  #countOf(page: number): number {
    return Math.min(runsPerPage, this.#header.runCount - page * runsPerPage)
  }

  /** Whether every run lies in the pack file, behind the one before. */
  #isSound(buf: Buffer, start: number, count: number): boolean {
    let end = 0
    for (let i = 0; i < count; i++) {
      const offset = tryReadU64(buf, start + pageHeaderBytes + i * runBytes)
      if (offset === undefined || offset < end) return false
      const run = runAt(buf, start, i)
      if (run.length === 0 || run.position + run.length > this.#header.packLength) return false
      end = offset + run.length
    }
    return true
  }

  #readHeader(expected: { readonly number: number; readonly storeId: Buffer }): MapHeader {
    const page = Buffer.allocUnsafeSlow(pageBytes)
    const read = readFullySync(this.file.handle, page, 0, pageBytes, 0)
    const header = decodeMapHeader(page.subarray(0, read), this.file.name)
    const isOurs = header.number === expected.number && header.storeId.equals(expected.storeId)
    const pageCount = Math.ceil(header.runCount / runsPerPage)
    const length = pageBytes * (1 + pageCount) + pageCount * 8
    if (!isOurs || header.pageCount !== pageCount || this.file.end !== length) throw this.#corrupt(0)
    return header
  }

  #readFences(): Float64Array {
    const count = this.#header.pageCount
    const at = pageBytes * (1 + count)
    const bytes = Buffer.allocUnsafeSlow(count * 8)
    const read = readFullySync(this.file.handle, bytes, 0, bytes.length, at)
    const isWhole = read === bytes.length && xxh64(bytes, 0, read, fencesSeed) === this.#header.fencesChecksum
    if (!isWhole) throw this.#corrupt(at)
    return Float64Array.from({ length: count }, (_, i) => tryReadU64(bytes, i * 8) ?? Infinity)
  }

  #corrupt(offset: number): VarveError<'CORRUPT'> {
    return new VarveError('CORRUPT', { file: this.file.name, offset })
  }
}

/** The last index whose value is not above, or -1. */
function lastUpTo(values: Float64Array, value: number): number {
  let from = -1
  let to = values.length
  while (to - from > 1) {
    const middle = (from + to) >> 1
    if ((values[middle] as number) <= value) from = middle
    else to = middle
  }
  return from
}

/** The last run of a page that does not start above the offset; the first one if all do. */
function lastRunUpTo(buf: Buffer, start: number, count: number, offset: number): number {
  let from = 0
  let to = count
  while (to - from > 1) {
    const middle = (from + to) >> 1
    if (startAt(buf, start, middle) <= offset) from = middle
    else to = middle
  }
  return from
}

function startAt(buf: Buffer, start: number, i: number): number {
  const at = start + pageHeaderBytes + i * runBytes
  return buf.readUInt32LE(at + 4) * twoTo32 + buf.readUInt32LE(at)
}

function runAt(buf: Buffer, start: number, i: number): Run {
  const at = start + pageHeaderBytes + i * runBytes
  const position = buf.readUInt32LE(at + 8) * unit
  return { start: startAt(buf, start, i), position, length: buf.readUInt32LE(at + 12) * unit }
}
