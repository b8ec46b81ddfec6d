import { VarveError } from '@varve/pack/errors'
import { hasCode } from '@varve/pack/fs'

/** What the smallest file takes on most disks: at least this much is missing where none can be made. */
const FILE_BYTES_LEAST = 4096

/**
 * Errors of ours pass, and so do bugs; what the file system says while a store is opened, or gets another
 * file, becomes the code that tells what to do.
 */
export function openFailure(error: unknown, path: string): unknown {
  const isOfSystem = error instanceof Error && 'syscall' in error
  if (!isOfSystem) return error
  if (hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT')) {
    return new VarveError('NO_SPACE', { needed: FILE_BYTES_LEAST, free: 0 }, { cause: error })
  }
  if (hasCode(error, 'ENAMETOOLONG')) {
    const hint = 'the path, or a name in it, is longer than the file system takes'
    return new VarveError('INVALID_PATH', { path, hint }, { hint, cause: error })
  }
  const isForbidden = hasCode(error, 'EROFS') || hasCode(error, 'EACCES') || hasCode(error, 'EPERM')
  if (isForbidden) return new VarveError('READ_ONLY_FOLDER', { path }, { cause: error })
  const isMissing = hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR') || hasCode(error, 'ELOOP')
  if (isMissing) return new VarveError('NO_STORE', { path }, { cause: error })
  return new VarveError('WRITER_FAILED', { file: path }, { cause: error })
}

/** The same for a store that is only read. What only the system can tell passes as it is. */
export function readFailure(error: unknown, path: string): unknown {
  const isOfSystem = error instanceof Error && 'syscall' in error
  if (!isOfSystem) return error
  const isForbidden = hasCode(error, 'EACCES') || hasCode(error, 'EPERM')
  if (isForbidden) return new VarveError('NO_STORE', { path }, { message: error.message, cause: error })
  const failure = openFailure(error, path)
  return VarveError.is(failure, 'WRITER_FAILED') ? error : failure
}
