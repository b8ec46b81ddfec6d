import { assert, xxh64 } from '@varve/pack/base'
import { readFullySync } from '@varve/pack/fs'
import {
  type Chunk,
  Location,
  parseRecordHeader,
  type RecordHeader,
  type Run,
  recordHeaderSize,
  recordSize,
  type Segment,
} from '@varve/pack/pack'
import { regionBytes } from '../marks/index.ts'
import type { SourceSpace } from './source-space.ts'

/** Chunks are read in pieces of this size, as records ask for them: most of a sparse region is never read. */
const pieceBytes = 64 * 1024
const pieceCount = regionBytes / pieceBytes

/** Whose bytes are wanted, and where they lie. */
export type ImageSource = Pick<SourceSpace, 'space' | 'placeOf'>

/**
 * The bytes of one region of the old address space, each at its virtual place, whatever files they come from.
 * Places that no file holds keep bytes of an earlier region: a record read there fails its checksum, which
 * covers its offset. So the memory begins with zeros, and what was put into it does not outlast its region:
 * otherwise a record of this very offset, of another store even, would count as one that a file holds.
 */
export class RegionImage {
  readonly bytes: Buffer = Buffer.alloc(regionBytes)
  readonly #source: ImageSource
  /** Reads 64 bits at once several times faster than a buffer does. */
  readonly #view: DataView
  readonly #isLoaded = new Uint8Array(pieceCount)
  readonly #location = new Location()
  #staging: Buffer = Buffer.alloc(regionBytes)
  #chunks: readonly Chunk[] = []
  #base = 0
  #bytesRead = 0
  #isPatched = false

  constructor(source: ImageSource) {
    this.#source = source
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, regionBytes)
  }

  /** Memory held. */
  get memoryBytes(): number {
    return this.bytes.length + this.#staging.length
  }

  get bytesRead(): number {
    return this.#bytesRead
  }

  begin(region: number): void {
    if (this.#isPatched) this.bytes.fill(0)
    this.#isPatched = false
    this.#base = region * regionBytes
    const top = this.#base + regionBytes
    const { chunks, segments, retire } = this.#source.space
    this.#chunks = top > retire ? chunks.filter((chunk) => chunk.base < top && chunk.end > this.#base) : []
    this.#isLoaded.fill(this.#chunks.length === 0 ? 1 : 0)
    if (this.#base >= retire) return
    for (const segment of segments) {
      if (segment.low < top && segment.high > this.#base) this.#loadRuns(segment as Segment, top)
    }
  }

  /** Whether the record at `at` goes on above the region, or has a length that is nonsense. */
  isLong(at: number): boolean {
    if (at + recordHeaderSize > regionBytes) return true
    this.need(at, at + recordHeaderSize)
    return at + recordSize(this.#view.getUint32(at + 12, true)) > regionBytes
  }

  /** Proves the record at `at`, which lies inside the region: its padded size, or 0 when it is damaged. */
  verify(at: number, into: RecordHeader): number {
    if (!parseRecordHeader(this.bytes, at, into)) return 0
    const size = recordSize(into.bodyLength)
    this.need(at, at + size)
    const end = at + recordHeaderSize + into.bodyLength
    return xxh64(this.bytes, at + 8, end, this.#base + at) === this.#view.getBigUint64(at, true) ? size : 0
  }

  /** Bytes [start, end) are wanted. */
  need(start: number, end: number): void {
    const last = (end - 1) >>> 16
    for (let piece = start >>> 16; piece <= last; piece++) {
      if (this.#isLoaded[piece] === 0) this.#loadPiece(piece)
    }
  }

  /** Puts a whole record in the place of what was read. */
  patch(at: number, record: Buffer): void {
    this.need(at, at + record.length)
    record.copy(this.bytes, at)
    this.#isPatched = true
  }

  /** A record that may go on above the region, in a buffer of its own; `undefined` where none can be. */
  readLong(offset: number): Buffer | undefined {
    const at = this.#location
    if (!this.#source.space.locate(offset, at) || at.file === undefined) return undefined
    const header = Buffer.alloc(recordHeaderSize)
    const { handle, end } = at.file
    if (end - at.position < recordHeaderSize) return undefined
    if (readFullySync(handle, header, 0, recordHeaderSize, at.position) < recordHeaderSize) return undefined
    const size = recordSize(header.readUInt32LE(12))
    if (size > end - at.position) return undefined
    const bytes = Buffer.allocUnsafeSlow(size)
    this.#bytesRead += size
    return readFullySync(handle, bytes, 0, size, at.position) === size ? bytes : undefined
  }

  /** Where an offset lies, for an error. */
  placeOf(offset: number): { readonly file: string; readonly offset: number } {
    return this.#source.placeOf(offset)
  }

  #loadPiece(piece: number): void {
    this.#isLoaded[piece] = 1
    const low = this.#base + piece * pieceBytes
    for (const chunk of this.#chunks) {
      const start = Math.max(low, chunk.base)
      const end = Math.min(low + pieceBytes, chunk.end)
      if (start >= end) continue
      const read = readFullySync(
        chunk.file.handle,
        this.bytes,
        start - this.#base,
        end - start,
        start - chunk.base,
      )
      this.#bytesRead += read
    }
  }

  /** Neighbouring runs were written one behind the other: they are read at once and put in their places. */
  #loadRuns(segment: Segment, top: number): void {
    const runs = segment.runsBetween(this.#base, top)
    for (let first = 0; first < runs.length; ) {
      let next = first + 1
      while (next < runs.length && isBehind(runs[next - 1] as Run, runs[next] as Run)) next++
      this.#loadAdjacent(segment, runs, first, next)
      first = next
    }
  }

  #loadAdjacent(segment: Segment, runs: readonly Run[], first: number, next: number): void {
    const from = clipped(runs[first] as Run, this.#base)
    const lastRun = runs[next - 1] as Run
    const length = Math.min(
      lastRun.position + lastRun.length - from.position,
      segment.file.end - from.position,
    )
    const isWhole = next === first + 1
    const wanted = isWhole ? Math.min(length, this.#base + regionBytes - from.start) : length
    if (isWhole) {
      readFullySync(segment.file.handle, this.bytes, from.start - this.#base, wanted, from.position)
    } else {
      if (this.#staging.length < wanted) this.#staging = Buffer.alloc(wanted)
      readFullySync(segment.file.handle, this.#staging, 0, wanted, from.position)
      this.#scatter(runs, first, next, from.position)
    }
    this.#bytesRead += wanted
  }

  #scatter(runs: readonly Run[], first: number, next: number, position: number): void {
    for (let i = first; i < next; i++) {
      const run = clipped(runs[i] as Run, this.#base)
      const length = Math.min(run.length, this.#base + regionBytes - run.start)
      const source = run.position - position
      assert(source >= 0, 'runs of one read ascend')
      this.#staging.copy(this.bytes, run.start - this.#base, source, source + length)
    }
  }
}

function isBehind(run: Run, next: Run): boolean {
  return next.position === run.position + run.length
}

/** A run that began in the region below, without that part. */
function clipped(run: Run, low: number): Run {
  const cut = Math.max(0, low - run.start)
  return { start: run.start + cut, position: run.position + cut, length: run.length - cut }
}
