import { tryReadU64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { readFullySync } from '../../fs/index.ts'
import { type Block, type BlockCache, blockBytes, type PackFile } from '../blocks/index.ts'
import {
  decodeMapHeader,
  fencesSeed,
  type MapHeader,
  mapDamaged,
  pageBytes,
  pageHeaderBytes,
  type Run,
  runBytes,
  runsPerPage,
} from './map-format.ts'

const twoTo32 = 0x1_0000_0000
const unit = 8

/**
 * Where a segment's virtual offsets lie in its file: runs in ascending order, read by page through the block
 * cache; the first offset of each page is in memory. The last run found is remembered, as neighbours are
 * asked together.
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
    const { view } = this.#pageBlock(page)
    const at = startOf(page)
    // The page begins at or below the offset, so there is such a run.
    const run = at + pageHeaderBytes + lastRunUpTo(view, at, this.#countOf(page), offset) * runBytes
    const start = offsetAt(view, run)
    const length = view.getUint32(run + 12, true) * unit
    if (offset >= start + length) return -1
    this.#lastStart = start
    this.#lastEnd = start + length
    this.#lastShift = view.getUint32(run + 8, true) * unit - start
    return offset + this.#lastShift
  }

  /**
   * All runs, by ascending virtual offset.
   * @throws CORRUPT
   */
  *runs(): Iterable<Run> {
    for (let page = 0; page < this.#header.pageCount; page++) {
      const { view } = this.#pageBlock(page)
      const count = this.#countOf(page)
      for (let i = 0; i < count; i++) yield runAt(view, startOf(page), i)
    }
  }

  /**
   * All runs of pages that are whole, by ascending virtual offset, without an object for any of them.
   * @param onDamaged told of each other page
   */
  forEachRun(
    visit: (start: number, position: number, length: number) => void,
    onDamaged: (error: VarveError<'CORRUPT'>) => void,
  ): void {
    for (let page = 0; page < this.#header.pageCount; page++) {
      const block = this.#pageUnless(page, onDamaged)
      if (block === undefined) continue
      const { view } = block
      let at = startOf(page) + pageHeaderBytes
      for (let left = this.#countOf(page); left > 0; left--, at += runBytes) {
        visit(offsetAt(view, at), view.getUint32(at + 8, true) * unit, view.getUint32(at + 12, true) * unit)
      }
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
      const { view } = this.#pageBlock(page)
      const count = this.#countOf(page)
      for (let i = lastRunUpTo(view, startOf(page), count, low); i < count; i++) {
        const run = runAt(view, startOf(page), i)
        if (run.start >= high) return found
        if (run.start + run.length > low) found.push(run)
      }
    }
    return found
  }

  #pageUnless(page: number, onDamaged: (error: VarveError<'CORRUPT'>) => void): Block | undefined {
    try {
      return this.#pageBlock(page)
    } catch (error) {
      if (!VarveError.is(error, 'CORRUPT')) throw error
      onDamaged(error)
      return undefined
    }
  }

  /** The block with the page in it, which is proved. */
  #pageBlock(page: number): Block {
    const at = startOf(page)
    const position = (1 + page) * pageBytes
    const block = this.#cache.block(this.file, Math.floor(position / blockBytes), at + pageBytes)
    if (block.validTo < at + pageBytes) throw this.#corrupt(position)
    if (block.isVerified(at)) return block
    const sum = xxh64(block.buf, at + 8, at + pageBytes, page)
    if (sum !== block.buf.readBigUInt64LE(at) || !this.#isSound(block, page)) throw this.#corrupt(position)
    block.markVerified(at)
    return block
  }

  #countOf(page: number): number {
    return Math.min(runsPerPage, this.#header.runCount - page * runsPerPage)
  }

  /** Whether every run lies in the pack file, behind the one before, and the page where the fences put it. */
  #isSound(block: Block, page: number): boolean {
    const at = startOf(page)
    const count = block.view.getUint32(at + 8, true)
    if (count !== this.#countOf(page)) return false
    let end = this.#fences[page] as number
    if (offsetAt(block.view, at + pageHeaderBytes) !== end) return false
    const { view } = block
    for (let i = 0, run = at + pageHeaderBytes; i < count; i++, run += runBytes) {
      const start = offsetAt(view, run)
      const length = view.getUint32(run + 12, true) * unit
      if (start < end || length === 0) return false
      if (view.getUint32(run + 8, true) * unit + length > this.#header.packLength) return false
      end = start + length
    }
    return end <= (this.#fences[page + 1] ?? Number.MAX_SAFE_INTEGER)
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
    return mapDamaged(this.file.name, offset)
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

/** Where a page begins in its block. */
function startOf(page: number): number {
  return ((1 + page) * pageBytes) % blockBytes
}

/** The last run of the page at `at` that does not start above the offset; the first one if all do. */
function lastRunUpTo(view: DataView, at: number, count: number, offset: number): number {
  let from = 0
  let to = count
  while (to - from > 1) {
    const middle = (from + to) >> 1
    if (offsetAt(view, at + pageHeaderBytes + middle * runBytes) <= offset) from = middle
    else to = middle
  }
  return from
}

function offsetAt(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * twoTo32 + view.getUint32(at, true)
}

function runAt(view: DataView, pageAt: number, i: number): Run {
  const at = pageAt + pageHeaderBytes + i * runBytes
  const length = view.getUint32(at + 12, true) * unit
  return { start: offsetAt(view, at), position: view.getUint32(at + 8, true) * unit, length }
}
