import type { Commit, Store } from '@varve/store'
import type { GitTag } from '../git/index.ts'
import type { ImportOutcome } from './import-outcome.ts'
import type { ImportedRef } from './import-sink.ts'
import { importedId } from './known-commits.ts'
import type { PlannedRef, RefPlan } from './ref-plan.ts'

/** What an import does about one ref. */
export interface MovedRef {
  /** 'heads/main', 'tags/v1'. */
  readonly name: string
  readonly gitName: string
  /** Git's id of what it points to there. */
  readonly commit: string
  /** Git's id of the commit that it points to here. */
  readonly at: string | undefined
  readonly before: string | undefined
  readonly after: string | undefined
  /**
   * `kept`: the branch has commits of its own. `behind`: its commit could not be imported, and it is at the
   * last one before it that could. `left-out`: not even that.
   */
  readonly state: 'new' | 'moved' | 'same' | 'kept' | 'behind' | 'left-out'
}

/** Which refs move where. A branch that has commits of its own stays, unless told otherwise. */
export async function refMoves(
  store: Store,
  o: { readonly plan: RefPlan; readonly outcome: ImportOutcome; readonly force: boolean },
): Promise<{ readonly moves: readonly ImportedRef[]; readonly refs: readonly MovedRef[] }> {
  const moves: ImportedRef[] = []
  const refs: MovedRef[] = []
  for (const ref of o.plan.refs) {
    const { name, gitName, tag } = ref
    const at = reachable(ref, o.outcome)
    const after = at === undefined ? undefined : o.outcome.commitHash(at)
    const before = await targetOf(store, name)
    const state = stateOf({ isBehind: at !== ref.commit, before, after, force: o.force })
    refs.push({ name, gitName, commit: ref.commit, at, before: before?.hash, after, state })
    if (after === undefined || state === 'same' || state === 'kept') continue
    moves.push({ name, commit: after, tag: tag && annotationOf(tag) })
  }
  return { moves, refs }
}

/**
 * The Git id of the commit that a ref can be at. A branch whose head was left out is at the last commit
 * before it that was not, so that its history stays reachable; a tag of another commit than Git's would be a
 * lie.
 */
function reachable({ name, commit }: PlannedRef, outcome: ImportOutcome): string | undefined {
  if (outcome.commitHash(commit) !== undefined) return commit
  return name.startsWith('heads/') ? outcome.nearest(commit) : undefined
}

function stateOf(o: {
  readonly isBehind: boolean
  readonly before: Commit | undefined
  readonly after: string | undefined
  readonly force: boolean
}): MovedRef['state'] {
  const { before, after } = o
  if (after === undefined) return 'left-out'
  // A commit that no import wrote is someone's work: it is not taken off a branch unasked.
  const isOwn = before !== undefined && before.hash !== after && importedId(before) === undefined
  if (isOwn && !o.force) return 'kept'
  if (o.isBehind) return 'behind'
  if (before === undefined) return 'new'
  return before.hash === after ? 'same' : 'moved'
}

async function targetOf(store: Store, name: string): Promise<Commit | undefined> {
  const rest = name.slice(name.indexOf('/') + 1)
  return name.startsWith('tags/') ? store.tag(rest).target() : store.branch(rest).head()
}

function annotationOf({ message, tagger, dateMs }: GitTag): NonNullable<ImportedRef['tag']> {
  return { message, author: tagger, ...(dateMs !== undefined && { date: dateMs }) }
}
