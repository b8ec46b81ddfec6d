import { type FileSystem, writeFully } from '../../fs/index.ts'

/**
 * Creates a file out of the pieces and syncs it; a piece may be used again once the next is asked for. The
 * folder is the caller's to sync. After a failure the file is removed, as far as the disk lets it, and was
 * synced at most once.
 * @throws what the file system throws
 */
export async function writeNewFile(fs: FileSystem, path: string, pieces: Iterable<Buffer>): Promise<void> {
  const handle = await fs.open(path, 'create')
  try {
    let position = 0
    for (const piece of pieces) {
      await writeFully(handle, piece, 0, piece.length, position)
      position += piece.length
    }
    await handle.sync()
    await handle.close()
  } catch (error) {
    await Promise.allSettled([handle.close()])
    await Promise.allSettled([fs.remove(path)])
    throw error
  }
}
