import { assert } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { type FileSystem, hasCode } from '../../fs/index.ts'
import { fileName } from '../../layout/index.ts'
import { indexKindOf, recordKind } from '../../objects/index.ts'
import {
  packHeaderSize,
  parseRecordHeader,
  type RecordHeader,
  recordFlag,
  recordHashAt,
  recordSize,
} from '../frame/index.ts'
import type { SegmentInfo } from './segment.ts'
import { SegmentDraft } from './segment-draft.ts'

/** Small enough that unlinking one does not hold up the syncs of others. */
const segmentBytesMaxDefault = 256 << 20
/** As many as a chunk may have: it bounds the memory that writing an index takes. */
const objectsMaxDefault = 1 << 20

export interface SegmentWriterOptions {
  readonly fs: FileSystem
  readonly folder: string
  /** 16 bytes. */
  readonly storeId: Buffer
  /** The next number that no file of the store has had. */
  readonly nextNumber: () => number
  /** 16 fresh random bytes. */
  readonly newNonce: () => Buffer
  readonly segmentBytesMax?: number
  readonly objectsMax?: number
}

/**
 * Writes what a collection keeps to new segments: whole records, copied as they are, in runs. The sweep
 * brings them region by region from high to low offsets; any other order works too. Nothing counts before
 * `finish` has resolved, the folder is synced, and control names the segments. After a failure only `abort`
 * is left.
 */
export class SegmentWriter {
  readonly #o: SegmentWriterOptions
  readonly #segmentBytesMax: number
  readonly #objectsMax: number
  /** Every number that was taken, for `abort`. */
  readonly #numbers: number[] = []
  readonly #infos: SegmentInfo[] = []
  readonly #header: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
  /** Full segments that wait to be finished, and behind them the one that is being filled. */
  readonly #drafts: SegmentDraft[] = []
  #objectCount = 0
  #byteCount = 0
  #state: 'open' | 'busy' | 'finished' | 'failed' = 'open'

  constructor(o: SegmentWriterOptions) {
    this.#o = o
    this.#segmentBytesMax = o.segmentBytesMax ?? segmentBytesMaxDefault
    this.#objectsMax = o.objectsMax ?? objectsMaxDefault
  }

  /** Objects taken in so far. */
  get objectCount(): number {
    return this.#objectCount
  }

  /** Bytes of records taken in so far. */
  get byteCount(): number {
    return this.#byteCount
  }

  /** Memory in use. */
  get bytes(): number {
    return this.#drafts.reduce((sum, draft) => sum + draft.bytes, 0)
  }

  /**
   * Takes in whole, verified records of objects (or touches) that lie one behind the other, bytes
   * [from, from + length) of `source`,
   * the first at virtual offset `start`. At most 16 MiB between two calls of `drain`.
   */
  addRun(start: number, source: Buffer, from: number, length: number): void {
    this.#checkOpen()
    const end = from + length
    assert(end <= source.length, 'a run lies inside its buffer')
    let flushed = from
    let draft = this.#draft()
    for (let at = from; at < end; ) {
      assert(parseRecordHeader(source, at, this.#header), 'a run consists of records')
      const size = recordSize(this.#header.bodyLength)
      assert(at + size <= end, 'a run consists of whole records')
      const taken = draft.length + (at - flushed)
      const isFull = taken > packHeaderSize && taken + size > this.#segmentBytesMax
      if (isFull || draft.index.count >= this.#objectsMax) {
        if (at > flushed) draft.append(start + flushed - from, source, flushed, at)
        flushed = at
        draft = this.#beginDraft()
      }
      this.#addObject(draft, source, at, start + at - from)
      at += size
    }
    if (end > flushed) draft.append(start + flushed - from, source, flushed, end)
    this.#byteCount += length
  }

  /** A kept object that nothing but its age keeps: the next collection finds it in the index. */
  addTouched(offset: number, timeMs: number): void {
    this.#checkOpen()
    this.#draft().index.addTouched(offset, timeMs)
  }

  /**
   * Writes what has been taken in, but for the last piece.
   * @throws GC_FAILED with reason 'disk'
   */
  async drain(): Promise<void> {
    await this.#work('open', async () => {
      while (this.#drafts.length > 1) await this.#finishFirst()
      await this.#drafts[0]?.drain()
    })
  }

  /**
   * Writes and syncs everything, each file once. The folder is the caller's to sync.
   * @throws GC_FAILED with reason 'disk'
   */
  async finish(): Promise<readonly SegmentInfo[]> {
    await this.#work('finished', async () => {
      while (this.#drafts.length > 0) await this.#finishFirst()
    })
    return this.#infos
  }

  /**
   * Closes and removes all files, finished ones too.
   * @throws what the file system throws, once everything has been tried; what stays is removed at the next
   * opening
   */
  async abort(): Promise<void> {
    assert(this.#state !== 'busy', 'what is under way has ended before it is given up')
    this.#state = 'failed'
    const closed = await Promise.allSettled(this.#drafts.map((draft) => draft.close()))
    const paths = this.#numbers.flatMap((number) => [
      fileName.segment(number),
      fileName.segmentMap(number),
      fileName.segmentIndex(number),
    ])
    const removed = await Promise.allSettled(
      paths.map((name) => this.#o.fs.remove(`${this.#o.folder}/${name}`)),
    )
    for (const result of [...closed, ...removed]) {
      if (result.status === 'rejected' && !hasCode(result.reason, 'ENOENT')) throw result.reason
    }
  }

  #addObject(draft: SegmentDraft, source: Buffer, at: number, offset: number): void {
    const { kind, flags, bodyLength } = this.#header
    // A touch that counts by its place in the log is copied to keep that place; nobody looks it up.
    if (kind === recordKind.touch) return
    const indexKind = indexKindOf(kind)
    assert(indexKind !== undefined, 'only objects are copied')
    draft.index.add(indexKind, source, at + recordHashAt, offset, recordSize(bodyLength))
    if ((flags & recordFlag.healed) !== 0) draft.index.addHealed(offset)
    this.#objectCount++
  }

  #draft(): SegmentDraft {
    return this.#drafts.at(-1) ?? this.#beginDraft()
  }

  #beginDraft(): SegmentDraft {
    const { fs, folder, storeId } = this.#o
    const number = this.#o.nextNumber()
    this.#numbers.push(number)
    const draft = new SegmentDraft({ fs, folder, number, storeId, nonce: this.#o.newNonce() })
    this.#drafts.push(draft)
    return draft
  }

  async #finishFirst(): Promise<void> {
    this.#infos.push(await (this.#drafts[0] as SegmentDraft).finish())
    this.#drafts.shift()
  }

  async #work(next: 'open' | 'finished', step: () => Promise<void>): Promise<void> {
    this.#checkOpen()
    this.#state = 'busy'
    try {
      await step()
      this.#state = next
    } catch (error) {
      this.#state = 'failed'
      if (!isDiskError(error)) throw error
      // Only the message goes from thread to thread.
      const message = `The collection failed (disk): ${error.message}`
      throw new VarveError('GC_FAILED', { reason: 'disk' }, { message, cause: error })
    }
  }

  #checkOpen(): void {
    assert(this.#state === 'open', 'a segment writer is open and at rest')
  }
}

/** The file system's errors have a code; everything else is a bug, or a lack of memory. */
function isDiskError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}
