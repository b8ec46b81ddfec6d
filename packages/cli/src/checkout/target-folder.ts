import { dirname } from 'node:path'
import type { HostFiles } from '../host/index.ts'
import { CommandFailure } from '../terminal/index.ts'
import type { ExistingPolicy } from './existing-files.ts'
import { type InnerPath, realPathOf, storePlaces } from './store-places.ts'

export interface TargetFolder {
  /** Its real path. */
  readonly path: string
  /** It is not there yet. */
  readonly isNew: boolean
  /** Where in it nothing may be written. */
  readonly storePlaces: readonly InnerPath[]
}

/**
 * Looks at the folder that a checkout goes to; touches nothing.
 * @param o.store the store's folder
 * @throws CommandFailure NOT_EMPTY, EXISTS, STORE_IN_THE_WAY
 */
export async function examineFolder(
  files: HostFiles,
  folder: string,
  o: { readonly store: string; readonly existing: ExistingPolicy },
): Promise<TargetFolder> {
  const path = await realPathOf(files, folder)
  const places = await storePlaces(files, { ...o, folder: path })
  const kind = await files.kind(folder)
  if (kind === 'link') {
    throw new CommandFailure('EXISTS', `${folder} is a symbolic link`, {
      hint: 'Name the folder that it points to: a checkout does not go through links.',
    })
  }
  if (kind === 'file' || kind === 'other') throw new CommandFailure('EXISTS', `${folder} is not a folder`)
  if (kind === 'folder' && o.existing === 'refuse' && (await files.list(folder)).length > 0) {
    throw new CommandFailure('NOT_EMPTY', `${folder} is not empty`, {
      hint: '--merge replaces files of the same paths, --delete makes the folder hold nothing else.',
    })
  }
  return { path, isNew: kind === undefined, storePlaces: places }
}

/** Makes the folder, with all that are above it, if it is not there. */
export async function makeTarget(files: HostFiles, { path, isNew }: TargetFolder): Promise<void> {
  if (!isNew) return
  await files.makeFolders(dirname(path))
  await files.makeFolder(path)
}
