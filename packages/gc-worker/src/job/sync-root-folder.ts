import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'

/**
 * Makes the names of new files durable. When this fails nobody knows which names are: not only the job has
 * failed, the store's writer has too.
 * @throws WRITER_FAILED
 */
export async function syncRootFolder(fs: FileSystem, dir: string): Promise<void> {
  try {
    await fs.syncFolder(dir)
  } catch (error) {
    throw new VarveError('WRITER_FAILED', { file: dir }, { cause: error })
  }
}
