import { fileName } from '../../layout/index.ts'
import { createChunkFile, emptyTail } from '../frame/index.ts'
import type { AppendLogOptions } from './append-log-options.ts'
import { OpenChunk } from './open-chunk.ts'

/**
 * Begins the chunk after the one that is to be sealed, which is synced to its end. In this order: the new
 * file is written and synced, the folder is synced, control is replaced. If the file cannot be made, nothing
 * has changed; after any later failure nobody knows what a crash would leave, so the log has failed.
 * @throws what `fail` makes of the failure, or what the file system threw when the file could not be made
 */
export async function beginNextChunk(
  o: AppendLogOptions,
  sealed: OpenChunk,
  fail: (cause: unknown, file: string) => Error,
): Promise<OpenChunk> {
  const { fs, folder, storeId, cache, clock } = o
  const next = { number: o.nextFileNumber(), base: sealed.nextBase, nonce: o.newNonce(), storeId }
  const handle = await createChunkFile(fs, folder, next)
  let file = folder
  try {
    await fs.syncFolder(folder)
    file = fileName.control
    const growing = await o.switchControl({
      sealed: { number: sealed.number, base: sealed.base, length: sealed.end - sealed.base },
      opened: { number: next.number, base: next.base },
    })
    sealed.stopGrowing()
    return new OpenChunk({ tail: emptyTail(next), handle, cache, growing, clock })
  } catch (error) {
    const failure = fail(error, file)
    await handle.close().catch(() => undefined)
    throw failure
  }
}
