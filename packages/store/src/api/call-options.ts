import { optionRule, type RulesFor } from '@varve/pack/errors'

export type { Duration } from '@varve/pack/base'

/**
 * An aborted call rejects with a `VarveError` of code `ABORTED` (its `name` is `AbortError`, its `cause` the
 * signal's reason). A writing call no longer aborts once its batch's trailer is written.
 */
export interface Abortable {
  readonly signal?: AbortSignal | undefined
}

export const abortableRules: RulesFor<Abortable> = { signal: optionRule.signal }

/** How far a long piece of work has come. Counts are of the phase's own unit; `etaMs` is an estimate. */
export interface Progress {
  readonly phase: string
  readonly done: number
  readonly total: number | undefined
  readonly bytesDone: number
  readonly etaMs: number | undefined
}

export interface WithProgress extends Abortable {
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export const progressRules: RulesFor<WithProgress> = { ...abortableRules, onProgress: optionRule.listener }
