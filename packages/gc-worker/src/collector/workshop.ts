import type { Clock } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { type Archive, openArchive } from '../archive/index.ts'
import { type CollectJob, memoryBytesMaxDefault } from '../job/index.ts'
import { RegionImage, SourceIndexes, type SourceOptions, SourceSpace } from '../source/index.ts'
import {
  CommitWalk,
  type FetchedRecord,
  Fetcher,
  Healer,
  RegionSweep,
  type SweepCounts,
} from '../sweep/index.ts'
import { ChunkIndexes } from './chunk-indexes.ts'
import { CollectorMemory } from './collector-memory.ts'
import { FileNumbers } from './file-numbers.ts'
import { MarkTables } from './mark-tables.ts'
import { NewSegments } from './new-segments.ts'
import type { Pace } from './pace.ts'

/** What the steps of one collection work on: made by the first step, kept in memory until the end. */
export interface Workshop {
  readonly fs: FileSystem
  readonly job: CollectJob
  readonly clock: Clock
  readonly pace: Pace
  readonly files: SourceOptions
  readonly source: SourceSpace
  readonly indexes: SourceIndexes
  readonly chunkIndexes: ChunkIndexes
  readonly healer: Healer
  readonly memory: CollectorMemory
  readonly tables: MarkTables
  readonly image: RegionImage
  readonly sweep: RegionSweep
  readonly walk: CommitWalk
  readonly segments: NewSegments
  readonly numbers: FileNumbers
  /** A root: marked where it lies below the new boundary. @throws CORRUPT when no record can lie there */
  readonly mark: (offset: number) => void
  /** What a record that retires refers to: marked if another volume holds it, and that alone. */
  readonly reach: (offset: number) => void
  /** Of a store with a lower layer. */
  readonly archive: Archive | undefined
}

export interface WorkshopOptions {
  readonly clock: Clock
  readonly newNonce: () => Buffer
  readonly pace: Pace
  readonly counts: SweepCounts
  readonly onIndexed: (chunk: number, isThere: boolean) => void
}

/**
 * @throws CORRUPT when a file is missing or not the one that is meant, NEWER_FORMAT, LOWER_UNAVAILABLE, and
 * what the file system throws; then nothing stays open
 */
export async function openWorkshop(fs: FileSystem, job: CollectJob, o: WorkshopOptions): Promise<Workshop> {
  const files = { fs, dir: job.dir, storeId: Buffer.from(job.storeId, 'hex') }
  const source = await SourceSpace.open(files, job.previous)
  try {
    return furnish(files, source, job, o)
  } catch (error) {
    await source.close()
    throw error
  }
}

/** @throws LOWER_UNAVAILABLE, CORRUPT when the manifest of the volume to be written cannot be read */
function furnish(files: SourceOptions, source: SourceSpace, job: CollectJob, o: WorkshopOptions): Workshop {
  const { fs } = files
  const { dir, previous, newRetire: limit } = job
  const numbers = new FileNumbers(job.fileNumbers)
  const nextNumber = numbers.next
  const indexes = new SourceIndexes(source, previous)
  const chunkIndexes = new ChunkIndexes({
    ...{ ...files, wanted: job.unindexed ?? [], onIndexed: o.onIndexed },
    onFailed: (error) => o.pace.stop(error),
  })
  const healer = new Healer(source, indexes)
  const memory = new CollectorMemory(job.memoryBytesMax ?? memoryBytesMaxDefault)
  const tables = new MarkTables({ fs, dir, nextNumber, memory })
  const { marks, upward, kept, ahead, above, visited } = tables
  const image = new RegionImage(source)
  const fetcher = new Fetcher(source, healer, previous.lower?.volumes.at(-1)?.id)
  const fetch = (offset: number): Promise<FetchedRecord> => fetcher.fetch(offset)
  const sweep = new RegionSweep({ marks, upward, kept, image, limit, fetch }, o.counts)
  const segments = new NewSegments({ ...files, nextNumber, newNonce: o.newNonce })
  memory.watch({
    marks: () => tables.bytes,
    others: () =>
      image.memoryBytes + source.memoryBytes + segments.bytes + indexes.bytes + chunkIndexes.bytes,
  })
  const mark = (offset: number): void => {
    if (offset <= 0 || offset >= limit) return
    if ((offset & 7) !== 0) throw new VarveError('CORRUPT', source.placeOf(offset))
    marks.add(offset)
  }
  const reach = (offset: number): void => {
    if (fetcher.isElsewhere(offset)) mark(offset)
  }
  const walk = new CommitWalk({ source, indexes, healer, ahead, above, visited, reached: mark })
  const { clock, pace } = o
  const archive = openArchive({
    ...{ files, job, source, nextNumber, newNonce: o.newNonce },
    indexed: () => chunkIndexes.settled(),
    onBytes: async (bytes) => {
      pace.bytesDone = bytes
      await pace.step(bytes, undefined)
    },
  })
  const reading = { files, source, indexes, chunkIndexes, healer, image }
  const open = { memory, tables, sweep, walk, segments, numbers, mark, reach, archive }
  return { fs, job, clock, pace, ...reading, ...open }
}
