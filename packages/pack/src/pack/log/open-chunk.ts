import { assert, type Clock } from '../../base/index.ts'
import type { FileHandle } from '../../fs/index.ts'
import { fileName } from '../../layout/index.ts'
import type { RawHash } from '../../objects/index.ts'
import {
  BatchFrame,
  batchBytesMax,
  batchHeaderSize,
  batchTrailerSize,
  type ChunkTail,
  encodeRecord,
  nextBase,
  packHeaderSize,
  recordSize,
} from '../frame/index.ts'
import { LogTail, type TailCache, tailBlockSize } from './log-tail.ts'

/** Who reads the chunk that is being appended to: `PackFile`. Positions are those of the file. */
export interface GrowingFile {
  grow(end: number): void
  stopGrowing(): void
}

const emptyBatch = Buffer.alloc(batchHeaderSize)

/**
 * One chunk file while it is appended to: records into the open batch, batches closed one after another,
 * closed ones written and synced. It knows nothing of who waits for what, and after a failure its owner uses
 * it no more.
 *
 * Always: base + 64 <= syncedTo <= writtenTo <= closedTo <= end; the first three are borders of batches.
 */
export class OpenChunk {
  readonly number: number
  readonly base: number
  readonly #handle: FileHandle
  readonly #clock: Clock
  readonly #frame: BatchFrame
  readonly #growing: GrowingFile
  readonly #tail: LogTail
  readonly #fileSize: number
  /** Records that reach over the border of a block are put together here first. */
  #scratch: Buffer = Buffer.allocUnsafeSlow(tailBlockSize)
  /** Where the header of the open batch goes, 0 while none is open. */
  #batchStart = 0
  #sequence: number
  #recordCount: number
  #end: number
  #closedTo: number
  #writtenTo: number
  #syncedTo: number
  #isClosed: boolean

  /** @throws what the file system throws, on reading the block in which the tail ends */
  constructor(o: {
    readonly tail: ChunkTail
    readonly handle: FileHandle
    readonly cache: TailCache
    readonly growing: GrowingFile
    readonly clock: Clock
  }) {
    this.number = o.tail.number
    this.base = o.tail.base
    this.#handle = o.handle
    this.#clock = o.clock
    this.#growing = o.growing
    this.#frame = new BatchFrame(o.tail.nonce)
    this.#fileSize = o.tail.fileSize
    this.#sequence = o.tail.sequence
    this.#recordCount = o.tail.recordCount
    this.#isClosed = o.tail.isClosed
    this.#end = this.#closedTo = this.#writtenTo = this.#syncedTo = o.tail.end
    const end = o.tail.end - o.tail.base
    this.#tail = new LogTail({ cache: o.cache, fileNumber: this.number, handle: o.handle, end })
    if (!o.tail.needsNewChunk) this.#load(end)
  }

  get file(): string {
    return fileName.chunk(this.number)
  }

  /** Where the next record goes, or the header of the next batch. */
  get end(): number {
    return this.#end
  }

  get writtenTo(): number {
    return this.#writtenTo
  }

  get syncedTo(): number {
    return this.#syncedTo
  }

  /** Appended, and not in the file yet. */
  get unwrittenBytes(): number {
    return this.#end - this.#writtenTo
  }

  /** In the file, and not synced yet. */
  get unsyncedBytes(): number {
    return this.#writtenTo - this.#syncedTo
  }

  get recordCount(): number {
    return this.#recordCount
  }

  /** Without any batch there is nothing to seal. */
  get isEmpty(): boolean {
    return this.#end === this.base + packHeaderSize
  }

