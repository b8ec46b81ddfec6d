import { basename, dirname, join } from 'node:path'
import type { HostFiles } from '../host/index.ts'
import { CommandFailure } from '../terminal/index.ts'
import type { ExistingPolicy } from './existing-files.ts'

export interface TargetFolder {
  /** Its real path. */
  readonly path: string
  /** It was not there before. */
  readonly isNew: boolean
}

/**
 * The folder that a checkout goes to, made if it is not there.
 * @throws CommandFailure NOT_EMPTY, EXISTS
 */
export async function prepareFolder(
  files: HostFiles,
  folder: string,
  existing: ExistingPolicy,
): Promise<TargetFolder> {
  const kind = await files.kind(folder)
  if (kind === 'link') {
    throw new CommandFailure('EXISTS', `${folder} is a symbolic link`, {
      hint: 'Name the folder that it points to: a checkout does not go through links.',
    })
  }
  if (kind === 'file' || kind === 'other') throw new CommandFailure('EXISTS', `${folder} is not a folder`)
  if (kind === undefined) {
    await files.makeFolders(dirname(folder))
    const path = join(await files.realPath(dirname(folder)), basename(folder))
    await files.makeFolder(path)
    return { path, isNew: true }
  }
  if (existing === 'refuse' && (await files.list(folder)).length > 0) {
    throw new CommandFailure('NOT_EMPTY', `${folder} is not empty`, {
      hint: '--merge replaces files of the same paths, --delete makes the folder hold nothing else.',
    })
  }
  return { path: await files.realPath(folder), isNew: false }
}
