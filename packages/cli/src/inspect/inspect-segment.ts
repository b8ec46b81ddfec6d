import type { FileHandle } from '@varve/pack/fs'
import { readFully } from '@varve/pack/fs'
import { fileName, magic } from '@varve/pack/layout'
import {
  parseRecordHeader,
  type RecordHeader,
  type Run,
  recordHeaderSize,
  recordSize,
  recordSumMatches,
} from '@varve/pack/pack'
import { readPackHeader } from './file-header.ts'
import type { Finding } from './finding.ts'
import { openMap } from './inspect-map.ts'
import type { InspectedFile } from './inspected-file.ts'
import { RecordTally } from './record-tally.ts'

/** Every record, proved at the offset that the map beside it gives; then what they are. */
export async function* inspectSegment(file: InspectedFile): AsyncGenerator<Finding> {
  const { number, base, nonce, storeId } = await readPackHeader(file, magic.segment)
  const handle = await file.fs.open(`${file.folder}/${file.name}`, 'read')
  const map = await openMap({ ...file, name: fileName.segmentMap(number) })
  try {
    const id = { nonce: nonce.toString('hex'), storeId: storeId.toString('hex') }
    yield { type: 'segment', number, base, bytes: await handle.size(), runs: map.runCount, ...id }
    const tally = new RecordTally()
    for (const run of map.runs()) {
      const damage = await tallyRun(handle, run, tally)
      if (damage !== undefined) yield { type: 'damage', ...damage, what: 'record' }
    }
    yield* tally.findings()
  } finally {
    map.file.release()
    await handle.close()
  }
}

/** Goes over the records of a run. Where one is not what was written, the rest of the run cannot be told. */
async function tallyRun(
  handle: FileHandle,
  run: Run,
  tally: RecordTally,
): Promise<{ start: number; end: number } | undefined> {
  const record: RecordHeader = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
  const head = Buffer.alloc(recordHeaderSize)
  for (let at = 0; at < run.length; ) {
    const damage = { start: run.start + at, end: run.start + run.length }
    const read = await readFully(handle, head, 0, recordHeaderSize, run.position + at)
    if (read < recordHeaderSize || !parseRecordHeader(head, 0, record)) return damage
    const bytes = Buffer.alloc(recordSize(record.bodyLength))
    await readFully(handle, bytes, 0, bytes.length, run.position + at)
    if (!recordSumMatches(bytes, 0, record.bodyLength, run.start + at)) return damage
    tally.add(record.kind, bytes.length)
    at += bytes.length
  }
  return undefined
}
