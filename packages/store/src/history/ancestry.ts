/**
 * Walks over the commit graph. Parents are weak references: one that the store no longer holds ends its line
 * there (the horizon). Nothing here recurses, the work lists are bounded by the history that is walked, and
 * whoever drives a walk decides how long it blocks: it yields between slices.
 */
import type { StoredCommit } from '../reader/index.ts'

/** What a walk needs: a commit by its hash, or `undefined` beyond the horizon. */
export type CommitLookup = (hash: string) => StoredCommit | undefined

/** Work that yields between slices of a few milliseconds. */
export type WalkSteps<T> = Generator<undefined, T, undefined>

/** Commits looked up between two yields. */
const COMMITS_PER_SLICE = 512

/** Every commit that can be reached from `starts`, as virtual offsets; stops at the horizon. */
export function* ancestorOffsets(
  lookup: CommitLookup,
  starts: readonly StoredCommit[],
): WalkSteps<Set<number>> {
  const seen = new Set<number>()
  yield* walk(lookup, starts, ({ offset }) => {
    if (seen.has(offset)) return 'pass'
    seen.add(offset)
    return 'enter'
  })
  return seen
}

/** Whether `older` is `newer` or one of its ancestors. */
export function* isAncestor(
  lookup: CommitLookup,
  older: StoredCommit,
  newer: StoredCommit,
): WalkSteps<boolean> {
  const seen = new Set<number>()
  return yield* walk(lookup, [newer], ({ hash, offset }) => {
    if (hash === older.hash) return 'stop'
    if (seen.has(offset)) return 'pass'
    seen.add(offset)
    return 'enter'
  })
}

/**
 * The best common ancestors, newest first: those that are no ancestor of another. On every way from `b` down
 * to a common ancestor, the first commit that `a` reaches too is that ancestor or has it below; so only these
 * have to be compared with each other.
 */
export function* mergeBases(
  lookup: CommitLookup,
  a: StoredCommit,
  b: StoredCommit,
): WalkSteps<StoredCommit[]> {
  const ofA = yield* ancestorOffsets(lookup, [a])
  const found = new Map<number, StoredCommit>()
  const seen = new Set<number>()
  yield* walk(lookup, [b], (commit) => {
    if (seen.has(commit.offset)) return 'pass'
    seen.add(commit.offset)
    if (!ofA.has(commit.offset)) return 'enter'
    found.set(commit.offset, commit)
    return 'pass'
  })
  if (found.size > 1) yield* dropAncestors(lookup, found)
  return [...found.values()].sort((x, y) => y.offset - x.offset)
}

/** Takes away every commit that another of them has below itself. */
function* dropAncestors(lookup: CommitLookup, commits: Map<number, StoredCommit>): WalkSteps<void> {
  const parents: StoredCommit[] = []
  for (const commit of commits.values()) parents.push(...heldParents(lookup, commit))
  const below = yield* ancestorOffsets(lookup, parents)
  for (const offset of [...commits.keys()]) if (below.has(offset)) commits.delete(offset)
}

/** Goes down from the starts. True: it was stopped. */
function* walk(
  lookup: CommitLookup,
  starts: readonly StoredCommit[],
  take: (commit: StoredCommit) => 'enter' | 'pass' | 'stop',
): WalkSteps<boolean> {
  const work = [...starts]
  let count = 0
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    const verdict = take(next)
    if (verdict === 'stop') return true
    if (verdict === 'pass') continue
    work.push(...heldParents(lookup, next))
    if (++count % COMMITS_PER_SLICE === 0) yield
  }
  return false
}

function heldParents(lookup: CommitLookup, commit: StoredCommit): StoredCommit[] {
  const held: StoredCommit[] = []
  for (const hash of commit.parents) {
    const found = lookup(hash)
    if (found !== undefined) held.push(found)
  }
  return held
}
