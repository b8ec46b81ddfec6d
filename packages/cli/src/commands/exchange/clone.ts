import { progressView, shownLines } from '../../terminal/index.ts'
import { type CommandContext, openForReading, userPath } from '../context/index.ts'
import { untilCurrent } from './until-current.ts'

export interface CloneOptions {
  readonly refs: readonly string[] | undefined
  readonly depth: number | undefined
}

/** A store of its own with what these branches and tags of another one hold. */
export async function clone(
  context: CommandContext,
  source: string,
  folder: string,
  { refs, depth }: CloneOptions,
): Promise<void> {
  const path = userPath(context, folder)
  const from = { ...context, options: { ...context.options, store: source } }
  await openForReading(from, async (store) => {
    const { host, options, signal, output } = context
    const view = await progressView(host, options)
    try {
      const report = await untilCurrent(store, () =>
        store.copyTo(path, {
          ...{ refs, depth, signal },
          onProgress: ({ phase, done, total, bytesDone, etaMs }) =>
            view.update({ label: phase, done, total, bytes: bytesDone, etaMs }),
        }),
      )
      view.stop()
      await output.document({ type: 'clone', folder: path, ...report }, () => [
        output.isForEyes
          ? `${output.count(report.objects)} objects, ${output.size(report.bytes)}, in ${path}`
          : ['clone', report.objects, report.bytes, path].join('\t'),
        ...report.refs.map((ref) => shownLines(output.isForEyes ? `  ${ref}` : `ref\t${ref}`)),
      ])
    } finally {
      view.stop()
    }
  })
}
