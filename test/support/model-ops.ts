import fc from 'fast-check'

/** A change of a tree. Whatever stands in the way is replaced. */
export type EditOp =
  | { readonly kind: 'set'; readonly path: string; readonly content: string; readonly isExecutable: boolean }
  | { readonly kind: 'delete'; readonly path: string }
  /** Many names in one directory, so that it becomes more than one node. */
  | {
      readonly kind: 'fill'
      readonly path: string
      readonly from: number
      readonly count: number
      readonly content: string
    }
  | { readonly kind: 'thin'; readonly path: string; readonly every: number }
  /** By hash, content that the store may have dropped. */
  | { readonly kind: 'set-blob'; readonly path: string; readonly content: string }
  /** The tree of an earlier commit. */
  | { readonly kind: 'graft'; readonly path: string; readonly commit: number }

/**
 * One step of a sequence. Numbers name earlier commits, counted back from the latest one and taken modulo how
 * many there are; `null` is the empty tree, or no target.
 */
export type Op =
  | { readonly kind: 'put'; readonly content: string; readonly isStream: boolean }
  | { readonly kind: 'put-tree'; readonly base: number | null; readonly edits: readonly EditOp[] }
  | {
      readonly kind: 'commit'
      readonly branch: string
      readonly edits: readonly EditOp[]
      readonly allowEmpty: boolean
    }
  | {
      readonly kind: 'commit-aside'
      readonly base: number | null
      readonly edits: readonly EditOp[]
      readonly parents: readonly number[]
    }
  /** A tree made now and committed later. */
  | { readonly kind: 'hold-tree'; readonly base: number | null; readonly edits: readonly EditOp[] }
  | { readonly kind: 'commit-held'; readonly held: number }
  | { readonly kind: 'set'; readonly branch: string; readonly commit: number }
  | {
      readonly kind: 'compare-and-set'
      readonly branch: string
      readonly expected: 'head' | 'absent' | number
      readonly next: number | null
    }
  | { readonly kind: 'delete-branch'; readonly branch: string }
  | { readonly kind: 'tag'; readonly name: string; readonly commit: number }
  | { readonly kind: 'delete-tag'; readonly name: string }
  | ({ readonly kind: 'start' | 'run' } & CollectOp)
  | { readonly kind: 'finish' | 'finish-meanwhile' | 'cancel' }
  | { readonly kind: 'split' | 'reopen' | 'verify' }
  | { readonly kind: 'wait'; readonly minutes: number }
  | { readonly kind: 'turns'; readonly count: number }

export interface CollectOp {
  readonly target: number | null
  readonly keep: readonly number[]
  readonly graceMinutes: number
}

export const contents: readonly string[] = [
  ...Array.from({ length: 10 }, (_, n) => `k${n}`),
  'large',
  'larger',
]
export const branches = ['main', 'side', 'topic/one'] as const
export const tags = ['v1', 'v2'] as const

const paths = [
  'a',
  'b',
  'd',
  'd/x',
  'd/y',
  'd/e/z',
  'd/e',
  'long-name/with/many/levels/f',
  '__proto__',
  'big/005',
]

const content = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...contents.slice(0, 10)) },
  { weight: 1, arbitrary: fc.constantFrom('large', 'larger') },
)
const path = fc.constantFrom(...paths)
/** Mostly one of the last few. */
export const commit: fc.Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.nat(3) },
  { weight: 1, arbitrary: fc.nat(40) },
)
const base = fc.option(commit, { freq: 5 })

const edit: fc.Arbitrary<EditOp> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('set'), path, content, isExecutable: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete'), path }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fill'),
      path: fc.constantFrom('big', 'd/big'),
      from: fc.nat(60),
      count: fc.integer({ min: 1, max: 90 }),
      content: fc.constantFrom('k0', 'k1'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('thin'),
      path: fc.constantFrom('big', 'd/big'),
      every: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('set-blob'), path, content }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('graft'), path, commit }) },
)
export const edits: fc.Arbitrary<EditOp[]> = fc.array(edit, { minLength: 1, maxLength: 5 })
const branch = fc.constantFrom(...branches)
const tag = fc.constantFrom(...tags)
const collect = {
  target: fc.option(commit, { freq: 3 }),
  keep: fc.array(commit, { maxLength: 2 }),
  graceMinutes: fc.constantFrom(0, 0, 0, 10, 60),
}

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 11,
    arbitrary: fc.record({ kind: fc.constant('commit'), branch, edits, allowEmpty: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('commit-aside'),
      base,
      edits: fc.array(edit, { maxLength: 4 }),
      parents: fc.array(commit, { maxLength: 2 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('put'), content, isStream: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('put-tree'), base, edits }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('hold-tree'), base, edits }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('commit-held'), held: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('set'), branch, commit }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('compare-and-set'),
      branch,
      expected: fc.oneof(fc.constant('head' as const), fc.constant('absent' as const), commit),
      next: fc.option(commit, { freq: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete-branch'), branch }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tag'), name: tag, commit }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete-tag'), name: tag }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('run'), ...collect }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('start'), ...collect }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('finish') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('finish-meanwhile') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reopen') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('split') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('verify') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), minutes: fc.constantFrom(1, 8, 30) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('turns'), count: fc.integer({ min: 1, max: 4 }) }) },
) as fc.Arbitrary<Op>

/** Steps that seldom come together by chance: something is made aside, named, dropped, and then used. */
const doomed: fc.Arbitrary<Op[]> = fc
  .record({
    edits,
    more: fc.array(edit, { maxLength: 2 }),
    content,
    isHeld: fc.boolean(),
    isReopened: fc.boolean(),
  })
  .map(({ edits, more, content, isHeld, isReopened }): Op[] => [
    { kind: 'put', content, isStream: false },
    { kind: 'commit-aside', base: null, edits, parents: [] },
    { kind: 'hold-tree', base: 0, edits: more },
    ...(isHeld ? [{ kind: 'tag', name: 'v2', commit: 0 } as const] : []),
    { kind: 'run', target: null, keep: [], graceMinutes: 0 },
    ...(isReopened ? [{ kind: 'reopen' } as const] : []),
    { kind: 'commit-held', held: 0 },
    { kind: 'commit', branch: 'side', edits: [{ kind: 'set-blob', path: 'b', content }], allowEmpty: false },
  ])

export const sequences: fc.Arbitrary<Op[]> = fc
  .array(fc.oneof({ weight: 40, arbitrary: op.map((one) => [one]) }, { weight: 1, arbitrary: doomed }), {
    minLength: 6,
    maxLength: 36,
    size: 'max',
  })
  .map((parts) => parts.flat())
