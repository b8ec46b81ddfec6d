import { join } from 'node:path'
import { type FileSystem, hasCode } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import type { IndexBuilder } from '@varve/pack/pack'
import { syncRootFolder } from './sync-root-folder.ts'

/** The index of a chunk, ready to be written. */
export interface CollectedIndex {
  readonly builder: IndexBuilder
  /** How many bytes of the chunk it covers. */
  readonly packLength: number
}

/**
 * Writes the index of chunk `number`, in place of one that may be there (it is damaged then). When it
 * resolves, file and folder are synced; after a failure there is no index.
 * @throws WRITER_FAILED when the folder could not be synced, and what the file system throws
 */
export async function writeChunkIndex(
  fs: FileSystem,
  place: { readonly dir: string; readonly storeId: Buffer; readonly number: number },
  { builder, packLength }: CollectedIndex,
): Promise<void> {
  const { dir, storeId, number } = place
  const path = join(dir, fileName.chunkIndex(number))
  try {
    await fs.remove(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
  await builder.write(fs, { path, number, storeId, packLength })
  try {
    await syncRootFolder(fs, dir)
  } catch (error) {
    await fs.remove(path).catch(() => {})
    throw error
  }
}
