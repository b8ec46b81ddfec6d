import { posix } from 'node:path'
import { assert } from '../../base/index.ts'
import { systemError } from '../system-error.ts'
import type { MemoryFolder, MemoryNode } from './memory-folder.ts'

/** Where a path leads: its folder, its last name, and what has that name. */
export interface Place {
  readonly folder: MemoryFolder
  readonly name: string
  readonly node: MemoryNode | undefined
}

/** The names on the way from the root; none for the root itself. */
export function namesOf(path: string): string[] {
  assert(posix.isAbsolute(path), 'a path in memory is absolute')
  return posix
    .normalize(path)
    .split('/')
    .filter((name) => name !== '')
}

/**
 * What the path names; `undefined` when there is nothing. @throws ENOTDIR when the way leads through a file.
 */
export function findNode(root: MemoryFolder, path: string, call: string): MemoryNode | undefined {
  let node: MemoryNode = root
  for (const name of namesOf(path)) {
    if (node.kind === 'file') throw systemError('ENOTDIR', call, path)
    const next = node.entries.get(name)
    if (next === undefined) return undefined
    node = next
  }
  return node
}

/** @throws ENOENT when the folder is missing, EISDIR for the root, which has no name. */
export function findPlace(root: MemoryFolder, path: string, call: string): Place {
  const names = namesOf(path)
  const name = names.pop()
  if (name === undefined) throw systemError('EISDIR', call, path)
  const folder = findNode(root, `/${names.join('/')}`, call)
  if (folder === undefined) throw systemError('ENOENT', call, path)
  if (folder.kind === 'file') throw systemError('ENOTDIR', call, path)
  return { folder, name, node: folder.entries.get(name) }
}

/** Every file and folder under the root with its path, folders before what is in them, by name. */
export function* walk(folder: MemoryFolder, path: string = ''): Generator<[string, MemoryNode]> {
  for (const name of [...folder.entries.keys()].sort()) {
    const node = folder.entries.get(name) as MemoryNode
    yield [`${path}/${name}`, node]
    if (node.kind === 'folder') yield* walk(node, `${path}/${name}`)
  }
}
