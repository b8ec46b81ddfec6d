/**
 * Walks over the commit graph. Parents are weak references: one that the store no longer holds ends its line
 * there (the horizon). Nothing here recurses, and the work lists are bounded by the history that is walked.
 */
import type { StoredCommit } from '../reader/index.ts'

/** What a walk needs: a commit by its hash, or `undefined` beyond the horizon. */
export type CommitLookup = (hash: string) => StoredCommit | undefined

const SEEN_FROM_A = 1
const SEEN_FROM_B = 2
const SEEN_FROM_BOTH = 3
const BELOW_A_BASE = 4

/** Every commit that can be reached from `starts`, as virtual offsets; stops at the horizon. */
export function ancestorOffsets(lookup: CommitLookup, starts: readonly StoredCommit[]): Set<number> {
  const seen = new Set<number>()
  const work = [...starts]
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    if (seen.has(next.offset)) continue
    seen.add(next.offset)
    for (const parent of next.parents) {
      const found = lookup(parent)
      if (found !== undefined && !seen.has(found.offset)) work.push(found)
    }
  }
  return seen
}

/** Whether `older` is `newer` or one of its ancestors. */
export function isAncestor(lookup: CommitLookup, older: StoredCommit, newer: StoredCommit): boolean {
  const seen = new Set<number>()
  const work = [newer]
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    if (next.hash === older.hash) return true
    if (seen.has(next.offset)) continue
    seen.add(next.offset)
    for (const parent of next.parents) {
      const found = lookup(parent)
      if (found !== undefined) work.push(found)
    }
  }
  return false
}

/**
 * The best common ancestors: those that are no ancestor of another common ancestor. Paints both histories,
 * then takes away what lies below a painted base; the result is newest first.
 */
export function mergeBases(lookup: CommitLookup, a: StoredCommit, b: StoredCommit): StoredCommit[] {
  const colours = new Map<number, number>()
  const commits = new Map<number, StoredCommit>()
  paint(lookup, colours, commits, a, SEEN_FROM_A)
  paint(lookup, colours, commits, b, SEEN_FROM_B)
  const common = [...commits.values()].filter((commit) => colours.get(commit.offset) === SEEN_FROM_BOTH)
  for (const commit of common) {
    for (const parent of commit.parents) {
      const found = lookup(parent)
      if (found !== undefined) paint(lookup, colours, commits, found, BELOW_A_BASE)
    }
  }
  const bases = common.filter((commit) => ((colours.get(commit.offset) ?? 0) & BELOW_A_BASE) === 0)
  return bases.sort((x, y) => y.offset - x.offset)
}

function paint(
  lookup: CommitLookup,
  colours: Map<number, number>,
  commits: Map<number, StoredCommit>,
  start: StoredCommit,
  colour: number,
): void {
  const work = [start]
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    const before = colours.get(next.offset) ?? 0
    if ((before & colour) === colour) continue
    colours.set(next.offset, before | colour)
    commits.set(next.offset, next)
    for (const parent of next.parents) {
      const found = lookup(parent)
      if (found !== undefined) work.push(found)
    }
  }
}
