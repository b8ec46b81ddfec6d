import { VarveError } from '@varve/pack/errors'

/** What an archive's caller is told of a lower layer that refuses. */
export function lowerFailure(error: unknown): unknown {
  const isOfSystem = error instanceof Error && 'syscall' in error
  if (!isOfSystem) return error
  const message = `The collection failed (lower): ${error.message}`
  return new VarveError('GC_FAILED', { reason: 'lower' }, { message, cause: error })
}
