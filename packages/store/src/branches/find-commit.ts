import { VarveError } from '@varve/pack/errors'
import { hexToRaw, type RawHash } from '@varve/pack/objects'
import type { CommitLike, Hash } from '../api/index.ts'
import type { StoredCommit } from '../reader/index.ts'
import type { RefRooms } from './branch-rooms.ts'

/**
 * The commit that a caller means, where it is now.
 * @throws INVALID_HASH, UNKNOWN_COMMIT for a hash that the store does not hold, COLLECTED for a commit that
 * it held
 */
export function findCommit(rooms: RefRooms, commit: CommitLike): StoredCommit {
  const hash = commitHash(commit)
  const found = rooms.objects.commit(hash)
  if (found !== undefined) return found
  if (typeof commit === 'string') throw new VarveError('UNKNOWN_COMMIT', { text: commit })
  throw new VarveError('COLLECTED', { hash: commit.hash })
}

/** The hash that a caller means, whether or not there is such a commit. @throws INVALID_HASH */
export function commitHash(commit: CommitLike): RawHash {
  // A commit that is none is refused as the hash that it is not.
  return hexToRaw(typeof commit === 'object' && isText(commit?.hash) ? commit.hash : (commit as Hash))
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
