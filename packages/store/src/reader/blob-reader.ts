/**
 * Reads the content of blobs, whole or in part. A blob is one record, or a list of chunks; a range reads only
 * the chunks that it needs, and chunks are read past the block cache one at a time, so that memory stays
 * bounded.
 */
import { assert, copyOfBytes } from '@varve/pack/base'
import { throwIfAborted, VarveError } from '@varve/pack/errors'
import {
  type BlobRef,
  type BodyView,
  type ChunkEntry,
  chunksInRange,
  indexKind,
  listContentLength,
  MalformedBody,
  type PlacedChunk,
  type RawHash,
  rawToHex,
  recordKind,
} from '@varve/pack/objects'
import { type BlockCache, RecordReader, type RecordView } from '@varve/pack/pack'
import type { Bytes } from '../api/index.ts'
import type { FilesView } from '../file-set/index.ts'
import type { ObjectReader } from './object-reader.ts'
import { bodyOf } from './record-body.ts'

/** Chunks that a stream reads between two turns of the event loop: at most 256 KiB each. */
const CHUNKS_PER_TURN = 4

/** Which bytes of a blob, and who may stop the reading. */
export interface PieceRange {
  readonly from: number
  readonly to: number
  readonly signal: AbortSignal | undefined
}

export interface BlobReaderParts {
  readonly cache: BlockCache
  readonly files: FilesView
  readonly objects: ObjectReader
  /** Lets the event loop in. */
  readonly turn: () => Promise<void>
}

export class BlobReader {
  readonly #parts: BlobReaderParts
  readonly #objects: ObjectReader
  readonly #turn: () => Promise<void>
  /** Address spaces that streams read from. */
  readonly #captured = new Set<{ release(): void }>()
  #isClosed = false

  constructor(parts: BlobReaderParts) {
    this.#parts = parts
    this.#objects = parts.objects
    this.#turn = parts.turn
  }

  /** Streams that hold an address space, which may be an old one. */
  get openCount(): number {
    return this.#captured.size
  }

