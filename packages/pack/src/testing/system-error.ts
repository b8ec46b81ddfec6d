import { constants } from 'node:os'

/** The codes that a disk or the system answers with, as far as tests need them. */
export type SystemErrorCode =
  | 'EACCES'
  | 'EBADF'
  | 'EDQUOT'
  | 'EEXIST'
  | 'EFBIG'
  | 'EINVAL'
  | 'EIO'
  | 'EISDIR'
  | 'EMFILE'
  | 'ENFILE'
  | 'ENOENT'
  | 'ENOSPC'
  | 'ENOTDIR'
  | 'ENOTEMPTY'
  | 'EPERM'
  | 'EROFS'
  | 'EXDEV'

/** An error with the shape of Node's own: `code`, `errno`, `syscall`, `path`. */
export function systemError(code: SystemErrorCode, call: string, path: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${call} '${path}'`)
  error.code = code
  error.errno = -constants.errno[code]
  error.syscall = call
  error.path = path
  return error
}
