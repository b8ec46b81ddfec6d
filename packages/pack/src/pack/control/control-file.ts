import { join } from 'node:path'
import { VarveError } from '../../errors/index.ts'
import { atomicReplace, type FileSystem, hasCode } from '../../fs/index.ts'
import { classifyFile, fileName } from '../../layout/index.ts'
import { packHeaderSize } from '../frame/index.ts'
import { type DecodedControl, decodeControl, encodeControl } from './control-codec.ts'
import type { ControlState } from './control-state.ts'

/**
 * What the control file of a store says.
 * @throws NO_STORE when the folder is no store; CORRUPT also when control is gone from a folder that holds a
 * store's files, so that nobody makes a new store over them; NEWER_FORMAT
 */
export async function readControl(fs: FileSystem, folder: string): Promise<DecodedControl> {
  const bytes = await readIfThere(fs, join(folder, fileName.control))
  if (bytes !== undefined) return decodeControl(bytes)
  if (!(await holdsStoreFiles(fs, folder))) throw new VarveError('NO_STORE', { path: folder })
  const message = 'control is missing from a folder that holds the files of a store'
  throw new VarveError('CORRUPT', { file: fileName.control, offset: 0 }, { message })
}

/**
 * Replaces the control file: the atomic switch. `state.sequence` must be higher than that of the one
 * replaced.
 * @throws what the file system throws. Before the rename the old one stays; if syncing the folder fails,
 * nobody knows which of the two a crash would leave, and either way its writer has failed
 */
export async function replaceControl(fs: FileSystem, folder: string, state: ControlState): Promise<void> {
  await atomicReplace(fs, folder, fileName.control, encodeControl(state))
}

async function readIfThere(fs: FileSystem, path: string): Promise<Buffer | undefined> {
  try {
    return await fs.readFile(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined
    throw error
  }
}

/**
 * A crash while a store is being made leaves a chunk without a batch at most; anything else has held records.
 */
async function holdsStoreFiles(fs: FileSystem, folder: string): Promise<boolean> {
  const stat = await fs.stat(folder).catch(ignoreNoFolder)
  if (stat?.kind !== 'folder') return false
  for (const name of await fs.list(folder)) {
    const { kind } = classifyFile(name)
    if (kind === 'segment' || kind === 'checkpoint') return true
    if (kind === 'chunk' && ((await fs.stat(join(folder, name)))?.size ?? 0) > packHeaderSize) return true
  }
  return false
}

function ignoreNoFolder(error: unknown): undefined {
  if (!hasCode(error, 'ENOTDIR')) throw error
}
