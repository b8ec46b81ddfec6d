import { progressView } from '../../terminal/index.ts'
import { type CommandContext, openForReading, userPath } from '../context/index.ts'
import { untilCurrent } from './until-current.ts'

/** A backup of the store as it is at this moment, whoever writes to it. */
export async function backup(context: CommandContext, folder: string): Promise<void> {
  const path = userPath(context, folder)
  await openForReading(context, async (store) => {
    let [files, bytes] = [0, 0]
    const view = await progressView(context.host, context.options)
    try {
      await untilCurrent(store, () =>
        store.backup(path, {
          signal: context.signal,
          onProgress: ({ done, total, bytesDone }) => {
            files = done
            bytes = bytesDone
            view.update({ label: 'backup', done, total, bytes: bytesDone })
          },
        }),
      )
    } finally {
      view.stop()
    }
    const { output } = context
    await output.document({ type: 'backup', folder: path, files, bytesCopied: bytes }, () =>
      output.isForEyes
        ? [`${output.count(files)} files, ${output.size(bytes)} of them copied, in ${path}`]
        : [['backup', files, bytes, path].join('\t')],
    )
  })
}
