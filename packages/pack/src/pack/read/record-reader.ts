import { VarveError } from '../../errors/index.ts'
import { readFullySync } from '../../fs/index.ts'
import { hashEquals, type IndexKind, indexKindOf, type RawHash } from '../../objects/index.ts'
import { type Block, type BlockCache, blockBytes, type PackFile } from '../blocks/index.ts'
import {
  parseRecordHeader,
  type RecordHeader,
  recordHeaderSize,
  recordSize,
  verifyRecord,
} from '../frame/index.ts'
import { AssembledRecords } from './assembled-records.ts'
import { Location } from './location.ts'
import type { OffsetSpace } from './offset-space.ts'
import { ReadWindows, type WindowPlace } from './read-windows.ts'
import type { RecordCache } from './record-cache.ts'
import { RecordView } from './record-view.ts'

/** Larger records are read by blocks. */
const smallRecordMax = 16_384

/**
 * Reads records by virtual offset out of the block cache. Each is proved by its checksum, which covers its
 * own offset, when it is first read from a block; after that the block remembers. Belongs to one thread.
 */
export class RecordReader {
  readonly #cache: BlockCache
  readonly #space: () => OffsetSpace
  readonly #records: RecordCache | undefined
  readonly #windows = new ReadWindows()
  readonly #window: WindowPlace = { buf: Buffer.alloc(0), start: 0, available: 0 }
  readonly #assembled = new AssembledRecords()
  readonly #at = new Location()
  readonly #view = new RecordView()
  /** For records that are read past the cache. */
  #memory: Buffer = Buffer.alloc(0)
  readonly #header: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }

  /**
   * @param space what is to be read: the store's present space, or one that was captured
   * @param records keeps small records, for whoever reads here and there; without it whole blocks are kept
   */
  constructor(cache: BlockCache, space: () => OffsetSpace, records?: RecordCache) {
    this.#cache = cache
    this.#space = space
    this.#records = records
  }

  /**
   * The record at the offset.
   * @throws COLLECTED when no file holds the offset, CORRUPT when there is no whole record of that offset,
   * and what the file system throws
   */
  record(offset: number): RecordView {
    const view = new RecordView()
    this.read(offset, view)
    return view
  }

  /**
   * The same into a view that is used again and again.
   * @throws as `record` does; then `into` is as it was
   */
  read(offset: number, into: RecordView): void {
    const { file, position } = this.#locate(offset)
    const start = position & (blockBytes - 1)
    const index = (position - start) / blockBytes
    const block = this.#cache.peek(file, index, 0)
    if (block?.isVerified(start) === true) {
      into.place(offset, block.buf, start)
      return
    }
    const records = this.#records
    const isInBlock = block !== undefined && block.validTo >= headerEnd(start)
    if (records !== undefined && !isInBlock && this.#findSmall(records, file, position, offset)) {
      into.place(offset, records.buf, records.start)
      return
    }
    this.#readBlock(file, { offset, start, index }, into)
  }

