/** What people write for a place in a store: `REV`, `REV:PATH`, `BRANCH:PATH`, a hash. */
import { VarveError } from '@varve/pack/errors'
import type { Commit, Hash, Path, StoreReader, Tree } from '@varve/store'
import { CommandFailure } from '../../terminal/index.ts'
import { nearName } from './near-name.ts'

export interface RevisionPath {
  readonly revision: string
  /** One name per element, as exact bytes; none is the tree itself. */
  readonly path: readonly Uint8Array[]
  /** As it was written. */
  readonly pathText: string
  readonly hasPath: boolean
}

/** Splits at the first ':', after the one of `git:<id>`. */
export function parseRevisionPath(text: string): RevisionPath {
  const start = text.startsWith('git:') ? 4 : 0
  const colon = text.indexOf(':', start)
  const revision = colon < 0 ? text : text.slice(0, colon)
  if (revision === '') throw new CommandFailure('USAGE', `no revision in ${JSON.stringify(text)}`)
  const pathText = colon < 0 ? '' : text.slice(colon + 1)
  return { revision, pathText, path: parsePath(pathText), hasPath: colon >= 0 }
}

/**
 * Names between slashes; one slash at the end is forgiven. In double quotes with the escapes of `ls` for odd
 * names.
 */
export function parsePath(text: string): Uint8Array[] {
  const isQuoted = text.length >= 2 && text.startsWith('"') && text.endsWith('"')
  const bytes = isQuoted ? unquoted(text.slice(1, -1)) : Buffer.from(text)
  if (bytes.length === 0) return []
  const names: Uint8Array[] = []
  for (let at = 0; at <= bytes.length; ) {
    const slash = bytes.indexOf(47, at)
    const end = slash < 0 ? bytes.length : slash
    if (end > at || end < bytes.length || names.length === 0) names.push(bytes.subarray(at, end))
    at = end + 1
  }
  return names
}

/** The commit that a text means. @throws UNKNOWN_COMMIT with what was perhaps meant; AMBIGUOUS */
export async function findCommit(store: StoreReader, text: string): Promise<Commit> {
  const commit = await store.resolve(text)
  if (commit !== undefined) return commit
  throw await unknownRevision(store, text)
}

/**
 * The tree at a revision and path, or of a tree's own hash. @throws UNKNOWN_COMMIT, PATH_NOT_FOUND,
 * NOT_A_TREE
 */
export async function findTree(store: StoreReader, at: RevisionPath): Promise<Tree> {
  const root = await findRoot(store, at.revision)
  if (at.path.length === 0) return root
  const tree = await root.getTree(at.path as Path)
  if (tree !== undefined) return tree
  throw pathNotFound(at)
}

/** The root tree of a commit, or a tree by its whole hash. */
export async function findRoot(store: StoreReader, revision: string): Promise<Tree> {
  const commit = await store.resolve(revision)
  if (commit !== undefined) return commit.tree()
  if (/^[0-9a-f]{64}$/.test(revision)) {
    const tree = await store.getTree(revision as Hash<'tree'>)
    if (tree !== undefined) return tree
  }
  throw await unknownRevision(store, revision)
}

export function pathNotFound(at: RevisionPath): CommandFailure {
  return new CommandFailure('PATH_NOT_FOUND', `nothing at ${at.revision}:${at.pathText}`, {
    details: { revision: at.revision, path: at.pathText },
  })
}

/** The name of a branch, as a failure would have it. @throws REF_NOT_FOUND with what was perhaps meant */
export async function refNotFound(
  store: StoreReader,
  kind: 'branch' | 'tag',
  name: string,
): Promise<VarveError<'REF_NOT_FOUND'>> {
  const near = nearName(name, await refNames(store, [kind]))
  const hint = near === undefined ? '' : ` (did you mean ${JSON.stringify(near)}?)`
  const details = { ref: name, ...(near !== undefined && { near }) }
  const message = `no ${kind} ${JSON.stringify(name)} in ${store.path}${hint}`
  return new VarveError('REF_NOT_FOUND', details, { message })
}

async function unknownRevision(store: StoreReader, text: string): Promise<VarveError> {
  const name = text.replace(/[~^].*$/, '')
  const names = await refNames(store, ['branch', 'tag'])
  // A name that is there was meant: it is the steps that lead nowhere.
  const near = names.includes(name) ? undefined : nearName(name, names)
  const hint = near === undefined ? '' : ` (did you mean ${JSON.stringify(near)}?)`
  const message = `no revision ${JSON.stringify(text)} in ${store.path}${hint}`
  return new VarveError('UNKNOWN_COMMIT', { text }, { message })
}

/** For hints: those that are known. */
async function refNames(store: StoreReader, kinds: readonly ('branch' | 'tag')[]): Promise<string[]> {
  const names: string[] = []
  try {
    if (kinds.includes('branch')) for await (const { name } of store.branches()) names.push(name)
    if (kinds.includes('tag')) for await (const { name } of store.tags()) names.push(name)
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
  }
  return names
}

const letters: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 }

function unquoted(text: string): Buffer {
  const parts: Buffer[] = []
  for (const [piece] of text.matchAll(/\\(?:[0-7]{3}|.)|[^\\]+|\\$/gs)) {
    if (!piece.startsWith('\\')) parts.push(Buffer.from(piece))
    else if (/^\\[0-7]{3}$/.test(piece)) parts.push(Buffer.from([Number.parseInt(piece.slice(1), 8) & 0xff]))
    else parts.push(Buffer.from([letters[piece.slice(1)] ?? piece.charCodeAt(1)]))
  }
  return Buffer.concat(parts)
}
