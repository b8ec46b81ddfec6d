import type { Entry, Tree } from '@varve/store'
import type { HostFileKind, HostFiles } from '../host/index.ts'

/** What is in a folder and goes when the folder is to hold a tree and nothing else. */
export interface Removal {
  /** From the folder on; the exact bytes. */
  readonly path: Buffer
  /** It goes with all that is in it. */
  readonly isFolder: boolean
}

/** Lists them, in byte order of their names, each before what its folder holds further on. */
export async function* removals(
  files: HostFiles,
  tree: Tree,
  folder: string,
): AsyncGenerator<Removal, void, undefined> {
  if ((await files.kind(folder)) !== 'folder') return
  yield* removalsIn(files, { tree, folder: Buffer.from(folder), inner: Buffer.alloc(0) })
}

interface Place {
  readonly tree: Tree
  readonly folder: Buffer
  /** The way from the folder of the checkout, with a slash at its end; empty for itself. */
  readonly inner: Buffer
}

/** As deep as the folders are, which the length of a path bounds. */
async function* removalsIn(
  files: HostFiles,
  { tree, folder, inner }: Place,
): AsyncGenerator<Removal, void, undefined> {
  for (const name of (await files.list(folder)).sort(Buffer.compare)) {
    const place = Buffer.concat([folder, SLASH, name])
    const path = Buffer.concat([inner, name])
    const kind = await files.kind(place)
    const entry = await tree.stat([name])
    if (kind === 'folder' && entry?.kind === 'tree') {
      const below = await tree.getTree([name])
      const next = Buffer.concat([path, SLASH])
      if (below !== undefined) yield* removalsIn(files, { tree: below, folder: place, inner: next })
    } else if (isInTheWay(kind, entry)) yield { path, isFolder: kind === 'folder' }
  }
}

/** It is not in the tree, or a folder and something else take each other's place. */
function isInTheWay(kind: HostFileKind | undefined, entry: Entry | undefined): boolean {
  if (entry === undefined) return true
  const becomesFolder = entry.kind === 'tree' || entry.mode === 'submodule'
  return becomesFolder !== (kind === 'folder')
}

const SLASH = Buffer.from('/')
