import { toPlainError, VarveError } from '@varve/pack/errors'
import type { Outcome } from './protocol.ts'

type Reason = 'memory' | 'worker' | 'disk' | 'lower' | 'other'

/** Codes that a failing file system gives. Everything else is a bug or a dying thread. */
const diskCodes: ReadonlySet<string> = new Set([
  'EACCES',
  'EAGAIN',
  'EBADF',
  'EBUSY',
  'EDQUOT',
  'EEXIST',
  'EFBIG',
  'EINVAL',
  'EIO',
  'EISDIR',
  'ELOOP',
  'EMFILE',
  'ENAMETOOLONG',
  'ENFILE',
  'ENODEV',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'ENXIO',
  'EPERM',
  'EROFS',
  'ESTALE',
  'ETIMEDOUT',
])

const memoryCodes: ReadonlySet<string> = new Set([
  'ENOMEM',
  'ERR_WORKER_OUT_OF_MEMORY',
  'ERR_MEMORY_ALLOCATION_FAILED',
])

/**
 * What a collection's caller is told: errors of the store as they are, everything else as GC_FAILED with a
 * reason.
 */
export function asCollectFailure(error: unknown): VarveError {
  if (VarveError.is(error, 'LOWER_UNAVAILABLE')) return failed('lower', error)
  if (VarveError.is(error)) return error
  const reason = reasonOf(error)
  return failed(reason, error)
}

/** The thread ended, or never started: whatever Piscina or Node says about it. */
export function asThreadFailure(error: unknown): VarveError {
  if (VarveError.is(error)) return error
  const reason = reasonOf(error) === 'memory' ? 'memory' : 'worker'
  return failed(reason, error)
}

/** Runs one step of a task: what it gives or throws, as data. Never rejects. */
export async function outcomeOf<T>(step: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await step() }
  } catch (error) {
    const plain = toPlainError(asCollectFailure(error))
    if (plain === undefined) return { ok: false, ...unknownFailure }
    return { ok: false, ...plain }
  }
}

const unknownFailure = {
  code: 'GC_FAILED',
  details: { reason: 'other' },
  message: 'The collection failed for a reason that cannot be told',
  hint: '',
} as const

function failed(reason: Reason, cause: unknown): VarveError<'GC_FAILED'> {
  const text = cause instanceof Error ? cause.message : String(cause)
  return new VarveError(
    'GC_FAILED',
    { reason },
    { message: `The collection failed (${reason}): ${text}`, cause },
  )
}

/** What V8 and Node say when there is no room for an array or a buffer. */
const allocationText = /allocation|invalid array length|array buffer/i

function reasonOf(error: unknown): Reason {
  if (error instanceof RangeError && allocationText.test(error.message)) return 'memory'
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  if (memoryCodes.has(code)) return 'memory'
  return diskCodes.has(code) ? 'disk' : 'other'
}
