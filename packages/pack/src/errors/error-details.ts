/** A path as the caller gave it: text, or one name per element. */
export type GivenPath = string | readonly (string | Uint8Array)[]

/**
 * The closed list of what can go wrong in the world, and what each failure tells as data. Hashes are
 * lower-case hex, offsets and sizes are bytes. A code is never renamed and never changes its meaning;
 * `codes.ts` explains each.
 */
export interface ErrorDetails {
  COLLECTED: { readonly hash?: string }
  LOCK_LOST: object
  WRITER_FAILED: { readonly file: string }
  GC_FAILED: { readonly reason: 'memory' | 'worker' | 'disk' | 'lower' | 'other' }
  COPY_FAILED: {
    readonly path: string
    readonly reason: 'memory' | 'worker' | 'disk' | 'lower' | 'other'
  }
  STORE_CLOSED: object
  NO_STORE: { readonly path: string }
  NEWER_FORMAT: { readonly found: number; readonly supported: number }
  NO_SPACE: { readonly needed: number; readonly free: number }
  UNKNOWN_COMMIT: { readonly text: string }
  REF_NOT_FOUND: { readonly ref: string; readonly near?: string }
  CONFLICT: { readonly ref: string }
  INVALID_HASH: { readonly text: string }
  OPTION_MISMATCH: { readonly option: string }
  READ_ONLY_FOLDER: { readonly path: string }
  GIT_OBJECT_MISSING: { readonly commit: string; readonly path: string; readonly id: string }
  CHECKOUT_COLLISION: { readonly paths: readonly string[] }
  STORE_LOCKED: { readonly pid: number; readonly since: Date; readonly program?: string | undefined }
  AMBIGUOUS: { readonly candidates: string[] }
  INVALID_PATH: { readonly path: GivenPath; readonly hint: string }
  IS_A_TREE: { readonly path: GivenPath }
  NOT_A_TREE: { readonly path: GivenPath }
  LOWER_UNAVAILABLE: { readonly path: string }
  CORRUPT: { readonly file: string; readonly offset: number; readonly hash?: string }
  GC_RUNNING: object
  TARGET_TOO_OLD: { readonly latest: string }
  ABORTED: object
  DIGEST_MISMATCH: {
    readonly expected: string | undefined
    readonly actual: string | undefined
    readonly size?: number
  }
}

export type ErrorCode = keyof ErrorDetails
