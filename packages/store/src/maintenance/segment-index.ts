/**
 * Builds a segment's index anew from its pack file and map. Which of its objects were young is lost with the
 * old one.
 */
import { VarveError } from '@varve/pack/errors'
import { type FileSystem, readFullySync } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { indexKindOf } from '@varve/pack/objects'
import { IndexBuilder, recordFlag, recordSize, type Segment, verifyRecord } from '@varve/pack/pack'

export interface SegmentIndexOptions {
  readonly fs: FileSystem
  readonly folder: string
  readonly storeId: Buffer
  readonly segment: Segment
}

/** @throws CORRUPT when map and pack file do not fit each other, and what the file system throws */
export async function rebuildSegmentIndex(o: SegmentIndexOptions): Promise<void> {
  const { fs, folder, storeId, segment } = o
  const builder = segmentIndexOf(segment)
  const path = `${folder}/${fileName.segmentIndex(segment.number)}`
  await builder.write(fs, { path, number: segment.number, storeId, packLength: segment.file.end })
  await fs.syncFolder(folder)
}

/** The same in memory. @throws CORRUPT when map and pack file do not fit each other */
export function segmentIndexOf(segment: Segment): IndexBuilder {
  const builder = new IndexBuilder()
  for (const run of segment.runs()) {
    const bytes = Buffer.allocUnsafeSlow(run.length)
    if (readFullySync(segment.file.handle, bytes, 0, run.length, run.position) < run.length) {
      throw new VarveError('CORRUPT', { file: segment.file.name, offset: run.position })
    }
    addRun(builder, bytes, { start: run.start, position: run.position, file: segment.file.name })
  }
  return builder
}

function addRun(
  builder: IndexBuilder,
  bytes: Buffer,
  run: { readonly start: number; readonly position: number; readonly file: string },
): void {
  const header = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
  for (let at = 0; at < bytes.length; ) {
    const offset = run.start + at
    const size = verifyRecord(bytes, at, bytes.length - at, offset, header)
    if (size === 0) throw new VarveError('CORRUPT', { file: run.file, offset: run.position + at })
    const kind = indexKindOf(header.kind)
    if (kind !== undefined) builder.add(kind, bytes, at + 16, offset, recordSize(header.bodyLength))
    if ((header.flags & recordFlag.healed) !== 0) builder.addHealed(offset)
    at += size
  }
}
