import { assert, Float64List, writeU64, Xxh64Stream, xxh64 } from '../../base/index.ts'
import type { FileSystem } from '../../fs/index.ts'
import type { IndexKind } from '../../objects/index.ts'
import { writeNewFile } from '../blocks/index.ts'
import { BloomFilter } from './bloom-filter.ts'
import { IndexEntries } from './index-entries.ts'
import {
  encodeIndexHeader,
  entriesPerPage,
  entryBytes,
  type IndexSection,
  indexSections,
  pageBytes,
  pageHeaderBytes,
  type SectionPlace,
  sectionSeed,
} from './index-format.ts'

/** Bytes written at a time. */
const pieceBytes = 1 << 18
const twoTo32 = 0x1_0000_0000
/** The kind stands in an entry's top byte. */
const kindFactor = 0x100_0000

/** What an index says of the pack file that it belongs to. */
export interface IndexedPack {
  readonly number: number
  /** 16 bytes. */
  readonly storeId: Buffer
  /** Bytes of the pack file that are covered: all that a later look-up may find in it. */
  readonly packLength: number
}

/**
 * Collects what one pack file holds and writes its index. Memory: 25 bytes an object while it is being
 * written. An object may come twice, at two offsets; both are kept.
 */
export class IndexBuilder {
  readonly #entries: IndexEntries
  readonly #metadata = new Float64List()
  /** Pairs: an object's offset, the time of its batch or touch in ms. */
  readonly #touched = new Float64List()
  readonly #healed = new Float64List()
  readonly #objects = {
    1: { count: 0, bytes: 0 },
    2: { count: 0, bytes: 0 },
    3: { count: 0, bytes: 0 },
    4: { count: 0, bytes: 0 },
  }

  /** @param entries to be used again; what they held is forgotten */
  constructor(entries: IndexEntries = new IndexEntries()) {
    this.#entries = entries
    entries.clear()
  }

  /** Objects so far. */
  get count(): number {
    return this.#entries.count
  }

  /** Memory in use. */
  get bytes(): number {
    return this.#entries.bytes + this.#metadata.bytes + this.#touched.bytes + this.#healed.bytes
  }

  /** @param hashStart where the object's hash lies in `bytes`; recordBytes counts header and padding */
  add(kind: IndexKind, bytes: Uint8Array, hashStart: number, offset: number, recordBytes: number): void {
    checkOffset(offset)
    this.#entries.add(kind, bytes, hashStart, offset)
    this.#objects[kind].count++
    this.#objects[kind].bytes += recordBytes
  }

  /** A metadata record lies there. */
  addMetadata(offset: number): void {
    checkOffset(offset)
    this.#metadata.push(offset)
  }

  /**
   * The object at the offset, in this pack or elsewhere, was put or touched without a holder at that time.
   */
  addTouched(offset: number, timeMs: number): void {
    checkOffset(offset)
    this.#touched.push(offset)
    this.#touched.push(timeMs)
  }

  /** The record there carries the flag `healed`: it may refer to higher offsets. */
  addHealed(offset: number): void {
    checkOffset(offset)
    this.#healed.push(offset)
  }

  /**
   * Creates the file, writes and syncs it. The folder is the caller's to sync. After a failure the file is
   * gone, as far as the disk lets it, and was synced at most once.
   * @throws what the file system throws
   */
  async write(fs: FileSystem, o: IndexedPack & { readonly path: string }): Promise<void> {
    await writeNewFile(fs, o.path, this.#pieces(o))
  }

  /** The same bytes in memory, for a reader that may not write. */
  encode(o: IndexedPack): Buffer {
    const pieces: Buffer[] = []
    for (const piece of this.#pieces(o)) pieces.push(Buffer.from(piece))
    return Buffer.concat(pieces)
  }

  /** A piece is valid until the next one is taken. */
  *#pieces(o: IndexedPack): Iterable<Buffer> {
    const order = this.#entries.sorted()
    const pageCount = Math.ceil(order.length / entriesPerPage)
    const sections = this.#sections(order, pageCount)
    const places = placesOf(sections, pageBytes * (1 + pageCount))
    yield encodeIndexHeader({
      ...o,
      entryCount: order.length,
      pageCount,
      objects: this.#objects,
      sections: places,
    })
    const pagesPerPiece = pieceBytes / pageBytes
    const piece = Buffer.alloc(Math.min(pagesPerPiece, pageCount) * pageBytes)
    for (let first = 0; first < pageCount; first += pagesPerPiece) {
      const end = Math.min(pageCount, first + pagesPerPiece)
      for (let page = first; page < end; page++)
        this.#encodePage(piece, (page - first) * pageBytes, order, page)
      yield piece.subarray(0, (end - first) * pageBytes)
    }
    for (const name of indexSections) {
      const bytes = sections[name]
      for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
    }
  }

  #encodePage(target: Buffer, at: number, order: Uint32Array, page: number): void {
    const first = page * entriesPerPage
    const count = Math.min(entriesPerPage, order.length - first)
    const view = new DataView(target.buffer, target.byteOffset + at, pageBytes)
    const { high, low, offsets, kinds } = this.#entries.columns
    target.fill(0, at, at + pageBytes)
    view.setUint32(8, count, true)
    for (let i = 0; i < count; i++) {
      const entry = order[first + i] as number
      const offset = offsets[entry] as number
      const place = pageHeaderBytes + i * entryBytes
      view.setUint32(place, high[entry] as number)
      view.setUint32(place + 4, low[entry] as number)
      view.setUint32(place + 8, offset >>> 0, true)
      view.setUint32(place + 12, Math.floor(offset / twoTo32) + (kinds[entry] as number) * kindFactor, true)
    }
    target.writeBigUInt64LE(xxh64(target, at + 8, at + pageBytes, page), at)
  }

  #sections(order: Uint32Array, pageCount: number): { readonly [S in IndexSection]: Buffer } {
    const { high, low } = this.#entries.columns
    const fences = Buffer.alloc(pageCount * 8)
    for (let page = 0; page < pageCount; page++) {
      const entry = order[page * entriesPerPage] as number
      fences.writeUInt32LE(high[entry] as number, page * 8)
      fences.writeUInt32LE(low[entry] as number, page * 8 + 4)
    }
    const filter = BloomFilter.for(order.length)
    filter.addAll(high, low, order.length)
    return {
      fences,
      filter: filter.toBytes(),
      metadata: encodeNumbers(this.#metadata),
      touched: encodeNumbers(this.#touched),
      healed: encodeNumbers(this.#healed),
    }
  }
}

function placesOf(
  sections: { readonly [S in IndexSection]: Buffer },
  start: number,
): { readonly [S in IndexSection]: SectionPlace } {
  let position = start
  const place = (name: IndexSection): SectionPlace => {
    const bytes = sections[name]
    const checksum = new Xxh64Stream(sectionSeed(name)).update(bytes, 0, bytes.length).digest()
    const found = { position, length: bytes.length, checksum }
    position += bytes.length
    return found
  }
  return {
    fences: place('fences'),
    filter: place('filter'),
    metadata: place('metadata'),
    touched: place('touched'),
    healed: place('healed'),
  }
}

function encodeNumbers(list: Float64List): Buffer {
  const bytes = Buffer.alloc(list.length * 8)
  for (let i = 0; i < list.length; i++) writeU64(bytes, list.at(i), i * 8)
  return bytes
}

function checkOffset(offset: number): void {
  assert(Number.isSafeInteger(offset) && offset > 0 && offset % 8 === 0, 'a record lies at a multiple of 8')
}