  /**
   * The same for records of many blocks: reads them ahead without blocking the thread. The caller keeps the
   * space.
   */
  async recordAsync(offset: number): Promise<RecordView> {
    const { file, position } = this.#locate(offset)
    await this.#cache.preload(file, { start: position, end: position + recordHeaderSize })
    const size = recordSize(this.#readHeader(file, position).bodyLength)
    if (size > blockBytes) await this.#cache.preload(file, { start: position, end: position + size })
    return this.record(offset)
  }

  /**
   * The record at the offset, whose body should have this length, read from its file past the cache: for long
   * runs of content, which would only push out what is in use. `into` is valid until the next call. False
   * where `record` must say what is there: damage, no file, or bytes that no file has yet.
   * @throws what the file system throws
   */
  readPast(offset: number, bodyLength: number, into: RecordView): boolean {
    const at = this.#at
    if (!this.#space().locate(offset, at) || (at.position & 7) !== 0) return false
    const { handle } = at.file as PackFile
    const size = recordSize(bodyLength)
    if (this.#memory.length < size) this.#memory = Buffer.allocUnsafeSlow(Math.max(size, blockBytes * 2))
    const length = readFullySync(handle, this.#memory, 0, size, at.position)
    if (verifyRecord(this.#memory, 0, length, offset, this.#header) !== size) return false
    into.place(offset, this.#memory, 0)
    return true
  }

  /**
   * Whether the object there is the one looked for.
   * @throws as `record` does
   */
  recordMatches(offset: number, kind: IndexKind, hash: RawHash): boolean {
    const view = this.#view
    this.read(offset, view)
    return indexKindOf(view.kind) === kind && hashEquals(view.buf, view.hashStart, hash)
  }

  #locate(offset: number): { readonly file: PackFile; readonly position: number } {
    const at = this.#at
    if (!this.#space().locate(offset, at)) throw new VarveError('COLLECTED', {})
    const found = at as { readonly file: PackFile; readonly position: number }
    // Bases of chunks and positions of runs are multiples of 8.
    if ((found.position & 7) !== 0) throw corrupt(found.file, found.position)
    return found
  }

  /**
   * Finds a small record in the record cache, or reads it into it; false where the blocks must say what is
   * there: a large record, one of which a part is not in the file yet, or damage.
   */
  #findSmall(records: RecordCache, file: PackFile, position: number, offset: number): boolean {
    if (records.find(file.number, position)) {
      return !records.isOld() || records.add(file.number, position, records.buf, records.start)
    }
    const at = this.#window
    this.#windows.at(file, position, at)
    if (at.available < recordHeaderSize || !parseRecordHeader(at.buf, at.start, this.#header)) return false
    const size = recordSize(this.#header.bodyLength)
    if (size > smallRecordMax) return false
    if (size > at.available) {
      at.buf = Buffer.allocUnsafe(size)
      at.start = 0
      at.available = readFullySync(file.handle, at.buf, 0, size, position)
    }
    if (verifyRecord(at.buf, at.start, at.available, offset, this.#header) === 0) return false
    return records.add(file.number, position, at.buf, at.start)
  }

  /** Out of the block cache, whatever the size. */
  #readBlock(
    file: PackFile,
    at: { readonly offset: number; readonly start: number; readonly index: number },
    into: RecordView,
  ): void {
    const { offset, start, index } = at
    const found = this.#cache.block(file, index, headerEnd(start))
    const isWhole = start + recordHeaderSize <= blockBytes
    const block = isWhole ? this.#verifyInside(file, found, at) : undefined
    const position = index * blockBytes + start
    if (block !== undefined) into.place(offset, block.buf, start)
    else into.place(offset, this.#assembled.get(file, position) ?? this.#assemble(file, position, offset), 0)
  }

  /** The block with the whole record in it; `undefined`: the record goes on in the next block. */
  #verifyInside(
    file: PackFile,
    found: Block,
    at: { readonly offset: number; readonly start: number; readonly index: number },
  ): Block | undefined {
    const { offset, start, index } = at
    if (found.isVerified(start)) return found
    const position = index * blockBytes + start
    if (found.validTo < start + recordHeaderSize) throw corrupt(file, position)
    if (!parseRecordHeader(found.buf, start, this.#header)) throw corrupt(file, position)
    const end = start + recordSize(this.#header.bodyLength)
    if (end > blockBytes) return undefined
    const block = found.validTo >= end ? found : this.#cache.block(file, index, end)
    if (verifyRecord(block.buf, start, block.validTo - start, offset, this.#header) === 0)
      throw corrupt(file, position)
    block.markVerified(start)
    return block
  }

  /** A copy of a record that lies in several blocks. */
  #assemble(file: PackFile, position: number, offset: number): Buffer {
    const size = recordSize(this.#readHeader(file, position).bodyLength)
    const copy = Buffer.allocUnsafeSlow(size)
    if (this.#copy(file, position, copy) < size) throw corrupt(file, position)
    if (verifyRecord(copy, 0, size, offset, this.#header) === 0) throw corrupt(file, position)
    this.#assembled.add(file, position, copy)
    return copy
  }

  #readHeader(file: PackFile, position: number): RecordHeader {
    const bytes = Buffer.allocUnsafe(recordHeaderSize)
    if (this.#copy(file, position, bytes) < recordHeaderSize) throw corrupt(file, position)
    if (!parseRecordHeader(bytes, 0, this.#header)) throw corrupt(file, position)
    return this.#header
  }

  /** Fills `target` from the position on; returns how many bytes there were. */
  #copy(file: PackFile, position: number, target: Buffer): number {
    let done = 0
    while (done < target.length) {
      const start = (position + done) % blockBytes
      const length = Math.min(target.length - done, blockBytes - start)
      const block = this.#cache.block(file, Math.floor((position + done) / blockBytes), start + length)
      const copied = block.buf.copy(target, done, start, Math.min(start + length, block.validTo))
      done += copied
      if (copied < length) break
    }
    return done
  }
}

/** How far a block must be filled for the header at `start` of it, or for as much of that as it holds. */
function headerEnd(start: number): number {
  return Math.min(start + recordHeaderSize, blockBytes)
}

function corrupt(file: PackFile, offset: number): VarveError<'CORRUPT'> {
  return new VarveError('CORRUPT', { file: file.name, offset })
}
