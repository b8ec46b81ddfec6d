import { dirname } from 'node:path'
import { VarveError } from '@varve/pack/errors'
import { type FileSystem, hasCode } from '@varve/pack/fs'
import { classifyFile, fileName } from '@varve/pack/layout'
import { readControl } from '@varve/pack/pack'
import { assertLowerFits } from './attach-lower.ts'

export type CreateMode = 'if-missing' | 'never' | 'must'

/**
 * Sees to it that the folder is there and is a store or may become one.
 * @throws NO_STORE when there is none and none may be made, or when the folder holds files of somebody else;
 * OPTION_MISMATCH when one is there that must be made; LOWER_UNAVAILABLE, OPTION_MISMATCH where its lower
 * layer cannot be, and then nothing has been made
 * @param lower where the caller wants the lower layer, absolute
 */
export async function prepareFolder(
  fs: FileSystem,
  folder: string,
  create: CreateMode,
  lower?: string,
): Promise<void> {
  const stat = await fs.stat(folder)
  if (stat === undefined) {
    if (create === 'never') throw new VarveError('NO_STORE', { path: folder })
    if (lower !== undefined) await assertLowerFits(fs, folder, lower)
    await makeDurable(fs, folder)
    return
  }
  if (stat.kind !== 'folder') throw new VarveError('NO_STORE', { path: folder })
  const names = await fs.list(folder)
  if (names.includes(fileName.control)) {
    if (create === 'must') throw thereAlready(folder)
    return
  }
  const isForeign = names.some((name) => classifyFile(name).kind === 'unknown')
  if (create === 'never' || isForeign) {
    // Tells a folder that is no store from a store without its control.
    await readControl(fs, folder)
    return
  }
  if (lower !== undefined) await assertLowerFits(fs, folder, lower)
  // Whoever made the folder, perhaps an opening that was cut off, may not have made its name durable.
  await fs.syncFolder(dirname(folder)).catch(ignoreForbidden)
}

/** The error for a store where a new one was to be made. */
export function thereAlready(folder: string): VarveError<'OPTION_MISMATCH'> {
  const message = `there is a store in ${folder} already`
  return new VarveError('OPTION_MISMATCH', { option: 'create' }, { message })
}

/**
 * Makes a folder and its missing parents so that a power cut takes none of them: what is put inside would go
 * with it.
 */
async function makeDurable(fs: FileSystem, folder: string): Promise<void> {
  const parents: string[] = []
  for (let made = folder; (await fs.stat(made)) === undefined; made = dirname(made))
    parents.push(dirname(made))
  try {
    await fs.mkdir(folder)
  } catch (error) {
    // A name that is taken and leads nowhere: a symbolic link.
    throw hasCode(error, 'EEXIST') ? new VarveError('NO_STORE', { path: folder }, { cause: error }) : error
  }
  for (const parent of parents) await fs.syncFolder(parent)
}

/** A parent that may be passed through and not read cannot be synced by us; it is not ours. */
function ignoreForbidden(error: unknown): void {
  if (!hasCode(error, 'EACCES') && !hasCode(error, 'EPERM')) throw error
}
