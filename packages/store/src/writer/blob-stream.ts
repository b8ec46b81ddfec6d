/**
 * Puts a blob that arrives in pieces: cut into chunks while it is hashed, never more than one chunk and one
 * list of each level in memory. Chunks are pinned until a list record holds them, lists until the blob's own
 * record does, so a collection may come and go meanwhile. Expectations are checked before the blob's record
 * is appended.
 */
import { assert } from '@varve/pack/base'
import { orAborted, throwIfAborted, VarveError } from '@varve/pack/errors'
import {
  Chunker,
  ChunkListBuilder,
  ContentHasher,
  chunkBytesMax,
  type RawHash,
  rawToHex,
} from '@varve/pack/objects'
import type { ContentStream, Progress } from '../api/index.ts'
import { pull } from './content-source.ts'
import type { ObjectWriter, PutPlace } from './object-writer.ts'
import type { PinHolder, PinRegistry } from './pins.ts'
import { sizeMismatch } from './size-mismatch.ts'
import type { WriteQueue } from './write-queue.ts'

export interface BlobStreamParts {
  readonly queue: WriteQueue
  readonly writer: ObjectWriter
  readonly pins: PinRegistry
  /** Waits for what is the caller's to do. @throws STORE_CLOSED when the store is closed before it is done */
  readonly queues: { outcomeOf<T>(call: () => T | Promise<T>): Promise<T> }
}

export interface BlobStreamOptions {
  readonly flags: number
  readonly expected: RawHash | undefined
  readonly size: number | undefined
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: Progress) => void) | undefined
  /** Called in the section that has put the blob's record, before its pins go. */
  readonly onPut: (place: PutPlace) => void
}

/**
 * @throws DIGEST_MISMATCH, ABORTED, STORE_CLOSED, WRITER_FAILED, and what the source
 * throws
 */
export async function putBlobStream(
  parts: BlobStreamParts,
  source: ContentStream,
  o: BlobStreamOptions,
): Promise<PutPlace> {
  const pins = parts.pins.open()
  try {
    return await new BlobStream(parts, pins, o).run(source)
  } finally {
    pins.release()
  }
}

class BlobStream {
  readonly #parts: BlobStreamParts
  readonly #pins: PinHolder
  readonly #o: BlobStreamOptions
  readonly #hasher = new ContentHasher()
  readonly #chunker = new Chunker()
  readonly #lists: ChunkListBuilder
  /** Copies of chunks that could not be put where they were cut; at most as many as one piece gave. */
  #cut: Buffer[] = []
  #chunkCount = 0

  constructor(parts: BlobStreamParts, pins: PinHolder, o: BlobStreamOptions) {
    this.#parts = parts
    this.#pins = pins
    this.#o = o
    this.#lists = new ChunkListBuilder(parts.writer)
  }

  async run(source: ContentStream): Promise<PutPlace> {
    const take = (chunk: Buffer): void => this.#take(chunk)
    const pulled = pull(source)
    let isTaking = true
    try {
      for (;;) {
        throwIfAborted(this.#o.signal)
        const step = await this.#parts.queues.outcomeOf(() => orAborted(pulled.next(), this.#o.signal))
        if (step.done === true) break
        await this.#push(step.value, take)
      }
      isTaking = false
    } finally {
      if (isTaking) pulled.abandon()
    }
    this.#chunker.finish(take)
    const hash = this.#checkedHash()
    if (this.#mayBeSmall()) return this.#putSmall(hash)
    await this.#putCut()
    return this.#putRoot(hash)
  }

  async #push(given: unknown, take: (chunk: Buffer) => void): Promise<void> {
    assert(given instanceof Uint8Array, 'content comes in pieces that are Uint8Arrays')
    for (const piece of slicesOf(given)) {
      this.#hasher.update(piece)
      this.#checkNotLonger()
      this.#chunker.push(piece, take)
      await this.#putCut()
      await this.#parts.queue.giveWay()
      throwIfAborted(this.#o.signal)
    }
    this.#reportProgress()
  }

  /** Puts the chunk out of the chunker's own memory, unless it has to wait. */
  #take(chunk: Buffer): void {
    if (this.#cut.length > 0 || this.#mayBeSmall() || this.#parts.queue.isBlocked) {
      this.#cut.push(Buffer.from(chunk))
    } else {
      this.#putChunk(chunk)
    }
  }

  async #putCut(): Promise<void> {
    if (this.#cut.length === 0 || this.#mayBeSmall()) return
    const { queue } = this.#parts
    const cut = this.#cut
    this.#cut = []
    for (const chunk of cut) {
      while (queue.isBlocked) await queue.unblocked()
      this.#putChunk(chunk)
    }
  }

  /** A blob that turns out to be small is put whole, so its chunks wait until it is known to be large. */
  #mayBeSmall(): boolean {
    return this.#hasher.size <= chunkBytesMax
  }

  /** In a section of the queue. */
  #putChunk(chunk: Buffer): void {
    const place = this.#parts.writer.putChunk(chunk)
    const hasFolded = this.#lists.add({ ...place, length: chunk.length })
    if (hasFolded) this.#repin()
    else this.#pins.add(place.offset)
    this.#chunkCount++
  }

  /** Entries below a list record are held by it; what no list holds yet is pinned by itself. */
  #repin(): void {
    this.#pins.clear()
    for (const entry of this.#lists.pending()) this.#pins.add(entry.offset)
  }

  /** A source without an end must not fill the disk. */
  #checkNotLonger(): void {
    const { size, expected } = this.#o
    if (size === undefined || this.#hasher.size <= size) return
    throw sizeMismatch({ size, found: `${this.#hasher.size} or more`, expected, actual: undefined })
  }

  #checkedHash(): RawHash {
    const { expected, size } = this.#o
    const found = this.#hasher.size
    const hash = this.#hasher.digest()
    if (size !== undefined && size !== found) {
      throw sizeMismatch({ size, found: `${found}`, expected, actual: hash })
    }
    if (expected !== undefined && expected !== hash) {
      throw new VarveError('DIGEST_MISMATCH', { expected: rawToHex(expected), actual: rawToHex(hash) })
    }
    return hash
  }

  async #putSmall(hash: RawHash): Promise<PutPlace> {
    const { queue, writer } = this.#parts
    const content = Buffer.concat(this.#cut)
    while (queue.isBlocked) await queue.unblocked()
    const place = writer.putContent(hash, content, this.#o.flags)
    this.#o.onPut(place)
    return place
  }

  async #putRoot(hash: RawHash): Promise<PutPlace> {
    const { queue, writer } = this.#parts
    while (queue.isBlocked) await queue.unblocked()
    const place = writer.putBigBlob(hash, { ...this.#lists.finish(), flags: this.#o.flags })
    this.#o.onPut(place)
    return place
  }

  #reportProgress(): void {
    this.#o.onProgress?.({
      phase: 'put',
      done: this.#chunkCount,
      total: undefined,
      bytesDone: this.#hasher.size,
      etaMs: undefined,
    })
  }
}

/** A piece may be as large as its source likes; it is taken in bounded parts. */
function* slicesOf(piece: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < piece.length; at += chunkBytesMax) yield piece.subarray(at, at + chunkBytesMax)
}
