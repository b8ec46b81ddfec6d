import type { CheckFinding, Hash } from '../api/index.ts'

/** One thing that a repair does, or would do. */
export interface RepairStep {
  /**
   * `rewrite`: a file of two copies, from the whole one. `rebuild`: a file, from those that it was made from,
   * or, a damaged chunk, from what is left of it. `restore`: a file, or what is damaged in a chunk, from a
   * copy of this store or from its other layer. `put`: an object that is nowhere
   * whole, or in a volume only, again, from there or from another store. `move-ref`: a branch or tag to the
   * last commit that is whole.
   */
  readonly action: 'rewrite' | 'rebuild' | 'restore' | 'put' | 'move-ref'
  readonly file?: string
  readonly hash?: Hash
  /** `heads/main`, `tags/v1`. */
  readonly ref?: string
  /** Of a ref: where it is, and where it goes. */
  readonly before?: Hash<'commit'>
  readonly after?: Hash<'commit'>
  /** Path of the store that it comes from. */
  readonly from?: string
}

export interface RepairReport {
  /** Whether the steps were taken; else they are a plan. */
  readonly applied: boolean
  readonly steps: readonly RepairStep[]
  /**
   * What no step is about: of a plan, as far as that can be told before. A damaged record of which the store
   * has another whole copy is not among them: reads take that, and the next collection puts it in place. A
   * break in the chain of records is, as long as it is not known what else was there.
   */
  readonly remaining: readonly CheckFinding[]
  /** Names under which damaged files were set aside. */
  readonly setAside: readonly string[]
}
