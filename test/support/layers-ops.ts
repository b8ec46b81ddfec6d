import fc from 'fast-check'
import { branches, commit, type EditOp, edits } from './model-ops.ts'

/**
 * One step of a life with two layers. Numbers name earlier commits, wherever they lie by now, counted back
 * from the latest one and taken modulo how many there are.
 */
export type LayersOp =
  | WriteOp
  /** Work during it is done between its start and its switch. */
  | { readonly kind: 'collect'; readonly target: number | null; readonly during: readonly WriteOp[] }
  | { readonly kind: 'cancel'; readonly target: number | null }
  | { readonly kind: 'add-volume' | 'split' | 'reopen' | 'away' }
  /** A record that is above, and below too. */
  | { readonly kind: 'damage'; readonly commit: number; readonly what: number }

export type WriteOp =
  | {
      readonly kind: 'commit'
      readonly branch: string
      readonly edits: readonly EditOp[]
      readonly how: Handle
    }
  /** A tree that stands on that of another commit, by itself, or as a commit off any branch. */
  | {
      readonly kind: 'commit-from' | 'put-tree'
      readonly base: number
      readonly edits: readonly EditOp[]
      readonly how: Handle
      readonly branch: string | null
    }
  | { readonly kind: 'set'; readonly branch: string; readonly commit: number }
  | { readonly kind: 'tag'; readonly commit: number }
  | { readonly kind: 'delete-branch'; readonly branch: string }
  | { readonly kind: 'import'; readonly base: number; readonly content: string; readonly branch: string }

/** How trees are put in, and whether the new tree gets its hash before it is written. */
export interface Handle {
  readonly byHandle: boolean
  readonly isHashed: boolean
}

const branch = fc.constantFrom(...branches)
const how = fc.record({ byHandle: fc.boolean(), isHashed: fc.boolean() })
const content = fc.constantFrom('k1', 'k5', 'k9')
const target = fc.option(commit, { freq: 3 })

const write: fc.Arbitrary<WriteOp> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('commit'), branch, edits, how }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('commit-from', 'commit-from', 'put-tree'),
      ...{ base: commit, edits, how, branch: fc.option(branch) },
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set'), branch, commit }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tag'), commit }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete-branch'), branch }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('import'), base: commit, content, branch }) },
) as fc.Arbitrary<WriteOp>

const op: fc.Arbitrary<LayersOp> = fc.oneof(
  { weight: 20, arbitrary: write },
  {
    weight: 9,
    arbitrary: fc.record({ kind: fc.constant('collect'), target, during: fc.array(write, { maxLength: 2 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel'), target }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add-volume') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('split') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reopen') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('away') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('damage'), commit, what: fc.nat(1000) }) },
) as fc.Arbitrary<LayersOp>

export const layersSequences: fc.Arbitrary<LayersOp[]> = fc.array(op, {
  minLength: 6,
  maxLength: 26,
  size: 'max',
})
