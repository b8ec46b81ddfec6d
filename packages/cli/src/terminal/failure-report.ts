/** How a failure is told: one line, one code, one exit code. */
import { type ErrorCode, VarveError } from '@varve/pack/errors'
import type { Host } from '../host/index.ts'
import { CommandFailure, type FailureCode } from './command-failure.ts'
import type { GlobalOptions } from './global-options.ts'
import { paletteFor } from './palette.ts'

const EXIT_NO_SPACE = 15

/** Exit codes; what is not named here is 1. */
const exitCodes: Readonly<Partial<Record<ErrorCode | FailureCode, number>>> = {
  USAGE: 2,
  CONFIRMATION_NEEDED: 2,
  INVALID_PATH: 2,
  INVALID_HASH: 2,
  OPTION_MISMATCH: 2,
  STORE_IN_THE_WAY: 2,
  INVALID_LINK: 2,
  PATH_NOT_FOUND: 4,
  OBJECT_NOT_FOUND: 4,
  UNKNOWN_COMMIT: 4,
  REF_NOT_FOUND: 4,
  AMBIGUOUS: 4,
  COLLECTED: 4,
  IS_A_TREE: 4,
  NOT_A_TREE: 4,
  EXISTS: 5,
  CONFLICT: 5,
  NO_STORE: 10,
  STORE_LOCKED: 11,
  LOCK_LOST: 11,
  CORRUPT: 13,
  LOWER_UNAVAILABLE: 14,
  NO_SPACE: EXIT_NO_SPACE,
  NEWER_FORMAT: 16,
  ABORTED: 130,
}

/** In place of the library's advice, which speaks to programs; empty where the message says it all. */
const hints: Readonly<Partial<Record<ErrorCode, string>>> = {
  NO_STORE: 'varve init makes a new store; -s or $VARVE_STORE name another folder.',
  IS_A_TREE: 'It is a directory: varve ls lists it.',
  NOT_A_TREE: 'It is a file: varve cat prints it.',
  REF_NOT_FOUND: 'varve branch ls and varve tag ls list the names.',
  UNKNOWN_COMMIT: 'varve log lists commits; one that a collection removed is unknown as well.',
  STORE_LOCKED: 'Wait for it with --wait 30s, or end the other process.',
  LOWER_UNAVAILABLE:
    'Bring the folder back, or name its new place with varve volume add --lower DIR; nothing was changed.',
  READ_ONLY_FOLDER: 'Give the process the right to write there; commands that only read do without.',
  INVALID_HASH: 'A hash has 64 hexadecimal digits; varve ls -l shows them.',
  OPTION_MISMATCH: '',
  ABORTED: '',
}

/** Where a command has a better one. */
const hintsOfCommands: Readonly<Record<string, Readonly<Partial<Record<ErrorCode, string>>>>> = {
  set: {
    IS_A_TREE: 'varve ls lists it; --replace puts a file in its place.',
    NOT_A_TREE: '--replace puts a directory in the place of the file.',
  },
  'bundle verify': { CORRUPT: 'Fetch the bundle anew from where it was made.' },
  'bundle import': {
    CONFLICT: 'The branch or tag went another way here: move or rename it, then import again.',
    CORRUPT: 'Fetch the bundle anew from where it was made; no branch and no tag was touched.',
    UNKNOWN_COMMIT: 'The bundle builds on a commit that the store lacks: import the one before it first.',
  },
  init: { LOWER_UNAVAILABLE: 'Name another folder with --lower; no store was made.' },
  checkout: { NOT_A_TREE: 'Only directories are checked out; varve cat writes a single file to stdout.' },
}

/** What fails when someone has removed the folder that the command runs in. */
const CWD_CALL = 'uv_cwd'

/** So deep, and so wide, is looked for what the system said. */
const CAUSES_MAX = 100

/** What the report has to know of the command line. */
export type ReportOptions = Pick<GlobalOptions, 'json' | 'quiet' | 'verbose' | 'color'> & {
  /** The command's name, if there was one. */
  readonly command?: string | undefined
}

