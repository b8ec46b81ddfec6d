import { magic } from '@varve/pack/layout'
import {
  canonicalHash,
  packHeaderSize,
  parseRecordHeader,
  type RecordHeader,
  readRecordHash,
  recordHeaderSize,
  recordSize,
  recordSumMatches,
} from '@varve/pack/pack'
import type { FileBytes } from '../../file-bytes.ts'
import { problem, type Step, stretch } from '../../finding.ts'
import { packHeaderLine } from '../../lines/header-lines.ts'
import { recordLine } from '../../lines/records/record-lines.ts'
import type { Subject } from '../subject.ts'
import { damage } from '../unproved.ts'
import { packHeaderIn } from './pack-header.ts'
import { RecordTally } from './record-tally.ts'
import { SegmentRuns } from './segment-runs.ts'

/** A stretch of the file; `offset` is the virtual offset of its first byte, where the map tells it. */
interface Stretch {
  readonly from: number
  readonly to: number
  readonly offset: number | undefined
}

/**
 * Its records in the order of the file, proved at the offsets that the map beside it gives. Without a map the
 * records that their own hashes prove are told.
 */
export async function* readSegment(subject: Subject): AsyncGenerator<Step> {
  const { file, name } = subject
  const bytes = Buffer.from(await file.read(0, packHeaderSize))
  const found = packHeaderIn(bytes, { file: name, kind: magic.segment })
  if (found === undefined) {
    yield* damage(file, { from: 0, to: file.size }, 'header')
    return
  }
  yield stretch(packHeaderLine('segment', found.header), bytes)
  if (!found.isProved) yield problem('the header is damaged')
  const runs = await SegmentRuns.beside(subject, numberIn(name) ?? found.header.number)
  if (!runs.isWhole) yield problem('the map beside it is not whole')
  else if (runs.packLength !== file.size) yield problem(`the map beside it is of ${runs.packLength} bytes`)
  const tally = new RecordTally()
  let told = Math.min(packHeaderSize, file.size)
  for (const { start, position, length } of runs.inFileOrder()) {
    if (position < told || position + length > file.size) continue
    yield* unmapped(file, { from: told, to: position }, tally)
    told = position + length
    yield* recordsIn(file, { from: position, to: told, offset: start }, tally)
  }
  yield* unmapped(file, { from: told, to: file.size }, tally)
  yield* tally.notes()
}

async function* unmapped(
  file: FileBytes,
  { from, to }: Omit<Stretch, 'offset'>,
  tally: RecordTally,
): AsyncGenerator<Step> {
  if (from === to) return
  yield problem(`no run of the map holds the bytes from ${from} to ${to}`)
  yield* recordsIn(file, { from, to, offset: undefined }, tally)
}

/** The number in the file's name: that of the map beside it, whatever the header says. */
function numberIn(name: string): number | undefined {
  const digits = /\d+/.exec(name)?.[0]
  return digits === undefined ? undefined : Number(digits)
}

/** Goes over records. Where one is not what was written, the rest of the stretch cannot be told. */
async function* recordsIn(
  file: FileBytes,
  { from, to, offset }: Stretch,
  tally: RecordTally,
): AsyncGenerator<Step> {
  const shift = offset === undefined ? undefined : offset - from
  let at = from
  while (at < to) {
    const own = shift === undefined ? undefined : at + shift
    const header: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
    const record = await recordAt(file, { from: at, to, offset: own }, header)
    if (record === undefined) break
    tally.add(header.kind, record.length)
    yield stretch(recordLine({ bytes: record, header, offset: own }), record)
    at += record.length
  }
  yield* damage(file, { from: at, to }, 'record', shift === undefined ? undefined : at + shift)
}

async function recordAt(
  file: FileBytes,
  { from, to, offset }: Stretch,
  header: RecordHeader,
): Promise<Buffer | undefined> {
  const head = await file.read(from, Math.min(recordHeaderSize, to - from))
  if (head.length < recordHeaderSize || !parseRecordHeader(head, 0, header)) return undefined
  const size = recordSize(header.bodyLength)
  if (size > to - from) return undefined
  const record = await file.read(from, size)
  if (record.length < size) return undefined
  const isProved =
    offset === undefined ? isLikely(record, header) : recordSumMatches(record, 0, header.bodyLength, offset)
  return isProved ? record : undefined
}

/** Whether its hash is that of its body; of a large blob that cannot be seen here. */
function isLikely(record: Buffer, header: RecordHeader): boolean {
  const hash = canonicalHash(record, 0, header)
  return hash === undefined || hash === readRecordHash(record, 0)
}
