import { indexKindOf, recordKind } from '@varve/pack/objects'
import type { Segment } from '@varve/pack/pack'
import { refuseLost, type ScannedRecord, scanLog, walkSegment } from '../source/index.ts'
import type { Workshop } from './workshop.ts'

/**
 * Marks every object and touch in [from, to) of the old address space below the new boundary: what was written after
 * the target counts as kept, wherever earlier collections have put it.
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
  await scanLog(files, { chunks: chunksWithin(shop, from, end), from: 0, to: end }, {
    record: markRecord,
    damaged: async (record: ScannedRecord) => markRecord(record),
    lost: refuseLost,
    batchEnd: () => tables.marks.relieve(),
  })
}

/** Whole chunks: only their starts are known to be borders of batches. */
function chunksWithin(shop: Workshop, from: number, to: number): Workshop['job']['previous']['chunks'] {
  return shop.job.previous.chunks.filter((place) => place.base < to && place.base + place.length > from)
}