interface Failure {
  readonly code: ErrorCode | FailureCode
  readonly message: string
  readonly details: unknown
  readonly hint: string | undefined
}

/** Prints the failure on stderr and gives the exit code. */
export async function reportFailure(cause: unknown, host: Host, options: ReportOptions): Promise<number> {
  const isFull = hasFullDisk(cause)
  const { code, message: said, details, hint } = failureOf(cause, options.command)
  const exit = isFull ? EXIT_NO_SPACE : (exitCodes[code] ?? 1)
  const message = isFull && !said.includes('ENOSPC') ? `${said}: the disk is full (ENOSPC)` : said
  if (options.json) {
    const json = { type: 'error', code, message, details, exit, ...(hint !== undefined && { hint }) }
    await host.stderr.write(`${JSON.stringify(json)}\n`)
    return exit
  }
  const palette = paletteFor(options.color, host, host.stderr)
  await host.stderr.write(`${palette.red('varve:')} ${message}  ${palette.dim(`[${code}]`)}\n`)
  if (hint !== undefined && !options.quiet) await host.stderr.write(`  ${palette.dim(hint)}\n`)
  if ((options.verbose || code === 'INTERNAL') && cause instanceof Error) {
    await host.stderr.write(`${palette.dim(stackOf(cause))}\n`)
  }
  return exit
}

function failureOf(cause: unknown, command: string | undefined): Failure {
  if (VarveError.is(cause)) {
    const { code, details, message } = cause
    return {
      code,
      message: lowerFirst(message),
      details: plainDetails(details),
      hint: hintOf(cause, command),
    }
  }
  if (cause instanceof CommandFailure) {
    const { code, details, message, hint } = cause
    return { code, message, details, hint }
  }
  if (cause instanceof Error && cause.name === 'GitFailed') {
    return { code: 'GIT_FAILED', message: cause.message.split('\n').join('; '), details: {}, hint: undefined }
  }
  if (cause instanceof Error && cause.name === 'AbortError') {
    return { code: 'ABORTED', message: 'interrupted', details: {}, hint: undefined }
  }
  if (isSystemError(cause)) {
    const { code, path, syscall } = cause
    const message = syscall === CWD_CALL ? `the working folder is gone (${cause.message})` : cause.message
    return { code: 'FILE_FAILED', message, details: { code, path }, hint: undefined }
  }
  const message = cause instanceof Error ? cause.message : String(cause)
  return { code: 'INTERNAL', message, details: {}, hint: 'This is a mistake in varve itself.' }
}

function hintOf(error: VarveError, command = ''): string | undefined {
  if (VarveError.is(error, 'INVALID_PATH')) {
    return error.message.includes(error.details.hint) ? undefined : error.details.hint
  }
  const hint = hintsOfCommands[command]?.[error.code] ?? hints[error.code] ?? error.hint
  return hint === '' ? undefined : hint
}

/** Paths as text, however the caller gave them. */
function plainDetails(details: object): object {
  if (!('path' in details) || !Array.isArray(details.path)) return details
  const names = details.path.map((name) =>
    typeof name === 'string' ? name : Buffer.from(name).toString('utf8'),
  )
  return { ...details, path: names.join('/') }
}

/** Whether the system said so, of whatever was being written. */
function hasFullDisk(cause: unknown): boolean {
  const causes: unknown[] = [cause]
  for (let at = 0; at < causes.length && at < CAUSES_MAX; at++) {
    const error = causes[at]
    if (!(error instanceof Error)) continue
    if ('code' in error && error.code === 'ENOSPC') return true
    causes.push(error.cause, ...(error instanceof AggregateError ? error.errors : []))
  }
  return false
}

function isSystemError(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && 'syscall' in cause && 'code' in cause
}

function lowerFirst(message: string): string {
  return /^[A-Z][a-z ]/.test(message) ? message[0]!.toLowerCase() + message.slice(1) : message
}

/** With the causes below it. */
function stackOf(error: Error): string {
  const below = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : ''
  return `${error.stack ?? error.message}${below}`
}
