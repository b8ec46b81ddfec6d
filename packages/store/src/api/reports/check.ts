import { optionRule, type RulesFor } from '@varve/pack/errors'
import { progressRules, type WithProgress } from '../call-options.ts'
import type { Hash } from '../hash.ts'

export interface CheckOptions extends WithProgress {
  /** Computes the hash of every object again. */
  readonly full?: boolean | undefined
  /**
   * The same of that part of the objects, above 0 and at most 1, always the same ones: 0.02 is a fiftieth.
   */
  readonly sample?: number | undefined
}

export const checkRules: RulesFor<CheckOptions> = {
  ...progressRules,
  full: optionRule.flag,
  sample: {
    says: 'a number above 0, at most 1',
    fits: (value) => typeof value === 'number' && value > 0 && value <= 1,
  },
}

/** Something that is not as it was written, or not where it should be. */
export interface CheckFinding {
  /** `warning`: nothing depends on it, or it makes itself anew. */
  readonly severity: 'error' | 'warning'
  /** In the store's folder. */
  readonly file: string
  /** In the file, in bytes; 0 where the file as a whole is meant. */
  readonly offset: number
  /** Of the object that is damaged or missing, where it is known. */
  readonly hash?: Hash
  /** For people. */
  readonly what: string
  /** Whether what the store holds suffices to make it whole. */
  readonly repairable: boolean
  /**
   * What is lost with it, newest commits first, at most 20. `path` '' is the commit itself, or its whole
   * tree; one that ends in '/' is a part of that directory whose names nobody knows.
   */
  readonly lost?: readonly { readonly commit: Hash<'commit'>; readonly path: string }[]
}

export interface CheckReport {
  /** Nothing was found. */
  readonly ok: boolean
  /** At most 1,000. */
  readonly findings: readonly CheckFinding[]
  /** Findings that are not listed. */
  readonly omitted: number
  /** Whole objects that were seen; one that was written twice counts twice. */
  readonly objects: number
  /** Of the pack files. */
  readonly bytes: number
  /** Objects whose hash was computed again. */
  readonly hashed: number
}