  /** Streams that are still open end with STORE_CLOSED at their next piece. */
  close(): void {
    this.#isClosed = true
    for (const captured of this.#captured) captured.release()
    this.#captured.clear()
  }

  /** Where a blob is and how long, or `undefined`. @throws CORRUPT */
  find(hash: RawHash): BlobRef | undefined {
    const offset = this.#objects.find(indexKind.blob, hash)
    if (offset === 0) return undefined
    return { hash, offset, size: this.#sizeOf(this.#objects.record(indexKind.blob, hash, offset)) }
  }

  /** The whole content, as a copy. @throws COLLECTED, CORRUPT */
  bytes(blob: BlobRef): Bytes {
    const record = this.#objects.record(indexKind.blob, blob.hash, blob.offset)
    if (record.kind === recordKind.blob) return copyOf(record, 0, record.bodyEnd - record.bodyStart)
    const content = new Uint8Array(this.#sizeOf(record))
    for (const chunk of this.#chunks(record, { from: 0, to: content.length })) {
      copyChunk(this.#objects, chunk, content)
    }
    return content
  }

  /**
   * The same, letting the event loop in between chunks, all from the files of this moment.
   * @throws COLLECTED, CORRUPT, ABORTED, STORE_CLOSED
   */
  async bytesAsync(blob: BlobRef, signal: AbortSignal | undefined): Promise<Bytes> {
    const record = this.#objects.record(indexKind.blob, blob.hash, blob.offset)
    if (record.kind === recordKind.blob) return copyOf(record, 0, record.bodyEnd - record.bodyStart)
    const content = new Uint8Array(this.#sizeOf(record))
    const capture = this.capture()
    try {
      await this.#fill(content, { record, objects: capture.objects, signal })
    } finally {
      capture.release()
    }
    return content
  }

  /**
   * The bytes [from, to) in pieces of at most 256 KiB, all from the files of this moment, whatever
   * collections do.
   * @throws COLLECTED, CORRUPT, ABORTED, STORE_CLOSED
   */
  async *pieces(blob: BlobRef, range: PieceRange): AsyncGenerator<Bytes, void, undefined> {
    const capture = this.capture()
    try {
      yield* this.#piecesOf(capture.objects, blob, range)
    } finally {
      capture.release()
    }
  }

  /**
   * Reads from the files of this moment until it is released, for whoever reads over several turns of the
   * event loop. When the store closes, it may not be read from any more.
   */
  capture(): { readonly objects: ObjectReader; release(): void } {
    const { cache, files } = this.#parts
    const { space } = files
    space.acquire()
    const captured = { release: () => space.release() }
    this.#captured.add(captured)
    return {
      objects: this.#objects.over(new RecordReader(cache, () => space)),
      release: () => {
        if (this.#captured.delete(captured)) space.release()
      },
    }
  }

  async #fill(
    content: Uint8Array,
    from: {
      readonly record: RecordView
      readonly objects: ObjectReader
      readonly signal: AbortSignal | undefined
    },
  ): Promise<void> {
    const { record, objects, signal } = from
    let count = 0
    for (const chunk of this.#chunks(record, { from: 0, to: content.length }, objects)) {
      if (count++ % CHUNKS_PER_TURN === 0) await this.#turn()
      this.#checkGoingOn(signal)
      copyChunk(objects, chunk, content)
    }
  }

  async *#piecesOf(
    objects: ObjectReader,
    blob: BlobRef,
    range: PieceRange,
  ): AsyncGenerator<Bytes, void, undefined> {
    const record = objects.record(indexKind.blob, blob.hash, blob.offset)
    throwIfAborted(range.signal)
    if (record.kind === recordKind.blob) {
      if (range.to > range.from) yield copyOf(record, range.from, range.to)
      return
    }
    let count = 0
    for (const chunk of this.#chunks(record, range, objects)) {
      if (count++ % CHUNKS_PER_TURN === 0) await this.#turn()
      this.#checkGoingOn(range.signal)
      const from = Math.max(0, range.from - chunk.position)
      const to = Math.min(chunk.length, range.to - chunk.position)
      yield copyOf(chunkRecord(objects, chunk), from, to)
    }
  }

  /** Asked after each turn of the event loop. @throws ABORTED, STORE_CLOSED */
  #checkGoingOn(signal: AbortSignal | undefined): void {
    throwIfAborted(signal)
    if (this.#isClosed) throw new VarveError('STORE_CLOSED', {})
  }

  *#chunks(
    record: RecordView,
    range: { readonly from: number; readonly to: number },
    objects: ObjectReader = this.#objects,
  ): Generator<PlacedChunk, void, undefined> {
    const readList = (entry: ChunkEntry): BodyView =>
      bodyOf(objects.record(indexKind.list, entry.hash, entry.offset))
    try {
      yield* chunksInRange(bodyOf(record), range, readList)
    } catch (error) {
      throw error instanceof MalformedBody ? malformed(record, record.hash, error) : error
    }
  }

  #sizeOf(record: RecordView): number {
    if (record.kind === recordKind.blob) return record.bodyEnd - record.bodyStart
    try {
      return listContentLength(bodyOf(record))
    } catch (error) {
      throw error instanceof MalformedBody ? malformed(record, record.hash, error) : error
    }
  }
}

function copyChunk(objects: ObjectReader, chunk: PlacedChunk, content: Uint8Array): void {
  const record = chunkRecord(objects, chunk)
  content.set(record.buf.subarray(record.bodyStart, record.bodyEnd), chunk.position)
}

/** Valid until the next chunk is read. */
function chunkRecord(objects: ObjectReader, chunk: ChunkEntry): RecordView {
  const record = objects.chunk(chunk)
  const isWhole = record.kind === recordKind.blob && record.bodyEnd - record.bodyStart === chunk.length
  if (!isWhole) throw malformed(record, chunk.hash)
  return record
}

function copyOf(record: RecordView, from: number, to: number): Bytes {
  assert(from >= 0 && from <= to, 'a range of content ascends')
  return copyOfBytes(record.buf, record.bodyStart + from, record.bodyStart + to)
}

function malformed(record: RecordView, hash: RawHash, cause?: unknown): VarveError<'CORRUPT'> {
  return new VarveError('CORRUPT', { file: 'log', offset: record.offset, hash: rawToHex(hash) }, { cause })
}
