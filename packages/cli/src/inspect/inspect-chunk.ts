import { magic } from '@varve/pack/layout'
import { scanChunk } from '@varve/pack/pack'
import { readPackHeader } from './file-header.ts'
import type { Finding } from './finding.ts'
import type { InspectedFile } from './inspected-file.ts'
import { RecordTally } from './record-tally.ts'

/** Its batches and the ranges that prove nothing, then what its records are. */
export async function* inspectChunk(file: InspectedFile): AsyncGenerator<Finding> {
  const header = await readPackHeader(file, magic.chunk)
  const { number, base } = header
  const handle = await file.fs.open(`${file.folder}/${file.name}`, 'read')
  try {
    const end = base + (await handle.size())
    const id = { nonce: header.nonce.toString('hex'), storeId: header.storeId.toString('hex') }
    yield { type: 'chunk', number, base, end, ...id }
    const tally = new RecordTally()
    for await (const step of scanChunk({ handle, header, end })) {
      if (step.kind === 'damage') {
        yield { type: 'damage', ...step.range }
        continue
      }
      const { batch } = step
      const records = batch.records()
      while (records.next()) tally.add(records.kind, records.size)
      const { sequence, start, length, recordCount, time, syncedTo } = batch.header
      const at = new Date(time).toISOString()
      yield {
        type: 'batch',
        sequence,
        start,
        length,
        records: recordCount,
        time: at,
        syncedTo,
        whole: batch.isWhole,
      }
      for (const range of batch.damage) yield { type: 'damage', ...range }
    }
    yield* tally.findings()
  } finally {
    await handle.close()
  }
}
