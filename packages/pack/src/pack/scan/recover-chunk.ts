import { assert } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { type FileHandle, type FileSystem, writeFully } from '../../fs/index.ts'
import { fileName } from '../../layout/index.ts'
import { type ChunkTail, openChunkFile, type PackHeader, packHeaderSize } from '../frame/index.ts'
import { ChunkContents } from './chunk-contents.ts'
import { ChunkScanner, type ScanStep } from './chunk-scanner.ts'
import { mendHash } from './mend-hash.ts'
import type { ScanMemory } from './scan-memory.ts'
import type { DamagedRange, RecordCursor, ScannedBatch } from './scanned-batch.ts'

/** At most this many damaged ranges are listed; `damageCount` counts them all. */
const damageListedMax = 1000

/** What is told while a log is read. */
export interface LogListener {
  /** Called for every good record below the end, in order. The cursor is valid until it returns. */
  onRecord(record: RecordCursor, batchTime: number): void
  /**
   * The same for every record below the end that is damaged by itself: of what kind it is and where is known.
   * Its hash is what it was, unless more than the hash is damaged; then it is what is left of it.
   */
  onDamaged?(record: RecordCursor): void
}

export interface RecoverOptions extends LogListener {
  readonly fs: FileSystem
  readonly folder: string
  /** The open chunk, as control names it. */
  readonly number: number
  readonly base: number
  readonly storeId: Buffer
  /**
   * `rewrite`: what is not proved synced is written again and synced; only the writer may. `read`: nothing is
   * written; the end is then that of the unbroken prefix of whole batches which the file has now.
   */
  readonly mode: 'rewrite' | 'read'
}

/** What recovery found in the open chunk; as a `ChunkTail` it says where the log goes on. Virtual offsets. */
export interface RecoveredChunk extends ChunkTail {
  readonly file: string
  readonly contents: ChunkContents
  /**
   * Corruption: damage below what was synced. Nothing of it is cut; what is whole around it stays readable.
   */
  readonly damage: readonly DamagedRange[]
  readonly damageCount: number
  /** Bytes after the accepted end: they were never acknowledged. */
  readonly bytesCut: number
  /** Recognisable batches among them, torn or whole. */
  readonly batchesCut: number
  /** Where reading can go on. */
  readonly position: LogPosition
}

/** How far the log of a chunk has been read. Virtual offsets. */
export interface LogPosition {
  readonly end: number
  /** Below it every byte was durable once. */
  readonly mark: number
  /** The batch that ends at `end`; `undefined`: damage does. */
  readonly last: { readonly sequence: number; readonly time: number } | undefined
}

export interface ReadLogOptions extends LogListener {
  readonly handle: FileHandle
  /** The file's own, proved. */
  readonly header: PackHeader
  /** Where an earlier reading ended. Default: the first batch. */
  readonly after?: LogPosition | undefined
  /** Bytes of a sealed chunk, all of which were durable once. Default: all that the file has now. */
  readonly sealedLength?: number | undefined
  /** Of scans that are over. Default: its own. */
  readonly memory?: ScanMemory | undefined
}

/**
 * Finds where the log of the open chunk ends, after whatever happened to it.
 *
 * Every header of a batch says up to where the log was synced when it was written; the *mark* is the highest
 * of these. Below it every byte was durable once: what is damaged there is corruption, is reported, and cuts
 * nothing. Above it nothing was acknowledged for sure: the log ends before the first batch there whose
 * trailer or any record fails, even if whole ones follow, as only then the log is what somebody saw once. A
 * header counts for the mark although its own batch be torn, for its sum proves who wrote it; so the mark can
 * only be higher, and less is cut.
 *
 * What lies between mark and end may be in the page cache only, written by a process whose sync failed. It is
 * written again, the same bytes in the same place, and synced, before anything is built on it.
 *
 * @throws CORRUPT and NEWER_FORMAT for the file as a whole, WRITER_FAILED when rewriting fails, and what the
 * file system throws on reading
 */
export async function recoverChunk(o: RecoverOptions): Promise<RecoveredChunk> {
  const opened = await openChunkFile(o.fs, o.folder, o, o.mode === 'rewrite' ? 'write' : 'read')
  const { handle, header, size } = opened
  try {
    const walk = new RecoveryWalk(o, { handle, header, size })
    await walk.run()
    if (o.mode === 'rewrite' && walk.mark < walk.end) await rewrite(handle, header, walk)
    return walk.result()
  } finally {
    await handle.close()
  }
}

/**
 * Reads the log of a chunk that somebody else may be writing, up to the end of the unbroken prefix of whole
 * batches that the file has now, or on from where an earlier reading ended. What a writer has begun to write
 * is not whole yet, and is read next time.
 *
 * Only the bytes that the file has at the call are looked at: a file grows behind the bytes written, so what
 * is not whole among them was torn by a crash or is the batch that is being written, never one before it.
 * @throws what the file system throws
 */
export async function readChunkLog(o: ReadLogOptions): Promise<RecoveredChunk> {
  const { handle, header } = o
  const walk = new RecoveryWalk(o, { handle, header, size: o.sealedLength ?? handle.sizeSync() })
  await walk.run()
  return walk.result()
}

interface WalkedFile {
  readonly handle: FileHandle
  readonly header: PackHeader
  /** Bytes of it that count. */
  readonly size: number
}

type WalkOptions = LogListener & Pick<ReadLogOptions, 'after' | 'sealedLength' | 'memory'>

