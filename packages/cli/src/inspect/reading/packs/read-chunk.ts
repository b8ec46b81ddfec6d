import { magic } from '@varve/pack/layout'
import {
  BatchFrame,
  batchHeaderSize,
  batchTrailerSize,
  type DamagedRange,
  type PackHeader,
  packHeaderSize,
  type ScannedBatch,
  scanChunk,
} from '@varve/pack/pack'
import type { FileBytes } from '../../file-bytes.ts'
import { type Finding, problem, type Step, stretch } from '../../finding.ts'
import { packHeaderLine } from '../../lines/header-lines.ts'
import { recordLine } from '../../lines/records/record-lines.ts'
import { timeField } from '../../lines/shown-fields.ts'
import type { Subject } from '../subject.ts'
import { damage } from '../unproved.ts'
import { packHeaderIn } from './pack-header.ts'
import { RecordTally } from './record-tally.ts'

/** Where the virtual offset of a batch stands in its header; see docs/format.md, "Batch". */
const OFFSET_AT = 24

/** Its batches, each proved by the chunk's nonce, with the records that can be proved. */
export async function* readChunk({ file, name }: Subject): AsyncGenerator<Step> {
  const bytes = Buffer.from(await file.read(0, packHeaderSize))
  const found = packHeaderIn(bytes, { file: name, kind: magic.chunk })
  if (found === undefined) {
    yield* damage(file, { from: 0, to: file.size }, 'header')
    return
  }
  const { isProved } = found
  const header = isProved ? found.header : await mended(file, found.header)
  yield stretch(packHeaderLine('chunk', header), bytes)
  if (!isProved) yield problem('the header is damaged')
  if (!isSpace(header.base, file.size)) {
    yield* damage(file, { from: packHeaderSize, to: file.size }, 'rest')
    return
  }
  const tally = new RecordTally()
  for await (const step of scanChunk({ handle: file.handle, header, end: header.base + file.size })) {
    if (step.kind === 'damage') yield* damagedRange(file, header, step.range)
    else yield* batchSteps(file, header, step.batch, tally)
  }
  yield* tally.notes()
}

/** A header whose base may be damaged, with the base that the first batch tells, if that one is proved. */
async function mended(file: FileBytes, header: PackHeader): Promise<PackHeader> {
  const bytes = await file.read(packHeaderSize, batchHeaderSize)
  if (bytes.length < batchHeaderSize) return header
  const start = Number(bytes.readBigUInt64LE(OFFSET_AT))
  const base = start - packHeaderSize
  if (!isSpace(base, file.size)) return header
  const isProved = new BatchFrame(header.nonce).decodeHeader(bytes, 0, { start, first: start }) !== undefined
  return isProved ? { ...header, base } : header
}

/** Whether a chunk of that length may begin there. */
function isSpace(base: number, size: number): boolean {
  return base >= 0 && base % 8 === 0 && Number.isSafeInteger(base + size)
}

async function* damagedRange(
  file: FileBytes,
  { base }: PackHeader,
  { start, end, what }: DamagedRange,
): AsyncGenerator<Step> {
  yield* damage(file, { from: start - base, to: end - base }, what, start)
}

/** The header, then records and damage by turns, then the trailer. The batch may be cut short. */
async function* batchSteps(
  file: FileBytes,
  header: PackHeader,
  batch: ScannedBatch,
  tally: RecordTally,
): AsyncGenerator<Step> {
  const { bytes, at, start } = batch
  let next = start
  const ranges = [...batch.damage]
  if (ranges[0]?.start !== start) {
    yield stretch(batchLine(batch), bytes.subarray(at, at + batchHeaderSize))
    next += batchHeaderSize
  }
  const records = batch.records()
  const untilRecord = async function* (end: number): AsyncGenerator<Step> {
    for (let range = ranges[0]; range !== undefined && range.start < end; range = ranges[0]) {
      ranges.shift()
      yield* damagedRange(file, header, range)
      next = range.end
    }
  }
  while (records.next()) {
    yield* untilRecord(records.offset)
    const record = bytes.subarray(records.at, records.at + records.size)
    tally.add(records.kind, records.size)
    yield stretch(recordLine({ bytes: record, header: records, offset: records.offset }), record)
    next = records.offset + records.size
  }
  yield* untilRecord(Number.POSITIVE_INFINITY)
  const trailerAt = batch.end - batchTrailerSize
  if (next === trailerAt) {
    const trailer = at + trailerAt - start
    yield stretch({ type: 'trailer' }, bytes.subarray(trailer, trailer + batchTrailerSize))
  }
}

function batchLine({ header, isWhole }: ScannedBatch): Finding {
  const { sequence, start, length, recordCount, time, syncedTo } = header
  return {
    type: 'batch',
    offset: start,
    sequence,
    time: timeField(time),
    records: recordCount,
    length,
    syncedTo,
    whole: isWhole,
  }
}
