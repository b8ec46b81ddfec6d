import { assert } from '../../base/index.ts'
import { type FileHandle, type FileSystem, writeFully } from '../../fs/index.ts'
import { fileName, magic } from '../../layout/index.ts'
import { writeNewFile } from '../blocks/index.ts'
import { encodePackHeader, packHeaderSize } from '../frame/index.ts'
import { IndexBuilder } from '../index/index.ts'
import { RunList } from './run-list.ts'
import type { SegmentInfo } from './segment.ts'

/** Written at a time. */
const pieceBytes = 1 << 20
/** Writes that may be under way while the caller goes on. */
const writesMax = 4
/** Longer runs are copied at once. */
const wordwiseMax = 512
/** What a caller may add between two drains. */
const queueBytesMax = 32 << 20

export interface SegmentDraftOptions {
  readonly fs: FileSystem
  readonly folder: string
  readonly number: number
  /** 16 bytes each. */
  readonly storeId: Buffer
  readonly nonce: Buffer
}

/**
 * One segment on its way to the disk: its three files, each synced once. Bytes are taken in at once and
 * written by `drain`.
 */
export class SegmentDraft {
  readonly runs: RunList = new RunList()
  readonly index: IndexBuilder = new IndexBuilder()
  readonly #o: SegmentDraftOptions
  #handle: FileHandle | undefined
  /** Full pieces that wait to be written, the first at `#writtenTo`. */
  readonly #queue: Buffer[] = []
  /** Writes under way, the oldest first; each resolves to its piece, or to why it failed. */
  readonly #writes: Promise<Buffer | { readonly cause: unknown }>[] = []
  /** Pieces that have been written, for use again. */
  readonly #free: Buffer[] = []
  #tail: Buffer = Buffer.allocUnsafeSlow(pieceBytes)
  /** Of the tail, and of the source of the last run. */
  #tailWords = wordsOf(this.#tail)
  #source: Buffer | undefined
  #sourceWords: Int32Array | undefined
  #tailLength = packHeaderSize
  #writtenTo = 0
  #length = packHeaderSize

  constructor(o: SegmentDraftOptions) {
    this.#o = o
    this.#tail.fill(0, 0, packHeaderSize)
  }

  /** Of the pack file, with what is still to be written. */
  get length(): number {
    return this.#length
  }

  /** Memory in use. */
  get bytes(): number {
    const pieces = this.#queue.length + this.#writes.length + this.#free.length + 1
    return pieces * pieceBytes + this.runs.bytes + this.index.bytes
  }

  /** @param start virtual offset of the first of the bytes [from, to) of `source` */
  append(start: number, source: Buffer, from: number, to: number): void {
    this.runs.add({ start, position: this.#length, length: to - from })
    this.#length += to - from
    for (let at = from; at < to; ) {
      const length = Math.min(to - at, pieceBytes - this.#tailLength)
      if (length > wordwiseMax || !this.#copyWords(source, at, length)) {
        source.copy(this.#tail, this.#tailLength, at, at + length)
      }
      at += length
      this.#tailLength += length
      if (this.#tailLength === pieceBytes) this.#queueTail()
    }
  }

  /** False: they do not lie at multiples of 4. For few bytes it takes less than a call, and makes no view. */
  #copyWords(source: Buffer, from: number, length: number): boolean {
    if (((source.byteOffset | source.length | from | length) & 3) !== 0) return false
    if (this.#source !== source) {
      this.#source = source
      this.#sourceWords = wordsOf(source)
    }
    const words = this.#sourceWords as Int32Array
    const tail = this.#tailWords
    let to = this.#tailLength >>> 2
    const end = (from + length) >>> 2
    for (let i = from >>> 2; i < end; i++) tail[to++] = words[i] as number
    return true
  }

  /** Starts to write all full pieces, and waits only while more than a few are under way. */
  async drain(): Promise<void> {
    if (this.#queue.length > 0) {
      const handle = await this.#open()
      for (let piece = this.#queue.shift(); piece !== undefined; piece = this.#queue.shift()) {
        this.#writes.push(writePiece(handle, piece, this.#writtenTo))
        this.#writtenTo += pieceBytes
      }
    }
    await this.#awaitWrites(writesMax)
  }

  /** Writes what is left, then map and index; everything is synced but the folder. */
  async finish(): Promise<SegmentInfo> {
    const { fs, folder, number, storeId, nonce } = this.#o
    await this.drain()
    await this.#awaitWrites(0)
    const handle = await this.#open()
    await writeFully(handle, this.#tail, 0, this.#tailLength, this.#writtenTo)
    const isEmpty = this.runs.count === 0
    const low = isEmpty ? 0 : this.runs.low
    const header = encodePackHeader(magic.segment, { number, nonce, storeId, base: low })
    await writeFully(handle, header, 0, header.length, 0)
    const pack = { number, storeId, packLength: this.#length }
    // Sorting the index takes about as long as the disk needs for the pack file.
    await allDone([
      handle.sync().then(() => handle.close()),
      writeNewFile(fs, this.#path(fileName.segmentMap), [this.runs.encode(pack)]),
      this.index.write(fs, { ...pack, path: `${folder}/${fileName.segmentIndex(number)}` }),
    ])
    return { number, low, high: this.runs.high, bytes: this.#length, objects: this.index.count }
  }

  /** Gives up: waits for what is under way, whatever comes of it. */
  async close(): Promise<void> {
    await Promise.all(this.#writes)
    await this.#handle?.close()
  }

  /** Waits until at most so many writes are under way. */
  async #awaitWrites(count: number): Promise<void> {
    while (this.#writes.length > count) {
      const result = await (this.#writes.shift() as Promise<Buffer | { readonly cause: unknown }>)
      if (!Buffer.isBuffer(result)) throw result.cause
      this.#free.push(result)
    }
  }

  async #open(): Promise<FileHandle> {
    this.#handle ??= await this.#o.fs.open(this.#path(fileName.segment), 'create')
    return this.#handle
  }

  #path(name: (number: number) => string): string {
    return `${this.#o.folder}/${name(this.#o.number)}`
  }

  #queueTail(): void {
    this.#queue.push(this.#tail)
    assert(this.#queue.length * pieceBytes <= queueBytesMax, 'a segment is drained before 32 MiB wait')
    this.#tail = this.#free.pop() ?? Buffer.allocUnsafeSlow(pieceBytes)
    this.#tailWords = wordsOf(this.#tail)
    this.#tailLength = 0
  }
}

function wordsOf(bytes: Buffer): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2)
}

/** Waits for all of them, however they end, so that nothing is under way when the first failure is told. */
async function allDone(steps: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(steps)) if (result.status === 'rejected') throw result.reason
}

/** Never rejects, as nobody may be waiting yet when it fails. */
async function writePiece(
  handle: FileHandle,
  piece: Buffer,
  position: number,
): Promise<Buffer | { readonly cause: unknown }> {
  try {
    await writeFully(handle, piece, 0, pieceBytes, position)
    return piece
  } catch (cause) {
    return { cause }
  }
}
