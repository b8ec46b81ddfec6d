import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'
import type { HostFiles } from '../host/index.ts'
import { CommandFailure } from '../terminal/index.ts'
import type { ExistingPolicy } from './existing-files.ts'

/** A path below the folder of a checkout, one name per element. */
export type InnerPath = readonly string[]

/**
 * Where in the folder of a checkout the store lies, or a link by which it is reached: nothing may be written
 * there. None when it is elsewhere.
 * @param o.folder the real path
 * @throws CommandFailure STORE_IN_THE_WAY when the folder is the store's or lies in it, or when it holds the
 * store and is to hold nothing but the tree
 */
export async function storePlaces(
  files: HostFiles,
  o: { readonly folder: string; readonly store: string; readonly existing: ExistingPolicy },
): Promise<readonly InnerPath[]> {
  const { folder, store, existing } = o
  const home = await realPathOf(files, store)
  if (innerPath(folder, home) !== undefined) {
    const where = folder === home ? 'is' : 'lies in'
    throw storeInTheWay(`${folder} ${where} the folder of the store ${store}`)
  }
  const places = (await placesOf(files, store, home)).flatMap((place) => innerPath(place, folder) ?? [])
  if (places.length > 0 && existing === 'delete') {
    throw storeInTheWay(`${folder} holds the store ${store}, and --delete would remove it`)
  }
  return places.map((place) => place.split(sep))
}

export function storeInTheWay(message: string): CommandFailure {
  return new CommandFailure('STORE_IN_THE_WAY', message, {
    hint: 'Check out to a folder beside the store.',
  })
}

/** The real path of what is there, and of what could be made there. */
export async function realPathOf(files: HostFiles, path: string): Promise<string> {
  const kind = await files.kind(path)
  const above = dirname(path)
  if (kind !== undefined || above === path) return files.realPath(path)
  return join(await realPathOf(files, above), basename(path))
}

/** The store's real path, and every link on the way that it was named by. */
async function placesOf(files: HostFiles, store: string, home: string): Promise<string[]> {
  const places = [home]
  for (let path = store; dirname(path) !== path; path = dirname(path)) {
    const place = join(await realPathOf(files, dirname(path)), basename(path))
    if ((await files.kind(place)) === 'link') places.push(place)
  }
  return places
}

/** How the folder leads to the path: '' is the folder itself; `undefined` when it does not. */
function innerPath(path: string, folder: string): string | undefined {
  const way = relative(folder, path)
  const isOutside = way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)
  return isOutside ? undefined : way
}
