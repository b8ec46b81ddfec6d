import { VarveError } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import { IndexFile, type Segment } from '@varve/pack/pack'
import type { CollectJob } from '../job/index.ts'
import { type SourceOptions, type SourceSpace, scanForIndex, scanSegmentForIndex } from '../source/index.ts'
import { Archive, type ArchivedIndex, type PackToArchive } from './archive.ts'

export interface ArchiveParts {
  readonly files: SourceOptions
  readonly job: CollectJob
  readonly source: SourceSpace
  readonly nextNumber: () => number
  readonly newNonce: () => Buffer
  /** Resolves when no index of a chunk is being written any more. */
  readonly indexed: () => Promise<void>
  /** Told of all bytes so far. @throws when the collection was cancelled */
  readonly onBytes: (bytes: number) => Promise<void>
}

/**
 * The archive of a collection: all chunks below the new boundary, and the generation where the volume has
 * nothing yet. `undefined` for a store without a lower layer.
 * @throws LOWER_UNAVAILABLE, CORRUPT when the manifest cannot be read
 */
export function openArchive(parts: ArchiveParts): Archive | undefined {
  const { files, job, source, nextNumber, newNonce } = parts
  const { lower, chunks, segments } = job.previous
  const manifest = source.lastVolume()?.manifest
  if (lower === undefined || manifest === undefined) return undefined
  const isEmpty = manifest.chunks.length === 0 && manifest.segments.length === 0
  let done = 0
  return new Archive({
    ...{ ...files, lower, manifest, nextNumber, newNonce, high: job.newRetire },
    chunks: chunks.filter(({ base, length }) => base + length <= job.newRetire),
    segments: isEmpty ? segments : [],
    present: chunks,
    indexOf: (pack) => indexOf(parts, pack),
    onBytes: async (bytes) => {
      done += bytes
      await parts.onBytes(done)
    },
  })
}

/**
 * An index that is missing or damaged is made anew, for the volume alone: above, somebody else may be about
 * to write it.
 */
async function indexOf(parts: ArchiveParts, pack: PackToArchive): Promise<ArchivedIndex> {
  await parts.indexed()
  const above = await tryOpen(parts, pack)
  if (above === undefined) return madeAnew(parts, pack)
  try {
    return { filter: above.filter, bytes: undefined }
  } finally {
    above.release()
  }
}

async function tryOpen(parts: ArchiveParts, pack: PackToArchive): Promise<IndexFile | undefined> {
  try {
    return await IndexFile.open(parts.files.fs, placeOf(parts, pack))
  } catch (error) {
    if (VarveError.is(error, 'CORRUPT')) return undefined
    throw error
  }
}

async function madeAnew(parts: ArchiveParts, pack: PackToArchive): Promise<ArchivedIndex> {
  const { files, source, job } = parts
  const { number } = pack
  const place = job.previous.chunks.find((chunk) => chunk.number === number)
  const segment = source.space.segments.find(({ file }) => file.number === number) as Segment | undefined
  const scanned = place === undefined ? undefined : await scanForIndex(files, place)
  const builder = scanned?.builder ?? (segment === undefined ? undefined : scanSegmentForIndex(segment))
  const packLength = scanned?.packLength ?? segment?.info.bytes
  if (builder === undefined || packLength === undefined) throw missing(pack)
  const bytes = builder.encode({ number, storeId: files.storeId, packLength })
  const index = IndexFile.ofBytes(bytes, placeOf(parts, pack))
  try {
    return { filter: index.filter, bytes }
  } finally {
    index.release()
  }
}

function missing(pack: PackToArchive): VarveError {
  return new VarveError('CORRUPT', { file: indexName(pack), offset: 0 })
}

function indexName({ kind, number }: PackToArchive): string {
  return kind === 'chunk' ? fileName.chunkIndex(number) : fileName.segmentIndex(number)
}

function placeOf({ files, source }: ArchiveParts, pack: PackToArchive): Parameters<typeof IndexFile.open>[1] {
  const { dir: folder, storeId } = files
  const { cache, retirer } = source
  return { folder, name: indexName(pack), number: pack.number, storeId, cache, retirer }
}
