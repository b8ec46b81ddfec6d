import { codes } from './codes.ts'
import type { ErrorCode, ErrorDetails } from './error-details.ts'

/** What an error may carry beside its code and details. */
export interface VarveErrorOptions {
  /** Replaces the message made from the details. */
  readonly message?: string | undefined
  /** Replaces the advice of the code, where the place of failure knows better. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/** Found on errors of every copy of this module, so that `is` works across two copies in one process. */
const mark: unique symbol = Symbol.for('varve.error') as never

/**
 * The one way in which the world's failures reach a caller. Test it with `VarveError.is(e, 'CODE')`, never
 * with `instanceof`: two copies of the library may live in one process.
 */
export class VarveError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C
  readonly details: ErrorDetails[C]
  /** What to do about it, in one or two sentences. */
  readonly hint: string

  constructor(code: C, details: ErrorDetails[C], options: VarveErrorOptions = {}) {
    const cause = 'cause' in options ? { cause: options.cause } : undefined
    super(options.message ?? codes[code].describe(details), cause)
    this.code = code
    this.details = details
    this.hint = options.hint ?? codes[code].advice
    // A caller who knows only the platform's convention finds a cancelled call by this name.
    hidden(this, 'name', code === 'ABORTED' ? 'AbortError' : 'VarveError')
    hidden(this, mark, true)
  }

  /** Whether `e` is an error of this library and, if a code is given, has that code. */
  static is<C extends ErrorCode>(e: unknown, code?: C): e is VarveError<C> {
    if (typeof e !== 'object' || e === null || !(mark in e)) return false
    return code === undefined || ('code' in e && e.code === code)
  }
}

function hidden(target: object, key: string | symbol, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: false, configurable: true, writable: true })
}
