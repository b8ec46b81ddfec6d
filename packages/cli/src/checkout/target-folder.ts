import { dirname } from 'node:path'
import type { HostFiles } from '../host/index.ts'
import { CommandFailure } from '../terminal/index.ts'
import type { ExistingPolicy } from './existing-files.ts'
import { type InnerPath, realPathOf, storePlaces } from './store-places.ts'

export interface TargetFolder {
  /** Its real path. */
  readonly path: string
  /** It and the folders above it that are not there yet, from the highest on. */
  readonly missing: readonly string[]
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
  const kind = await files.kind(folder)
  if (kind === 'link') {
    throw new CommandFailure('EXISTS', `${folder} is a symbolic link`, {
      hint: 'Name the folder that it points to: a checkout does not go through links.',
    })
  }
  const path = await realPathOf(files, folder)
  const places = await storePlaces(files, { ...o, folder: path })
  if (kind === 'file' || kind === 'other') throw new CommandFailure('EXISTS', `${folder} is not a folder`)
  if (kind === 'folder' && o.existing === 'refuse' && (await files.list(folder)).length > 0) {
    throw new CommandFailure('NOT_EMPTY', `${folder} is not empty`, {
      hint: '--merge replaces files of the same paths, --delete makes the folder hold nothing else.',
    })
  }
  return { path, missing: await missingFolders(files, path), storePlaces: places }
}

async function missingFolders(files: HostFiles, path: string): Promise<string[]> {
  const missing: string[] = []
  for (let at = path; (await files.kind(at)) === undefined; at = dirname(at)) missing.unshift(at)
  return missing
}

/** Makes the folder, with all that are above it, if it is not there. */
export async function makeTarget(files: HostFiles, { missing }: TargetFolder): Promise<void> {
  for (const folder of missing) await files.makeFolder(folder)
}

/** Removes what was made for the folder, up to where somebody else has put something. */
export async function removeTarget(files: HostFiles, { missing }: TargetFolder): Promise<void> {
  for (const folder of missing.toReversed()) {
    if ((await files.list(folder)).length > 0) return
    await files.removeFolder(folder)
  }
}
