import { isErrorCode } from './codes.ts'
import type { ErrorCode, ErrorDetails } from './error-details.ts'
import { VarveError } from './varve-error.ts'

/** A `VarveError` as data that a structured clone keeps whole: what a worker thread sends home. */
export interface PlainError {
  readonly code: ErrorCode
  readonly details: ErrorDetails[ErrorCode]
  readonly message: string
  readonly hint: string
}

/** The error as data, or `undefined` when it is not one of ours. Its cause stays behind. */
export function toPlainError(error: unknown): PlainError | undefined {
  if (!VarveError.is(error)) return undefined
  return { code: error.code, details: error.details, message: error.message, hint: error.hint }
}

/** The error that `toPlainError` described, with a stack of this thread. */
export function fromPlainError(plain: PlainError): VarveError {
  const known = isErrorCode(plain.code)
  if (!known) return new VarveError('GC_FAILED', { reason: 'worker' }, { message: String(plain.message) })
  return new VarveError(plain.code, plain.details, { message: plain.message, hint: plain.hint })
}
