import { VarveError } from '@varve/pack/errors'
import { hexToRaw } from '@varve/pack/objects'
import type { CommitLike, Hash } from '../api/index.ts'
import type { StoredCommit } from '../reader/index.ts'
import type { BranchRooms } from './branch-rooms.ts'

/**
 * The commit that a caller means, where it is now.
 * @throws INVALID_HASH, UNKNOWN_COMMIT for a hash that the store does not hold, COLLECTED for a commit that
 * it held
 */
export function findCommit(rooms: BranchRooms, commit: CommitLike): StoredCommit {
  const hash: Hash<'commit'> = typeof commit === 'string' ? commit : commit.hash
  const found = rooms.objects.commit(hexToRaw(hash))
  if (found !== undefined) return found
  if (typeof commit === 'string') throw new VarveError('UNKNOWN_COMMIT', { text: commit })
  throw new VarveError('COLLECTED', { hash })
}
