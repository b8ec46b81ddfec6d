import { assert, readU64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { type FileSystem, hasCode, readFully, readFullySync } from '../../fs/index.ts'
import type { IndexKind, RawHash } from '../../objects/index.ts'
import { type Block, type BlockCache, type FileRetirer, PackFile } from '../blocks/index.ts'
import { BloomFilter } from './bloom-filter.ts'
import { hashWord } from './hash-word.ts'
import {
  decodeIndexHeader,
  entriesPerPage,
  entryBytes,
  type IndexHeader,
  type IndexSection,
  indexKinds,
  indexSections,
  pageBytes,
  pageHeaderBytes,
  sectionSeed,
} from './index-format.ts'

const none: readonly number[] = []
const twoTo32 = 0x1_0000_0000
/** Fewer hexadecimal digits would select too much. */
const prefixDigitsMin = 7
/** Pages read at a time when all are proved: 1 MiB. */
const verifyPages = 256

/** Where an index is and what it must belong to. */
export interface IndexPlace {
  readonly folder: string
  readonly name: string
  readonly number: number
  /** 16 bytes. */
  readonly storeId: Buffer
  readonly cache: BlockCache
  readonly retirer: FileRetirer
  /** The filter in it, where that is in memory already; another one's makes the index CORRUPT. */
  readonly filter?: BloomFilter | undefined
  /** Runs what an opening does without giving way, for whoever times it. */
  readonly section?: (<T>(work: () => T) => T) | undefined
}

/** An object that an index points to; the record decides. */
export interface IndexEntry {
  readonly kind: IndexKind
  readonly offset: number
}

/**
 * The index of one sealed pack file, open for look-ups: filter and fences (the first hash of each page) in
 * memory, pages through the block cache. What it finds are candidates by the first 8 bytes of their hashes;
 * the record's full hash decides. Everything read from the file is checked before it is believed.
 */
export class IndexFile {
  readonly #file: PackFile
  readonly #cache: BlockCache
  readonly #header: IndexHeader
  /** Two words a page. */
  readonly #fences: Uint32Array
  readonly #filter: BloomFilter

  private constructor(file: PackFile, place: IndexPlace) {
    this.#file = file
    this.#cache = place.cache
    this.#header = readHeader(file, place)
    const fences = this.#section('fences')
    this.#fences = Uint32Array.from({ length: fences.length / 4 }, (_, i) => fences.readUInt32LE(i * 4))
    const filter = place.filter ?? BloomFilter.ofBytes(this.#section('filter'))
    const { position, checksum } = this.#header.sections.filter
    if (filter === undefined) throw corrupt(file, position)
    // An index of other objects is not the one that is meant, whatever its name.
    if (place.filter !== undefined && sumOf(filter) !== checksum) throw corrupt(file, position)
    this.#filter = filter
  }

  /**
   * `undefined`: there is no such file. In both that and the case of damage the owner builds it anew.
   * @throws CORRUPT when it is damaged or another file's, NEWER_FORMAT, and what the file system throws
   */
  static async open(fs: FileSystem, place: IndexPlace): Promise<IndexFile | undefined> {
    let file: PackFile
    try {
      file = await PackFile.open(fs, { ...place, kind: 'idx' })
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
    return IndexFile.over(file, place)
  }

  /** An index that was built in memory (`IndexBuilder.encode`); it keeps the bytes. */
  static ofBytes(bytes: Buffer, place: IndexPlace): IndexFile {
    return IndexFile.over(PackFile.ofBytes(bytes, { ...place, kind: 'idx' }), place)
  }

  /**
   * Over a file that the caller has opened; it takes over the caller's use.
   * @throws as `open` does; then the file is released
   */
  static over(file: PackFile, place: IndexPlace): IndexFile {
    try {
      const open = (): IndexFile => new IndexFile(file, place)
      return place.section === undefined ? open() : place.section(open)
    } catch (error) {
      file.release()
      throw error
    }
  }

  get number(): number {
    return this.#header.number
  }

  get name(): string {
    return this.#file.name
  }

  /** Of the file, in bytes. */
  get length(): number {
    return this.#file.end
  }

  /** How far it covers its pack file, in bytes. */
  get packLength(): number {
    return this.#header.packLength
  }

  /** Objects of all kinds. */
  get count(): number {
    return this.#header.entryCount
  }

  get filter(): BloomFilter {
    return this.#filter
  }

  /** Memory held besides the block cache. */
  get bytes(): number {
    return this.#fences.byteLength + this.#filter.bytes
  }

  objectCount(kind: IndexKind): number {
    return this.#header.objects[kind].count
  }

  /** Bytes of the kind's records, with headers and padding. */
  objectBytes(kind: IndexKind): number {
    return this.#header.objects[kind].bytes
  }

  /**
   * Whether an object whose hash begins with these two words may be here: no is certain, yes is wrong for one
   * absent hash in 200.
   */
  mayHold(high: number, low: number): boolean {
    return this.#filter.has(high, low)
  }

  /**
   * Virtual offsets where the object may be, lowest first; nearly always none or one.
   * @throws CORRUPT
   */
  candidates(kind: IndexKind, hash: RawHash): readonly number[] {
    const high = hashWord(hash, 0)
    const low = hashWord(hash, 4)
    if (!this.#filter.has(high, low)) return none
    const found: number[] = []
    this.#scan({ high, low, highEnd: high, lowEnd: low }, (entryKind, offset) => {
      if (entryKind === kind) found.push(offset)
      return true
    })
    return found
  }

  /**
   * Objects whose hash begins with the first 16 of these hexadecimal digits, in the order of their hashes; at
   * most `limit`. Further digits are the caller's to compare.
   * @throws CORRUPT
   */
  withPrefix(digits: string, limit: number): readonly IndexEntry[] {
    assert(/^[0-9a-f]+$/.test(digits) && digits.length >= prefixDigitsMin, 'a prefix has at least 7 digits')
    const first = digits.slice(0, 16).padEnd(16, '0')
    const last = digits.slice(0, 16).padEnd(16, 'f')
    const found: IndexEntry[] = []
    const range = {
      high: Number.parseInt(first.slice(0, 8), 16),
      low: Number.parseInt(first.slice(8), 16),
      highEnd: Number.parseInt(last.slice(0, 8), 16),
      lowEnd: Number.parseInt(last.slice(8), 16),
    }
    this.#scan(range, (kind, offset) => {
      if (found.length < limit) found.push({ kind, offset })
      return found.length < limit
    })
    return found
  }

  /**
   * All entries in the order of their hashes, with the first two words of these.
   * @throws CORRUPT
   */
  forEach(visit: (kind: IndexKind, offset: number, high: number, low: number) => void): void {
    const all = { high: 0, low: 0, highEnd: twoTo32 - 1, lowEnd: twoTo32 - 1 }
    this.#scan(all, (kind, offset, high, low) => {
      visit(kind, offset, high, low)
      return true
    })
  }

  /**
   * Virtual offsets of the pack's metadata records, ascending.
   * @throws CORRUPT
   */
  metadataOffsets(): Float64Array {
    return this.#numbers('metadata')
  }

  /**
   * Objects put or touched without a holder: their virtual offsets, and when, in ms.
   * @throws CORRUPT
   */
  touched(): { readonly offsets: Float64Array; readonly times: Float64Array } {
    const pairs = this.#numbers('touched')
    const offsets = pairs.filter((_, i) => i % 2 === 0)
    const times = pairs.filter((_, i) => i % 2 === 1)
    return { offsets, times }
  }

  /**
   * Virtual offsets of records that may refer upwards.
   * @throws CORRUPT
   */
  healedOffsets(): Float64Array {
    return this.#numbers('healed')
  }

  /**
   * Proves everything that opening has not: pages and lists. Reads the file once, beside the block cache.
   * @throws CORRUPT
   */
  async verify(): Promise<void> {
    for (const name of indexSections) this.#section(name)
    const bytes = Buffer.allocUnsafeSlow(Math.min(this.#header.pageCount, verifyPages) * pageBytes)
    for (let page = 0; page < this.#header.pageCount; page += verifyPages) {
      const length = Math.min(this.#header.pageCount - page, verifyPages) * pageBytes
      const position = (1 + page) * pageBytes
      if ((await readFully(this.#file.handle, bytes, 0, length, position)) < length) {
        throw corrupt(this.#file, position)
      }
      for (let at = 0; at < length; at += pageBytes) this.#checkPage(bytes, at, page + at / pageBytes)
    }
  }

  acquire(): void {
    this.#file.acquire()
  }

  release(): void {
    this.#file.release()
  }

  retire(): void {
    this.#file.retire()
  }

  #scan(
    range: HashRange,
    visit: (kind: IndexKind, offset: number, high: number, low: number) => boolean,
  ): void {
    for (let page = this.#firstPage(range); page < this.#header.pageCount; page++) {
      const { view } = this.#pageBlock(page)
      const count = view.getUint32(8, true)
      for (let i = firstEntry(view, count, range); i < count; i++) {
        const at = pageHeaderBytes + i * entryBytes
        const high = view.getUint32(at)
        const low = view.getUint32(at + 4)
        if (high > range.highEnd || (high === range.highEnd && low > range.lowEnd)) return
        const word = view.getUint32(at + 12, true)
        const offset = (word & 0xff_ffff) * twoTo32 + view.getUint32(at + 8, true)
        if (!visit((word >>> 24) as IndexKind, offset, high, low)) return
      }
    }
  }

  /** The last page that begins below the range; equal hashes may begin on it and go on behind it. */
  #firstPage(range: HashRange): number {
    const fences = this.#fences
    let below = 0
    let end = this.#header.pageCount
    while (end - below > 1) {
      const middle = (below + end) >>> 1
      const high = fences[middle * 2] as number
      const isBelow =
        high < range.high || (high === range.high && (fences[middle * 2 + 1] as number) < range.low)
      if (isBelow) below = middle
      else end = middle
    }
    return below
  }

  /** The block that is the page, which is proved. */
  #pageBlock(page: number): Block {
    const block = this.#cache.block(this.#file, 1 + page, pageBytes)
    if (block.validTo < pageBytes) throw corrupt(this.#file, (1 + page) * pageBytes)
    if (block.isVerified(0)) return block
    this.#checkPage(block.buf, 0, page)
    block.markVerified(0)
    return block
  }

  /** @param at where the page begins in `buf` */
  #checkPage(buf: Buffer, at: number, page: number): void {
    const isWhole =
      xxh64(buf, at + 8, at + pageBytes, page) === buf.readBigUInt64LE(at) &&
      buf.readUInt32LE(at + 8) <= entriesPerPage
    if (!isWhole) throw corrupt(this.#file, (1 + page) * pageBytes)
  }

  #numbers(name: IndexSection): Float64Array {
    const bytes = this.#section(name)
    return Float64Array.from({ length: bytes.length / 8 }, (_, i) => readU64(bytes, i * 8))
  }

  #section(name: IndexSection): Buffer {
    const place = this.#header.sections[name]
    const bytes = Buffer.allocUnsafeSlow(place.length)
    const read = readFullySync(this.#file.handle, bytes, 0, place.length, place.position)
    if (read < place.length) throw corrupt(this.#file, place.position)
    if (xxh64(bytes, 0, place.length, sectionSeed(name)) !== place.checksum) {
      throw corrupt(this.#file, place.position)
    }
    return bytes
  }
}

function sumOf(filter: BloomFilter): bigint {
  const bytes = filter.toBytes()
  return xxh64(bytes, 0, bytes.length, sectionSeed('filter'))
}

/** Hashes from (high, low) to (highEnd, lowEnd), both included. */
interface HashRange {
  readonly high: number
  readonly low: number
  readonly highEnd: number
  readonly lowEnd: number
}

/** The first entry of a page that is not below the range. */
function firstEntry(view: DataView, count: number, range: HashRange): number {
  let from = 0
  let to = count
  while (from < to) {
    const middle = (from + to) >>> 1
    const at = pageHeaderBytes + middle * entryBytes
    const high = view.getUint32(at)
    if (high < range.high || (high === range.high && view.getUint32(at + 4) < range.low)) from = middle + 1
    else to = middle
  }
  return from
}

function readHeader(file: PackFile, place: IndexPlace): IndexHeader {
  const page = Buffer.allocUnsafeSlow(pageBytes)
  const read = readFullySync(file.handle, page, 0, pageBytes, 0)
  const header = decodeIndexHeader(page.subarray(0, read), file.name)
  const isOurs = header.number === place.number && header.storeId.equals(place.storeId)
  if (!isOurs || !isConsistent(header, file.end)) throw corrupt(file, 0)
  return header
}

/**
 * Whether the parts have the lengths that the counts ask for, lie one behind the other, and fill the file.
 */
function isConsistent(header: IndexHeader, fileBytes: number): boolean {
  const { sections, pageCount, entryCount } = header
  if (pageCount !== Math.ceil(entryCount / entriesPerPage)) return false
  if (sections.fences.length !== pageCount * 8) return false
  if (sections.metadata.length % 8 !== 0 || sections.healed.length % 8 !== 0) return false
  if (sections.touched.length % 16 !== 0) return false
  let position = pageBytes * (1 + pageCount)
  for (const name of indexSections) {
    if (sections[name].position !== position) return false
    position += sections[name].length
  }
  const counted = indexKinds.reduce((sum, kind) => sum + header.objects[kind].count, 0)
  return counted === entryCount && position === fileBytes
}

function corrupt(file: PackFile, offset: number): VarveError<'CORRUPT'> {
  return new VarveError('CORRUPT', { file: file.name, offset })
}
