import type { ColorChoice } from './palette.ts'

/** What every command understands. */
export interface GlobalOptions {
  /** The store's folder as it was given; `undefined`: `$VARVE_STORE`, then `./.varve`. */
  readonly store?: string | undefined
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  /** `undefined`: on a terminal, and not with JSON. */
  readonly progress?: boolean | undefined
  readonly color: ColorChoice
  /** Whether a pager may be used, where there is someone to read. */
  readonly pager: boolean
  /** How long to wait for another writer: '30s'. */
  readonly wait?: string | undefined
}
