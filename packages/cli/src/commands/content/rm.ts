import { throwIfAborted } from '@varve/pack/errors'
import type { Commit, StoreReader } from '@varve/store'
import { CommandFailure, confirm } from '../../terminal/index.ts'
import {
  type CommandContext,
  openForReading,
  openForWriting,
  parseRevisionPath,
  pathNotFound,
  type RevisionPath,
  refNotFound,
} from '../context/index.ts'
import { type CommitWords, commitInfo, showCommitted } from './commit-words.ts'

export interface RmOptions extends CommitWords {
  readonly dryRun: boolean
  readonly yes: boolean
}

/** Commits a branch without these paths. Earlier commits keep them. */
export async function rm(
  context: CommandContext,
  targets: readonly string[],
  options: RmOptions,
): Promise<void> {
  const paths = targets.map(parseRevisionPath)
  const [first] = paths
  if (first === undefined) return
  for (const at of paths) {
    if (at.path.length === 0) throw new CommandFailure('USAGE', 'a path is needed: BRANCH:PATH')
    if (at.revision !== first.revision) throw new CommandFailure('USAGE', 'all paths must be on one branch')
  }
  if (options.dryRun) return showPlan(context, first.revision, paths)
  await openForWriting(context, async (store) => {
    const branch = store.branch(first.revision)
    const { before, plan } = await planOf(store, first.revision, paths)
    await confirm(context.host, { isYes: options.yes, plan, question: 'Commit that?' })
    throwIfAborted(context.signal)
    const names = paths.map((at) => at.pathText).join(', ')
    const commit = await branch.commit(
      (edit) => {
        for (const { path } of paths) edit.delete(path)
      },
      commitInfo(context, options, `rm ${names}`),
    )
    await showCommitted(context, branch.name, commit, commit.hash !== before.hash)
  })
}

async function showPlan(
  context: CommandContext,
  branch: string,
  paths: readonly RevisionPath[],
): Promise<void> {
  await openForReading(context, async (store) => {
    const { plan } = await planOf(store, branch, paths)
    const json = { type: 'plan', command: 'rm', branch, remove: paths.map((at) => at.pathText) }
    await context.output.document(json, () => plan)
  })
}

/** @throws CommandFailure PATH_NOT_FOUND, VarveError REF_NOT_FOUND */
async function planOf(
  store: StoreReader,
  name: string,
  paths: readonly RevisionPath[],
): Promise<{ readonly before: Commit; readonly plan: string[] }> {
  const branch = store.branch(name)
  const before = await branch.head()
  if (before === undefined) throw await refNotFound(store, 'branch', name)
  const plan: string[] = []
  for (const at of paths) {
    const entry = await branch.stat(at.path)
    if (entry === undefined) throw pathNotFound(at)
    const what = entry.kind === 'tree' ? `directory of ${entry.count} entries` : `${entry.size} bytes`
    plan.push(`remove ${branch.name}:${at.pathText} (${what})`)
  }
  return { before, plan }
}
