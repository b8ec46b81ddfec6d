import { dirname, join, resolve } from 'node:path'
import { VarveError } from '@varve/pack/errors'
import { type FileSystem, hasCode } from '@varve/pack/fs'
import { classifyFile } from '@varve/pack/layout'

/** A folder for a new store: made, or found empty. */
export interface TargetFolder {
  /** Without symbolic links. */
  readonly path: string
  /** Makes its name, and those of the folders above it that were made too, durable. */
  sync(): Promise<void>
  /** Deletes what was put there, and the folders that were made. Never rejects. */
  discard(): Promise<void>
}

/**
 * @throws OPTION_MISMATCH when the folder is not empty, or no folder; READ_ONLY_FOLDER, NO_SPACE,
 * INVALID_PATH, COPY_FAILED
 */
export async function claimFolder(fs: FileSystem, dir: string): Promise<TargetFolder> {
  let made: readonly string[] = []
  try {
    made = await makeFolder(fs, dir)
    const path = await fs.realPath(dir)
    if (made.length === 0 && (await fs.list(path)).length > 0) throw mismatch(`${dir} is not empty`)
    return {
      path,
      sync: async () => {
        for (const folder of made) await fs.syncFolder(dirname(folder))
      },
      discard: async () => {
        await removeOurs(fs, path)
        await removeEmpty(fs, made)
      },
    }
  } catch (error) {
    await removeEmpty(fs, made)
    throw asTargetFailure(error, dir)
  }
}

/** The absolute path that a caller means. @throws INVALID_PATH */
export function folderOf(dir: unknown): string {
  const isPath = typeof dir === 'string' && dir !== '' && !dir.includes('\0')
  if (isPath) return resolve(dir)
  const hint = 'a folder is named by text without NUL'
  throw new VarveError('INVALID_PATH', { path: String(dir), hint }, { hint })
}

/** What the file system says of the folder of a copy, as the code that tells what to do. */
export function asTargetFailure(error: unknown, dir: string): unknown {
  if (VarveError.is(error) || !(error instanceof Error && 'syscall' in error)) return error
  const has = (...codes: string[]): boolean => codes.some((code) => hasCode(error, code))
  if (has('ENOSPC', 'EDQUOT')) {
    return new VarveError('NO_SPACE', { needed: smallestPiece, free: 0 }, { cause: error })
  }
  if (has('EROFS', 'EACCES', 'EPERM')) {
    return new VarveError('READ_ONLY_FOLDER', { path: dir }, { cause: error })
  }
  if (has('ENAMETOOLONG', 'ENOTDIR', 'ELOOP')) {
    const hint = 'no folder can be made there'
    return new VarveError('INVALID_PATH', { path: dir, hint }, { hint, cause: error })
  }
  const message = `The copy to ${dir} failed (disk): ${error.message}`
  return new VarveError('COPY_FAILED', { path: dir, reason: 'disk' }, { message, cause: error })
}

/** What a full disk has no room for. */
const smallestPiece = 4096

/** The error for a folder that cannot take a copy. */
export function mismatch(message: string): VarveError<'OPTION_MISMATCH'> {
  const hint = 'Choose a folder that is empty or not there yet.'
  return new VarveError('OPTION_MISMATCH', { option: 'dir' }, { message, hint })
}

/** The folders that had to be made, the innermost first. */
async function makeFolder(fs: FileSystem, dir: string): Promise<string[]> {
  const stat = await fs.stat(dir)
  if (stat !== undefined) {
    if (stat.kind === 'folder') return []
    throw mismatch(`${dir} is no folder`)
  }
  const made: string[] = []
  for (let folder = dir; (await fs.stat(folder)) === undefined; folder = dirname(folder)) made.push(folder)
  try {
    await fs.mkdir(dir)
  } catch (error) {
    // A name that is taken and leads nowhere: a symbolic link.
    throw hasCode(error, 'EEXIST') ? mismatch(`${dir} is no folder`) : error
  }
  return made
}

async function removeOurs(fs: FileSystem, path: string): Promise<void> {
  for (const name of await fs.list(path).catch(() => [])) {
    if (classifyFile(name).kind === 'unknown') continue
    await fs.remove(join(path, name)).catch(() => undefined)
  }
}

async function removeEmpty(fs: FileSystem, made: readonly string[]): Promise<void> {
  for (const folder of made) {
    const names = await fs.list(folder).catch(() => undefined)
    if (names?.length !== 0) return
    await fs.removeFolder(folder).catch(() => undefined)
  }
}
