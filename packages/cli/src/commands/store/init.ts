import { type CommandContext, createStore } from '../context/index.ts'

export async function init(context: CommandContext): Promise<void> {
  await createStore(context, async (store) => {
    const { path, id } = store
    await context.output.document({ type: 'store', path, id, created: true }, () => [
      context.output.isForEyes ? `New store ${id} in ${path}` : path,
    ])
  })
}
