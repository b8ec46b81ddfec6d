import {
  type BlobRef,
  directoryTotals,
  type EntryTarget,
  entryMode,
  lookup,
  lookupPath,
  MalformedBody,
  type ModeNumber,
  type NodeRef,
  type RawName,
} from '@varve/pack/objects'
import type { TreeStorage } from './tree-storage.ts'

/** The entry of a directory with this name. */
export function findTarget(storage: TreeStorage, root: NodeRef, name: RawName): EntryTarget | undefined {
  try {
    return lookup(storage.nodes, root, name, storage.found) ? storage.found.target() : undefined
  } catch (error) {
    throw blamed(storage, error)
  }
}

/** The same if only its mode is asked for. */
export function findMode(storage: TreeStorage, root: NodeRef, name: RawName): ModeNumber | undefined {
  try {
    return lookup(storage.nodes, root, name, storage.found) ? storage.found.mode : undefined
  } catch (error) {
    throw blamed(storage, error)
  }
}

/**
 * What the names lead to, one after another; for no names the directory itself. A blob on the way ends it.
 */
export function followNames(
  storage: TreeStorage,
  root: NodeRef,
  names: readonly RawName[],
): EntryTarget | undefined {
  if (names.length === 0) return targetOfTree(storage, root)
  try {
    const { nodes, found } = storage
    return lookupPath(nodes, root, names, found) === names.length ? found.target() : undefined
  } catch (error) {
    throw blamed(storage, error)
  }
}

/** Entries directly in a directory, and the bytes of all blobs below it. Reads its root node only. */
export function totalsOf(
  storage: TreeStorage,
  root: NodeRef,
): { readonly count: number; readonly bytes: number } {
  try {
    return directoryTotals(storage.nodes, root)
  } catch (error) {
    throw blamed(storage, error)
  }
}

/** The root node of a directory that stands in another. */
export function nodeOf({ hash, offset, draft }: EntryTarget): NodeRef {
  return { hash, offset, draft: draft?.kind === 'node' ? draft : undefined }
}

/** The blob of an entry. */
export function blobOf({ hash, offset, size, draft }: EntryTarget): BlobRef {
  return { hash, offset, size, draft: draft?.kind === 'blob' ? draft : undefined }
}

/** A directory as an entry. */
export function targetOfTree(storage: TreeStorage, root: NodeRef): EntryTarget {
  const { count, bytes } = totalsOf(storage, root)
  const { hash, offset, draft } = root
  return { mode: entryMode.directory, size: bytes, count, hash, offset, draft }
}

/** A blob as an entry. */
export function targetOfBlob({ hash, offset, size, draft }: BlobRef, mode: ModeNumber): EntryTarget {
  return { mode, size, count: 0, hash, offset, draft }
}

export function isDirectory(target: EntryTarget): boolean {
  return target.mode === entryMode.directory
}

/** What to throw for an error out of the objects' code: a malformed node becomes CORRUPT, the rest stays. */
export function blamed(storage: TreeStorage, error: unknown): unknown {
  return error instanceof MalformedBody ? storage.corrupt(error) : error
}
