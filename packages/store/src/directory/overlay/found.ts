import { assert } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import type { EntryTarget, RawName } from '@varve/pack/objects'
import type { Bytes, Path } from '../../api/index.ts'
import {
  bytesOf,
  followNames,
  isDirectory,
  nodeOf,
  type TreeStorage,
  targetOfBlob,
} from '../reading/index.ts'
import { blobOfChange, type Found, type OverlayDirectory, type StoredTarget } from './overlay-directory.ts'

/** The directory found at a name, ready to be changed; `undefined` when there is none. */
export function openFound(
  directory: OverlayDirectory,
  name: RawName,
  found: Found | undefined,
): OverlayDirectory | undefined {
  if (found?.kind === 'tree') return found.directory
  if (found?.kind === 'stored' && isDirectory(found.target)) return directory.open(name, found.target)
  return undefined
}

/** What names lead to from something found in a base; below a blob there is nothing. */
export function followFound(
  storage: TreeStorage,
  found: Found,
  names: readonly RawName[],
): StoredTarget | undefined {
  if (found.kind !== 'stored' || !isDirectory(found.target)) return undefined
  const target = followNames(storage, nodeOf(found.target), names)
  return target === undefined ? undefined : { kind: 'stored', target }
}

/**
 * What was found as an entry; new content is hashed for it. Changed directories have none before they are
 * nodes.
 */
export function targetOfFound(found: Found): EntryTarget {
  assert(found.kind !== 'tree', 'a directory that is being changed is no entry yet')
  return found.kind === 'stored' ? found.target : targetOfBlob(blobOfChange(found), found.mode)
}

/**
 * The content of a blob that was set in this edit; `undefined`: it is in the store.
 * @throws IS_A_TREE
 */
export function contentInMemory(found: Found, path: Path): Bytes | undefined {
  if (found.kind === 'tree') throw new VarveError('IS_A_TREE', { path })
  if (found.kind === 'stored' || found.content === undefined) return undefined
  return bytesOf(found.content)
}

/** Notes in each directory that leads to the last name that something at or below its name has changed. */
export function touch(chain: readonly OverlayDirectory[], names: readonly RawName[]): void {
  for (let at = 0; at < chain.length; at++) (chain[at] as OverlayDirectory).touch(names[at] as RawName)
}
