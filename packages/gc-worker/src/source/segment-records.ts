import { assert } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { readFullySync } from '@varve/pack/fs'
import { indexKindOf } from '@varve/pack/objects'
import {
  IndexBuilder,
  parseRecordHeader,
  type RecordHeader,
  type Run,
  recordFlag,
  recordHeaderSize,
  recordSize,
  type Segment,
} from '@varve/pack/pack'

const windowBytes = 1024 * 1024

/** A record met while walking a segment; `bytes` and fields are valid until the next one. */
export interface SegmentRecord extends RecordHeader {
  offset: number
  /** Holds at least the header, at `at`. */
  bytes: Buffer
  at: number
}

/**
 * Walks over the headers of all records of a segment that start at or above `from`, run by run. Bodies are
 * neither read as a whole nor proved: whoever copies a record proves it then.
 * @throws CORRUPT when the chain of lengths breaks
 */
export function walkSegment(segment: Segment, from: number, visit: (record: SegmentRecord) => void): void {
  const window = new SegmentWindow(segment)
  const record: SegmentRecord = {
    kind: 0,
    flags: 0,
    referenceCount: 0,
    bodyLength: 0,
    offset: 0,
    bytes: Buffer.alloc(0),
    at: 0,
  }
  for (const run of segment.runsBetween(from, segment.high))
    walkRun(window, run, record, (r) => {
      if (r.offset >= from) visit(r)
    })
}

/** The index of a segment from its own bytes. Which objects were kept for their age is not known any more. */
export function scanSegmentForIndex(segment: Segment): IndexBuilder {
  const builder = new IndexBuilder()
  walkSegment(segment, 0, (record) => {
    const kind = indexKindOf(record.kind)
    if (kind === undefined) return
    builder.add(kind, record.bytes, record.at + 16, record.offset, recordSize(record.bodyLength))
    if ((record.flags & recordFlag.healed) !== 0) builder.addHealed(record.offset)
  })
  return builder
}

function walkRun(
  window: SegmentWindow,
  run: Run,
  record: SegmentRecord,
  visit: (r: SegmentRecord) => void,
): void {
  let done = 0
  while (done < run.length) {
    const position = run.position + done
    const at = window.load(position)
    const isSound = at >= 0 && parseRecordHeader(window.bytes, at, record)
    const size = isSound ? recordSize(record.bodyLength) : 0
    if (size === 0 || done + size > run.length) {
      throw new VarveError('CORRUPT', { file: window.name, offset: position })
    }
    record.offset = run.start + done
    record.bytes = window.bytes
    record.at = at
    visit(record)
    done += size
  }
}

/** A stretch of the segment's file in memory. */
class SegmentWindow {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(windowBytes)
  readonly #segment: Segment
  #start = 0
  #length = 0

  constructor(segment: Segment) {
    this.#segment = segment
  }

  get name(): string {
    return this.#segment.file.name
  }

  /** Where in `bytes` a header at that position stands; -1: the file ends before. */
  load(position: number): number {
    assert(position >= 0, 'a position lies in the file')
    const at = position - this.#start
    if (at >= 0 && at + recordHeaderSize <= this.#length) return at
    this.#start = position
    this.#length = readFullySync(this.#segment.file.handle, this.bytes, 0, windowBytes, position)
    return this.#length >= recordHeaderSize ? 0 : -1
  }
}
