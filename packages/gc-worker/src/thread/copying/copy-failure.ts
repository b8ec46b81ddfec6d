import { VarveError } from '@varve/pack/errors'
import { hasCode } from '@varve/pack/fs'
import { asCollectFailure } from '../failure.ts'

/** The smallest piece that a full disk has no room for. */
const blockBytes = 4096

/**
 * What the caller of a copy is told: a full disk as NO_SPACE, errors of the store as they are, everything
 * else as COPY_FAILED with a reason.
 */
export function asCopyFailure(error: unknown, path: string): VarveError {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (VarveError.is(cause, 'LOWER_UNAVAILABLE')) return cause
    if (!hasCode(cause, 'ENOSPC') && !hasCode(cause, 'EDQUOT')) continue
    return new VarveError('NO_SPACE', { needed: blockBytes, free: 0 }, { cause: error })
  }
  // What threads and segments say, they say of a collection.
  const failure = asCollectFailure(error)
  if (!VarveError.is(failure, 'GC_FAILED')) return failure
  const { reason } = failure.details
  const why = failure.cause instanceof Error ? `: ${failure.cause.message}` : ''
  const message = `The copy to ${path} failed (${reason})${why}`
  return new VarveError('COPY_FAILED', { path, reason }, { message, cause: failure.cause ?? failure })
}
