import { type CommandContext, EXIT_FINDINGS, findRoot, openForReading, parsePath } from '../context/index.ts'
import { type ChangeStyle, listChanges } from './change-lines.ts'

export interface DiffOptions {
  readonly style: ChangeStyle
  readonly exitCode: boolean
}

/** What is different in the second of two trees. */
export async function diff(
  context: CommandContext,
  revisions: { readonly older: string; readonly newer: string },
  path: string | undefined,
  options: DiffOptions,
): Promise<number> {
  return openForReading(context, async (store) => {
    const older = await findRoot(store, revisions.older)
    const newer = await findRoot(store, revisions.newer)
    const { output, signal } = context
    const listing = output.listing()
    const below = path === undefined ? undefined : parsePath(path)
    const changes = store.diff(older, newer, { path: below, signal })
    const totals = await listChanges(context, listing, changes, options.style)
    await listing.end()
    const { added, removed, changed } = totals
    if (output.isForEyes && options.style === 'stat') {
      await output.line(output.palette.dim(`${added} added, ${removed} removed, ${changed} changed`))
      await output.flush()
    }
    return options.exitCode && added + removed + changed > 0 ? EXIT_FINDINGS : 0
  })
}
