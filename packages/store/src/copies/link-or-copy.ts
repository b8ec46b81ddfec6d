import { basename } from 'node:path'
import { throwIfAborted, VarveError } from '@varve/pack/errors'
import { type FileSystem, hasCode, writeFully } from '@varve/pack/fs'

/** Read and written at once. */
const pieceBytes = 1 << 20

/** What a file system says that cannot link these two places, or not any more. */
const unlinkable = ['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/**
 * Gives a file a second name, or, where that is impossible or only its first bytes count, makes a copy and
 * syncs it. Gives the bytes that were copied. The folder is the caller's to sync.
 * @throws ABORTED, and what the file system throws
 */
export async function linkOrCopy(
  fs: FileSystem,
  o: {
    readonly from: string
    readonly to: string
    /** Only these count: then it is always a copy. */
    readonly bytes: number | undefined
    readonly signal: AbortSignal
  },
): Promise<number> {
  if (o.bytes === undefined) {
    try {
      await fs.link(o.from, o.to)
      return 0
    } catch (error) {
      if (!unlinkable.some((code) => hasCode(error, code))) throw error
    }
  }
  return copyFile(fs, o)
}

async function copyFile(
  fs: FileSystem,
  { from, to, bytes, signal }: Parameters<typeof linkOrCopy>[1],
): Promise<number> {
  const source = await fs.open(from, 'read')
  try {
    const target = await fs.open(to, 'create')
    try {
      const end = bytes ?? (await source.size())
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, Math.max(end, 1)))
      let at = 0
      while (at < end) {
        throwIfAborted(signal)
        const read = await source.read(piece, 0, Math.min(piece.length, end - at), at)
        if (read === 0) throw new VarveError('CORRUPT', { file: basename(from), offset: at })
        await writeFully(target, piece, 0, read, at)
        at += read
      }
      await target.sync()
      return end
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}
