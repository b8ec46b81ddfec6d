import type { FileSystem } from '@varve/pack/fs'
import type { IndexEntries, ScanMemory } from '@varve/pack/pack'
import { type ChunkPlace, writeChunkIndex } from '../job/index.ts'
import { scanForIndex } from '../source/index.ts'

/** What the building of an index is told: plain data. */
export interface IndexJob {
  /** The store's folder, as a real path. */
  readonly dir: string
  /** 32 hexadecimal digits. */
  readonly storeId: string
  /** A sealed chunk. */
  readonly chunk: ChunkPlace
}

/** What one build leaves to the next. */
export interface IndexMemory {
  readonly memory: ScanMemory
  readonly entries: IndexEntries
}

/**
 * Builds the index of a sealed chunk from the chunk itself, in place of one that may be there (it is damaged
 * then). When it resolves, file and folder are synced; after a failure there is no index.
 * @throws CORRUPT when the chunk is missing or not the one that is meant, WRITER_FAILED when the folder could
 * not be synced, and what the file system throws
 */
export async function buildIndex(fs: FileSystem, job: IndexJob, memory?: IndexMemory): Promise<void> {
  const storeId = Buffer.from(job.storeId, 'hex')
  const { dir, chunk } = job
  const index = await scanForIndex({ fs, dir, storeId, ...memory }, chunk)
  await writeChunkIndex(fs, { dir, storeId, number: chunk.number }, index)
}
