import { indexKindOf, recordKind } from '@varve/pack/objects'
import type { Segment } from '@varve/pack/pack'
import { refuseLost, type ScannedRecord, scanLog, walkSegment } from '../source/index.ts'
import type { Workshop } from './workshop.ts'

/**
 * Marks every object and touch in [from, to) of the old address space below the new boundary: what was
 * written after the target counts as kept, wherever earlier collections have put it.
 */
export async function markAllFrom(shop: Workshop, from: number, to: number): Promise<void> {
  const { source, job, tables, mark, files } = shop
  const markRecord = (record: { readonly kind: number; readonly offset: number }): void => {
    const isKept = indexKindOf(record.kind) !== undefined || record.kind === recordKind.touch
    if (isKept && record.offset >= from && record.offset < to) mark(record.offset)
  }
  for (const segment of source.space.segments as readonly Segment[]) {
    if (segment.high <= from || segment.low >= to) continue
    walkSegment(segment, from, markRecord)
    await tables.marks.relieve()
  }
  const end = Math.min(to, job.newRetire)
  if (end <= job.previous.retire) return
  // Only the ends of chunks are known to be borders of batches.
  const chunks = job.previous.chunks.filter((place) => place.base < end && place.base + place.length > from)
  await scanLog(
    files,
    { chunks, from: 0, to: job.start },
    {
      record: markRecord,
      damaged: async (record: ScannedRecord) => markRecord(record),
      lost: refuseLost,
      batchEnd: () => tables.marks.relieve(),
    },
  )
}
