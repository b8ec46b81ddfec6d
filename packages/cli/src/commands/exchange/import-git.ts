import { join } from 'node:path'
import type { Commit, Store } from '@varve/store'
import { GitRepository, type GitTag } from '../../git/index.ts'
import {
  type ImportedRef,
  type ImportOutcome,
  importedId,
  importHistory,
  type KnownHistory,
  knownHistory,
  type PlannedRef,
  planRefs,
  type RefPlan,
} from '../../git-import/index.ts'
import { type ProgressView, progressView } from '../../terminal/index.ts'
import { type CommandContext, EXIT_FINDINGS, openForWriting, userPath } from '../context/index.ts'
import { type ImportReport, type RefReport, showImport } from './import-report.ts'

export interface ImportGitOptions {
  /** Refs beside branches and tags. */
  readonly refs: readonly string[]
  readonly missing: 'refuse' | 'skip'
  /** Moves branches also where the store has commits of its own. */
  readonly force: boolean
}

/** Exit code 3 when something of the repository is not in the store now. */
export async function importGit(
  context: CommandContext,
  folder: string,
  options: ImportGitOptions,
): Promise<number> {
  const { host, signal } = context
  const repository = await GitRepository.open({
    folder: userPath(context, folder),
    environment: host.environment,
    signal,
  })
  return openForWriting(context, async (store) => {
    const view = await progressView(host, context.options)
    try {
      const startedMs = host.clock.monotonic()
      const report = await importInto(context, { store, repository, options, view })
      view.stop()
      const seconds = (host.clock.monotonic() - startedMs) / 1_000
      await showImport(context, { ...report, seconds })
      return isComplete(report) ? 0 : EXIT_FINDINGS
    } finally {
      view.stop()
    }
  })
}

interface Work {
  readonly store: Store
  readonly repository: GitRepository
  readonly options: ImportGitOptions
  readonly view: ProgressView
}

async function importInto(context: CommandContext, work: Work): Promise<Omit<ImportReport, 'seconds'>> {
  const { store, repository, options } = work
  const reader = repository.reader()
  let plan: RefPlan
  try {
    plan = await planRefs(repository, reader, options.refs)
  } finally {
    await reader.close()
  }
  const known = await knownIn(store, work.view)
  const { openBulk } = await import('@varve/store/internal')
  const bulk = await openBulk(store)
  const shallow = await shallowOf(context, repository)
  try {
    const tips = [...new Set(plan.refs.map((ref) => ref.commit))]
    const outcome = await importHistory(tips, {
      repository,
      sink: bulk,
      known,
      missing: options.missing,
      signal: context.signal,
      shallow: shallow.commits,
      withoutParents: shallow.withoutParents,
      onProgress: await progressOf(work),
    })
    const { moves, reports } = await refMoves(store, plan, outcome, options)
    await bulk.finish(moves)
    return { repository: repository.folder, outcome, refs: reports, skipped: plan.skipped }
  } catch (cause) {
    await bulk.abort()
    throw cause
  } finally {
    await shallow.close()
  }
}

/** What earlier imports have brought: of all that branches and tags reach. */
async function knownIn(store: Store, view: ProgressView): Promise<KnownHistory> {
  const heads: Commit[] = []
  for await (const branch of store.branches()) heads.push(...present(await branch.head()))
  for await (const tag of store.tags()) heads.push(...present(await tag.target()))
  if (heads.length === 0) return { commits: new Map(), tips: [] }
  view.update({ label: 'comparing', done: 0 })
  return knownHistory(store.log(heads))
}

function present<T>(item: T | undefined): T[] {
  return item === undefined ? [] : [item]
}

async function progressOf({ repository, view }: Work): Promise<(counts: ImportOutcome['counts']) => void> {
  const total = await repository.objectCount()
  return ({ commits, trees, blobs, bytes }) => {
    view.update({ label: 'importing', done: commits + trees + blobs, total, bytes })
  }
}

/** How Git is told at which commits a history ends: by a file that lists them. */
interface Shallow {
  readonly commits: ReadonlySet<string>
  withoutParents(commits: readonly string[]): Promise<Readonly<Record<string, string>>>
  /** Removes the files it made. */
  close(): Promise<void>
}

async function shallowOf({ host }: CommandContext, repository: GitRepository): Promise<Shallow> {
  const { files } = host
  const parts: Uint8Array[] = []
  if ((await files.kind(repository.shallowFile)) === 'file') {
    for await (const part of files.read(repository.shallowFile)) parts.push(part)
  }
  const ids = Buffer.concat(parts).toString('latin1').split('\n')
  const folders: string[] = []
  return {
    commits: new Set(ids.filter((id) => id !== '')),
    withoutParents: async (commits) => {
      const folder = await files.makeTemporaryFolder('varve-import-')
      folders.push(folder)
      const path = join(folder, 'shallow')
      await files.create(path, Buffer.from(commits.map((id) => `${id}\n`).join('')), { isExecutable: false })
      return { GIT_SHALLOW_FILE: path }
    },
    close: async () => {
      for (const folder of folders.splice(0)) await files.removeFolder(folder)
    },
  }
}

/** Which refs move where. A branch that has commits of its own stays, unless told otherwise. */
async function refMoves(
  store: Store,
  plan: RefPlan,
  outcome: ImportOutcome,
  options: ImportGitOptions,
): Promise<{ moves: ImportedRef[]; reports: RefReport[] }> {
  const moves: ImportedRef[] = []
  const reports: RefReport[] = []
  for (const ref of plan.refs) {
    const { name, gitName, tag } = ref
    const at = reachable(ref, outcome)
    const after = at === undefined ? undefined : outcome.commitHash(at)
    const before = await targetOf(store, name)
    const state = stateOf({ isBehind: at !== ref.commit, before, after }, options)
    reports.push({ name, gitName, commit: ref.commit, at, before: before?.hash, after, state })
    if (after === undefined || state === 'same' || state === 'kept') continue
    moves.push({ name, commit: after, tag: tag && annotationOf(tag) })
  }
  return { moves, reports }
}

function annotationOf({ message, tagger, dateMs }: GitTag): NonNullable<ImportedRef['tag']> {
  return { message, author: tagger, ...(dateMs !== undefined && { date: dateMs }) }
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

function stateOf(
  o: { readonly isBehind: boolean; readonly before: Commit | undefined; readonly after: string | undefined },
  { force }: ImportGitOptions,
): RefReport['state'] {
  const { before, after } = o
  if (after === undefined) return 'left-out'
  // A commit that no import wrote is someone's work: it is not taken off a branch unasked.
  const isOwn = before !== undefined && before.hash !== after && importedId(before) === undefined
  if (isOwn && !force) return 'kept'
  if (o.isBehind) return 'behind'
  if (before === undefined) return 'new'
  return before.hash === after ? 'same' : 'moved'
}

async function targetOf(store: Store, name: string): Promise<Commit | undefined> {
  const isTag = name.startsWith('tags/')
  const rest = name.slice(name.indexOf('/') + 1)
  return isTag ? store.tag(rest).target() : store.branch(rest).head()
}

function isComplete({ outcome, refs, skipped }: Omit<ImportReport, 'seconds'>): boolean {
  const isEveryRef = refs.every(({ state }) => state === 'new' || state === 'moved' || state === 'same')
  return isEveryRef && skipped.length === 0 && outcome.leftOut.length === 0
}
