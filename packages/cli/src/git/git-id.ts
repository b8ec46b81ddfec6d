/** The names of Git's objects: SHA-1, or SHA-256 in repositories that were made so. */
import { hash } from 'node:crypto'
import { assert } from '@varve/pack/base'

/** Bytes of an id. */
export type IdSize = 20 | 32

export type GitObjectType = 'blob' | 'tree' | 'commit' | 'tag'

export function algorithmOf(size: IdSize): 'sha1' | 'sha256' {
  return size === 20 ? 'sha1' : 'sha256'
}

export function isGitId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

/** The id that Git gives to an object with this content, as hex. */
export function gitId(type: GitObjectType, content: Uint8Array, size: IdSize): string {
  const header = Buffer.from(`${type} ${content.length}\0`, 'latin1')
  return hash(algorithmOf(size), Buffer.concat([header, content]), 'hex')
}

/** The size of the ids of a repository whose ids read like this one. */
export function idSizeOf(id: string): IdSize {
  assert(isGitId(id), 'a git id has 40 or 64 hex digits')
  return id.length === 40 ? 20 : 32
}
