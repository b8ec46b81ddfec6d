import type { Tree } from '@varve/store'
import {
  type CheckoutPlan,
  type CheckoutReport,
  checkout as checkoutTree,
  dryRun,
  type ExistingPolicy,
  type Removal,
  removals,
} from '../../checkout/index.ts'
import { gitExtra } from '../../git/index.ts'
import { confirm, type JsonRecord, progressView, shownLines } from '../../terminal/index.ts'
import {
  type CommandContext,
  findTree,
  openForReading,
  parseRevisionPath,
  shownPath,
  storeFolder,
  userPath,
} from '../context/index.ts'

/** A person who is asked is shown so many of the files that go. */
const SHOWN_REMOVALS_MAX = 20

export interface CheckoutCommandOptions {
  readonly existing: ExistingPolicy
  readonly allowDotGit: boolean
  readonly dryRun: boolean
  readonly yes: boolean
}

export async function checkout(
  context: CommandContext,
  target: string,
  folder: string,
  options: CheckoutCommandOptions,
): Promise<void> {
  const { host, signal } = context
  await openForReading(context, async (store) => {
    const at = parseRevisionPath(target)
    const tree = await findTree(store, at)
    const commit = await store.resolve(at.revision)
    const isOdd = commit?.extra[gitExtra.tree] !== undefined
    const path = userPath(context, folder)
    const { existing, allowDotGit } = options
    const home = storeFolder(context)
    const what = { store, storeFolder: home, files: host.files, existing, allowDotGit, signal }
    if (options.dryRun) {
      const { removals: found, ...plan } = await dryRun(tree, path, what)
      return show(context, plan, { isOdd, isPlan: true, removals: found })
    }
    const view = await progressView(host, context.options)
    try {
      const report = await checkoutTree(tree, path, {
        ...what,
        confirm: (_plan, real) => confirmDeletion(context, options, { tree, folder: real }),
        onProgress: ({ entries, bytes }, plan) =>
          view.update({ label: 'writing', done: entries, total: entryCount(plan), bytes }),
      })
      view.stop()
      await show(context, report, { isOdd, isPlan: false })
    } finally {
      view.stop()
    }
  })
}

async function confirmDeletion(
  { host }: CommandContext,
  { existing, yes }: CheckoutCommandOptions,
  o: { readonly tree: Tree; readonly folder: string },
): Promise<void> {
  if (existing !== 'delete' || yes) return
  const details: string[] = []
  let count = 0
  for await (const removal of removals(host.files, o.tree, o.folder)) {
    if (++count <= SHOWN_REMOVALS_MAX) details.push(`  remove ${shownRemoval(removal)}`)
  }
  if (count === 0) return
  if (count > SHOWN_REMOVALS_MAX) details.push(`  and ${count - SHOWN_REMOVALS_MAX} more; -n lists them all`)
  const plan = [`delete everything in ${o.folder} that is not in the tree`]
  await confirm(host, { isYes: yes, plan, details, question: 'Do that?' })
}

async function show(
  { output }: CommandContext,
  report: CheckoutReport,
  o: {
    readonly isOdd: boolean
    readonly isPlan: boolean
    readonly removals?: readonly Removal[] | undefined
  },
): Promise<void> {
  const { folder, directories, files, links, submodules, bytes } = report
  const unlikeGit: { path: string; reason: string }[] = [...report.unlikeGit]
  if (o.isOdd) unlikeGit.unshift({ path: '', reason: 'legacy' })
  const counts = { folder, directories, files, links, submodules, bytes }
  const head = o.isPlan ? { type: 'plan', command: 'checkout' } : { type: 'checkout' }
  await output.document({ ...head, ...counts, ...removalJson(o.removals), unlikeGit }, () => [
    output.isForEyes
      ? `${output.count(files)} files, ${output.count(links)} links, ${output.count(directories)} folders ` +
        `(${output.size(bytes)}) ${o.isPlan ? 'would go' : 'are'} in ${folder}`
      : [folder, files, links, directories, submodules, bytes].join('\t'),
    ...(o.removals ?? []).map((removal) => `remove${output.isForEyes ? ' ' : '\t'}${shownRemoval(removal)}`),
    ...unlikeGit.map(({ path, reason }) =>
      shownLines(
        output.isForEyes ? `unlike Git: ${path || 'the tree'} (${reason})` : `unlike-git\t${path}\t${reason}`,
      ),
    ),
  ])
}

/** Folders end in a slash. */
function removalJson(found: readonly Removal[] | undefined): JsonRecord {
  if (found === undefined) return {}
  return { remove: found.map(({ path, isFolder }) => `${path.toString('utf8')}${isFolder ? '/' : ''}`) }
}

function shownRemoval({ path, isFolder }: Removal): string {
  return shownPath(path, isFolder)
}

function entryCount({ files, links, submodules }: CheckoutPlan): number {
  return files + links + submodules
}