  /** What the base of the chunk after this one must not lie below. */
  get nextBase(): number {
    return nextBase({ base: this.base, end: this.#end, fileSize: this.#fileSize })
  }

  /** Appends a record to the open batch and returns its virtual offset. Readers see it at once. */
  append(
    kind: number,
    flags: number,
    hash: RawHash | undefined,
    referenceCount: number,
    body: Buffer,
    start: number,
    end: number,
  ): number {
    const size = recordSize(end - start)
    this.keepTogether(size)
    if (this.#batchStart === 0) this.#openBatch()
    const offset = this.#end
    const position = offset - this.base
    const block = this.#tail.block(position)
    const inBlock = position & (tailBlockSize - 1)
    if (inBlock + size <= tailBlockSize) {
      encodeRecord(block.buf, inBlock, offset, kind, flags, hash, referenceCount, body, start, end)
      this.#frame.addRecord(block.buf, inBlock)
      block.validTo = inBlock + size
      block.markVerified(inBlock)
    } else {
      if (this.#scratch.length < size) this.#scratch = Buffer.allocUnsafeSlow(size)
      encodeRecord(this.#scratch, 0, offset, kind, flags, hash, referenceCount, body, start, end)
      this.#frame.addRecord(this.#scratch, 0)
      this.#tail.put(this.#scratch, 0, size, position)
    }
    this.#end = offset + size
    this.#recordCount++
    this.#growing.grow(position + size)
    return offset
  }

  /** Closes the open batch unless this many more bytes of records fit into it. */
  keepTogether(bytes: number): void {
    assert(
      bytes <= batchBytesMax - batchHeaderSize - batchTrailerSize,
      'what stays together fits into a batch',
    )
    if (this.#batchStart === 0) return
    const length = this.#end - this.#batchStart + bytes + batchTrailerSize
    if (length > batchBytesMax) this.closeBatch()
  }

  /** Gives the open batch, if there is one, its header and trailer: then it may be written. */
  closeBatch(): void {
    if (this.#batchStart === 0) return
    const start = this.#batchStart
    const end = this.#end + batchTrailerSize
    const time = this.#clock.now()
    this.#sequence++
    const header = { sequence: this.#sequence, time, start, length: end - start, syncedTo: this.#syncedTo }
    this.#tail.put(this.#frame.encodeHeader(header), 0, batchHeaderSize, start - this.base)
    this.#tail.put(this.#frame.encodeTrailer(), 0, batchTrailerSize, this.#end - this.base)
    this.#batchStart = 0
    this.#end = this.#closedTo = end
    this.#isClosed = this.#frame.recordCount === 0 && start === this.#syncedTo
    this.#growing.grow(end - this.base)
  }

  /**
   * Closes the open batch and writes all that is not written. Returns `undefined` when that is done already,
   * else its promise; until it settles only `append` and `keepTogether` are allowed.
   * @throws what the file system throws
   */
  write(): Promise<void> | undefined {
    this.closeBatch()
    const to = this.#closedTo
    const writing = this.#tail.write(this.#writtenTo - this.base, to - this.base)
    if (writing !== undefined) return writing.then(() => this.#noteWritten(to))
    this.#noteWritten(to)
    return undefined
  }

  /** Makes durable what is written when it is called. */
  async sync(): Promise<void> {
    const to = this.#writtenTo
    await this.#handle.datasync()
    this.#syncedTo = Math.max(this.#syncedTo, to)
  }

  /**
   * Appends the empty batch that says: everything before me is synced. Everything is. Does nothing when the
   * log ends with one, so that opening and closing a store does not make it grow.
   */
  appendClosingBatch(): void {
    assert(this.#syncedTo === this.#end && this.#batchStart === 0, 'a log is closed after its last sync')
    if (this.#isClosed) return
    this.#openBatch()
    this.closeBatch()
  }

  /** The chunk is sealed at its present end. */
  stopGrowing(): void {
    this.#growing.stopGrowing()
  }

  /** The log has failed: a write under way ends after its present block. */
  stop(): void {
    this.#tail.stop()
  }

  /** Gives back blocks and file; readers have their own. */
  async release(): Promise<void> {
    this.#tail.releaseAll()
    await this.#handle.close()
  }

  #load(end: number): void {
    try {
      this.#tail.load(end)
    } catch (error) {
      // A block that stays pinned could never be dropped.
      this.#tail.releaseAll()
      throw error
    }
  }

  #openBatch(): void {
    this.#batchStart = this.#end
    this.#frame.begin()
    this.#tail.put(emptyBatch, 0, batchHeaderSize, this.#end - this.base)
    this.#end += batchHeaderSize
  }

  #noteWritten(to: number): void {
    this.#writtenTo = to
    this.#tail.release(to - this.base)
  }
}
