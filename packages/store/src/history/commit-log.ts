/**
 * The history of commits, newest first. Commits are taken by falling virtual offset: a parent is appended
 * before its child, so children come first; the rare parent that was added back after its child comes as soon
 * as it is reached.
 */
import type { StoredCommit } from '../reader/index.ts'
import { ancestorOffsets, type CommitLookup } from './ancestry.ts'

export interface LogQuery {
  readonly from: readonly StoredCommit[]
  readonly not: readonly StoredCommit[]
  readonly firstParent: boolean
  /** Keeps a commit when it returns true; given the commit and those of its parents that the store holds. */
  readonly keep: ((commit: StoredCommit, parents: readonly StoredCommit[]) => boolean) | undefined
}

/** Commits passed over between two pauses. */
const COMMITS_PER_SLICE = 256

/** Yields commits lazily, and `undefined` as a pause when none was to be kept for a few milliseconds. */
export function* commitLog(
  lookup: CommitLookup,
  query: LogQuery,
): Generator<StoredCommit | undefined, void, undefined> {
  const excluded = query.not.length === 0 ? undefined : yield* ancestorOffsets(lookup, query.not)
  const queued = new Set<number>()
  const heap: StoredCommit[] = []
  const add = (commit: StoredCommit): void => {
    if (queued.has(commit.offset) || excluded?.has(commit.offset) === true) return
    queued.add(commit.offset)
    heapPush(heap, commit)
  }
  for (const start of query.from) add(start)
  let passedCount = 0
  for (let next = heapPop(heap); next !== undefined; next = heapPop(heap)) {
    const parents = heldParents(lookup, next, query.firstParent)
    for (const parent of parents) add(parent)
    if (query.keep === undefined || query.keep(next, parents)) yield next
    else if (++passedCount % COMMITS_PER_SLICE === 0) yield
  }
}

function heldParents(lookup: CommitLookup, commit: StoredCommit, firstParent: boolean): StoredCommit[] {
  const hashes = firstParent ? commit.parents.slice(0, 1) : commit.parents
  const held: StoredCommit[] = []
  for (const hash of hashes) {
    const found = lookup(hash)
    if (found !== undefined) held.push(found)
  }
  return held
}

function heapPush(heap: StoredCommit[], commit: StoredCommit): void {
  let at = heap.length
  heap.push(commit)
  while (at > 0) {
    const up = (at - 1) >> 1
    const above = heap[up] as StoredCommit
    if (above.offset >= commit.offset) break
    heap[at] = above
    at = up
  }
  heap[at] = commit
}

function heapPop(heap: StoredCommit[]): StoredCommit | undefined {
  const top = heap[0]
  const last = heap.pop()
  if (top === undefined || last === undefined || heap.length === 0) return top
  let at = 0
  for (;;) {
    let down = 2 * at + 1
    if (down >= heap.length) break
    const right = heap[down + 1]
    if (right !== undefined && right.offset > (heap[down] as StoredCommit).offset) down++
    const below = heap[down] as StoredCommit
    if (below.offset <= last.offset) break
    heap[at] = below
    at = down
  }
  heap[at] = last
  return top
}