/** One pass over the chunk, and a second over headers only from the first damage on. */
class RecoveryWalk {
  /** See `recoverChunk`. */
  mark: number
  /** The log is accepted up to here. */
  end: number
  readonly #o: WalkOptions
  readonly #file: WalkedFile
  readonly #contents = new ChunkContents()
  readonly #damage: DamagedRange[] = []
  #damageCount = 0
  #last: LogPosition['last']
  #sequence: number
  #isClosed = true
  /** Where batches start, from the first damage on. */
  #laterBatches: number[] | undefined

  constructor(o: WalkOptions, file: WalkedFile) {
    this.#o = o
    this.#file = file
    const { base } = file.header
    this.end = o.after?.end ?? base + packHeaderSize
    this.mark = o.sealedLength === undefined ? (o.after?.mark ?? this.end) : base + o.sealedLength
    this.#last = o.after === undefined ? { sequence: 0, time: 0 } : o.after.last
    this.#sequence = this.#last?.sequence ?? 0
  }

  async run(): Promise<void> {
    const { handle, header, size } = this.#file
    const { memory } = this.#o
    const end = header.base + size
    const scanner = new ChunkScanner({ handle, header, from: this.end, last: this.#last, end, memory })
    for (let step = await scanner.next(); step !== undefined; step = await scanner.next()) {
      if (step.kind === 'batch' && step.batch.isWhole) {
        this.mark = Math.max(this.mark, step.batch.header.syncedTo)
      } else if (!(await this.#isCorruption(step))) {
        break
      }
      this.#accept(step)
      if (this.end < stepRange(step).end) break
    }
    assert(this.end >= this.mark, 'nothing that was synced is cut') // rule 3
  }

  result(): RecoveredChunk {
    const { base, number, nonce } = this.#file.header
    const fileSize = this.#file.size
    const bytesCut = base + fileSize - this.end
    return {
      ...{ file: fileName.chunk(number), number, base, nonce, end: this.end, fileSize },
      contents: this.#contents,
      recordCount: this.#contents.recordCount,
      sequence: this.#sequence,
      isClosed: this.#isClosed,
      needsNewChunk: bytesCut > 0,
      damage: this.#damage,
      damageCount: this.#damageCount,
      bytesCut,
      batchesCut: (this.#laterBatches ?? []).filter((start) => start >= this.end).length,
      position: { end: this.end, mark: this.mark, last: this.#last },
    }
  }

  /** Whether what is not whole here lies below the mark, which headers further on may raise. */
  async #isCorruption(step: ScanStep): Promise<boolean> {
    const { start } = stepRange(step)
    this.#laterBatches ??= await this.#surveyFrom(start)
    return start < this.mark
  }

  async #surveyFrom(start: number): Promise<number[]> {
    const { handle, header, size } = this.#file
    const scanner = new ChunkScanner({ handle, header, from: start, end: header.base + size })
    const batches: number[] = []
    for (let header = await scanner.nextHeader(); header; header = await scanner.nextHeader()) {
      this.mark = Math.max(this.mark, header.syncedTo)
      batches.push(header.start)
      scanner.skip(header)
    }
    return batches
  }

  #accept(step: ScanStep): void {
    const range = stepRange(step)
    const damage = step.kind === 'batch' ? step.batch.damage : [step.range]
    // A gap may reach over the mark, which is the border of a batch; above it the log has ended.
    this.end = damage.length === 0 ? range.end : Math.min(range.end, this.mark)
    for (const one of damage) this.#report(one)
    this.#last = undefined
    if (step.kind === 'damage') return
    const { header, isWhole } = step.batch
    for (const record = step.batch.records(); record.next(); ) {
      this.#contents.add(record, header.time)
      this.#o.onRecord(record, header.time)
    }
    this.#tellDamaged(step.batch)
    this.#sequence = Math.max(this.#sequence, header.sequence)
    // What is proved only by the records in it has no number.
    if (header.sequence > 0 && this.end === range.end) {
      this.#last = { sequence: header.sequence, time: header.time }
    }
    this.#isClosed = isWhole && header.recordCount === 0 && header.syncedTo === header.start
  }

  #tellDamaged(batch: ScannedBatch): void {
    const record = batch.records()
    for (const range of batch.damage) {
      if (range.what !== 'record') continue
      record.toDamaged(range)
      mendHash(record.bytes, record.at, record, record.offset)
      this.#contents.addDamaged(record)
      this.#o.onDamaged?.(record)
    }
  }

  #report(damage: DamagedRange): void {
    if (damage.start >= this.end) return
    this.#damageCount++
    if (this.#damage.length >= damageListedMax) return
    this.#damage.push({ ...damage, end: Math.min(damage.end, this.end) })
  }
}

function stepRange(step: ScanStep): { readonly start: number; readonly end: number } {
  return step.kind === 'batch' ? step.batch : step.range
}

/** Each batch is proved once more, so that what is written is what was accepted. */
async function rewrite(
  handle: FileHandle,
  header: PackHeader,
  range: { mark: number; end: number },
): Promise<void> {
  const file = fileName.chunk(header.number)
  const scanner = new ChunkScanner({ handle, header, from: range.mark, end: range.end })
  for (let step = await scanner.next(); step !== undefined; step = await scanner.next()) {
    if (step.kind === 'damage' || !step.batch.isWhole) {
      const details = { file, offset: stepRange(step).start - header.base }
      throw new VarveError('CORRUPT', details, { message: `${file} changed while it was being recovered` })
    }
    const { batch } = step
    await orWriterFailed(
      file,
      writeFully(handle, batch.bytes, batch.at, batch.header.length, batch.start - header.base),
    )
  }
  await orWriterFailed(file, handle.datasync())
}

async function orWriterFailed(file: string, done: Promise<void>): Promise<void> {
  try {
    await done
  } catch (cause) {
    throw new VarveError('WRITER_FAILED', { file }, { cause })
  }
}
