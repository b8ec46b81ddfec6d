import { type CommandContext, createStore, userPath } from '../context/index.ts'

export async function init(context: CommandContext, lower: string | undefined): Promise<void> {
  const options = lower === undefined ? {} : { lower: userPath(context, lower) }
  await createStore(
    context,
    async (store) => {
      const { path, id } = store
      await context.output.document({ type: 'store', path, id, created: true }, () => [
        context.output.isForEyes ? `New store ${id} in ${path}` : path,
      ])
    },
    options,
  )
}
