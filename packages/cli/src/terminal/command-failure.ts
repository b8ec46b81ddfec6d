/** Codes of failures that only the command knows, beside those of the library. */
export type FailureCode =
  | 'USAGE'
  | 'PATH_NOT_FOUND'
  | 'OBJECT_NOT_FOUND'
  | 'EXISTS'
  | 'NOT_EMPTY'
  | 'STORE_IN_THE_WAY'
  | 'INVALID_LINK'
  | 'CONFIRMATION_NEEDED'
  | 'GIT_FAILED'
  | 'FILE_FAILED'
  | 'INTERNAL'

/** A command cannot do what it was asked; the message says so in one line. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly code: FailureCode
  readonly details: Readonly<Record<string, unknown>>
  readonly hint: string | undefined

  constructor(
    code: FailureCode,
    message: string,
    o: {
      readonly details?: Readonly<Record<string, unknown>>
      readonly hint?: string
      readonly cause?: unknown
    } = {},
  ) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause })
    this.code = code
    this.details = o.details ?? {}
    this.hint = o.hint
  }
}
