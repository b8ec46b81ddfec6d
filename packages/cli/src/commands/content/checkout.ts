import {
  type CheckoutPlan,
  type CheckoutReport,
  checkout as checkoutTree,
  type ExistingPolicy,
  planCheckout,
} from '../../checkout/index.ts'
import { gitExtra } from '../../git/index.ts'
import { confirm, progressView, shownLines } from '../../terminal/index.ts'
import {
  type CommandContext,
  findTree,
  openForReading,
  parseRevisionPath,
  userPath,
} from '../context/index.ts'

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
    if (options.dryRun) {
      const plan = await planCheckout(tree, { folding: 'none', allowDotGit, signal })
      return show(context, { ...plan, folder: path }, { isOdd, isPlan: true })
    }
    const view = await progressView(host, context.options)
    try {
      const report = await checkoutTree(tree, path, {
        ...{ store, files: host.files, existing, allowDotGit, signal },
        confirm: (_plan, real) => confirmDeletion(context, options, real),
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
  folder: string,
): Promise<void> {
  if (existing !== 'delete' || (await host.files.list(folder)).length === 0) return
  const plan = [`delete everything in ${folder} that is not in the tree`]
  await confirm(host, { isYes: yes, plan, question: 'Do that?' })
}

async function show(
  { output }: CommandContext,
  report: CheckoutReport,
  o: { readonly isOdd: boolean; readonly isPlan: boolean },
): Promise<void> {
  const { folder, directories, files, links, submodules, bytes } = report
  const unlikeGit: { path: string; reason: string }[] = [...report.unlikeGit]
  if (o.isOdd) unlikeGit.unshift({ path: '', reason: 'legacy' })
  const counts = { folder, directories, files, links, submodules, bytes }
  const head = o.isPlan ? { type: 'plan', command: 'checkout' } : { type: 'checkout' }
  await output.document({ ...head, ...counts, unlikeGit }, () => [
    output.isForEyes
      ? `${output.count(files)} files, ${output.count(links)} links, ${output.count(directories)} folders ` +
        `(${output.size(bytes)}) ${o.isPlan ? 'would go' : 'are'} in ${folder}`
      : [folder, files, links, directories, submodules, bytes].join('\t'),
    ...unlikeGit.map(({ path, reason }) =>
      shownLines(
        output.isForEyes ? `unlike Git: ${path || 'the tree'} (${reason})` : `unlike-git\t${path}\t${reason}`,
      ),
    ),
  ])
}

function entryCount({ files, links, submodules }: CheckoutPlan): number {
  return files + links + submodules
}
