import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
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

/** Where the files of the store lie that is copied. */
export interface SourceFolders {
  /** As a real path. */
  readonly folder: string
  /** Of its lower layer, absolute. */
  readonly lower: string | undefined
}

/**
 * That a copy does not lie among the files of the store: an opening or a collection would take what is in it
 * for its own.
 * @throws OPTION_MISMATCH
 */
export async function assertOutside(fs: FileSystem, dir: string, source: SourceFolders): Promise<void> {
  const path = await realPath(fs, dir)
  if (path === source.folder) throw mismatch(`${dir} is the folder of the store itself`)
  if (relativeTo(source.folder, path) !== undefined) throw mismatch(`${dir} lies in the folder of the store`)
  if (source.lower === undefined) return
  const [first = ''] = relativeTo(await realPath(fs, source.lower), path)?.split(sep) ?? []
  if (classifyFile(first).kind === 'volume') throw mismatch(`${dir} lies in a volume of the store`)
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

/** Also of what is not there yet. */
async function realPath(fs: FileSystem, path: string): Promise<string> {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    const real = await fs.realPath(at).catch(() => undefined)
    if (real !== undefined) return join(real, relative(at, path))
  }
  return path
}

/** The path from a folder of what lies in it; `undefined`: it does not. */
function relativeTo(folder: string, path: string): string | undefined {
  const inside = relative(folder, path)
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? undefined : inside
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
