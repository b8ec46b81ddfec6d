import type { Commit, Store, TagAnnotation } from '@varve/store'
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
   * `moved`: it is at another commit, or an annotated tag says something else. `kept`: the branch has commits
   * of its own, or the tag is another one. `behind`: its commit could not be imported, and it is at the
   * last one before it that could. `left-out`: not even that.
   */
  readonly state: 'new' | 'moved' | 'same' | 'kept' | 'behind' | 'left-out'
}

/** A ref as it is in the store. */
interface StoredRef {
  readonly commit: Commit
  readonly annotation: TagAnnotation | undefined
}

/**
 * Which refs move where. A branch that has commits of its own stays, unless told otherwise, and so does a tag
 * that is not Git's any more: as with `git fetch`, since nothing says who has made it.
 */
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
    const before = await storedRef(store, name)
    const isOther = before !== undefined && isAnother(before, { ref, after })
    const state = stateOf({ isBehind: at !== ref.commit, before, after, isKept: isOther && !o.force, ref })
    refs.push({ name, gitName, commit: ref.commit, at, before: before?.commit.hash, after, state })
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

/** What the store has is not an earlier state of what Git has: it is not given up unasked. */
function isAnother(
  before: StoredRef,
  { ref, after }: { readonly ref: PlannedRef; readonly after: string | undefined },
): boolean {
  if (before.commit.hash !== after) {
    // A commit that no import wrote is someone's work. A tag names one commit of Git's for good.
    const id = importedId(before.commit)
    if (id === undefined || (isTag(ref.name) && id !== ref.commit)) return true
  }
  return !saysTheSame(before, ref)
}

function stateOf(o: {
  readonly isBehind: boolean
  readonly before: StoredRef | undefined
  readonly after: string | undefined
  readonly isKept: boolean
  readonly ref: PlannedRef
}): MovedRef['state'] {
  const { before, after } = o
  if (after === undefined) return 'left-out'
  if (o.isKept) return 'kept'
  if (o.isBehind) return 'behind'
  if (before === undefined) return 'new'
  return before.commit.hash === after && saysTheSame(before, o.ref) ? 'same' : 'moved'
}

/** A branch says nothing. Without a tagger a tag has no date in Git, and that of its import here. */
function saysTheSame({ annotation }: StoredRef, { name, tag }: PlannedRef): boolean {
  if (!isTag(name)) return true
  if (annotation === undefined || tag === undefined) return annotation === undefined && tag === undefined
  const { message, author, date } = annotation
  const isSameDate = tag.dateMs === undefined || date.getTime() === tag.dateMs
  return message === tag.message && author === tag.tagger && isSameDate
}

async function storedRef(store: Store, name: string): Promise<StoredRef | undefined> {
  const rest = name.slice(name.indexOf('/') + 1)
  const tag = isTag(name) ? store.tag(rest) : undefined
  const commit = await (tag === undefined ? store.branch(rest).head() : tag.target())
  return commit && { commit, annotation: await tag?.annotation() }
}

function isTag(name: string): boolean {
  return name.startsWith('tags/')
}

function annotationOf({ message, tagger, dateMs }: GitTag): NonNullable<ImportedRef['tag']> {
  return { message, author: tagger, ...(dateMs !== undefined && { date: dateMs }) }
}
