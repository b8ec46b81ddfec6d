import { CommandFailure, confirm, firstLine } from '../../terminal/index.ts'
import {
  type CommandContext,
  findCommit,
  openForReading,
  openForWriting,
  refNotFound,
} from '../context/index.ts'
import { showMoved } from './moved-ref.ts'

export async function tagLs(context: CommandContext, prefix: string | undefined): Promise<void> {
  const { output } = context
  await openForReading(context, async (store) => {
    const listing = output.listing()
    for await (const tag of store.tags({ prefix })) {
      const target = await tag.target()
      if (target === undefined) continue
      const { hash: commit, date, message } = target
      const { name } = tag
      await listing.row({ type: 'tag', name, commit, date: date.toISOString() }, () => [
        { text: name, paint: output.palette.green },
        { text: output.hash(commit), paint: output.palette.yellow },
        { text: output.date(date) },
        { text: firstLine(message) },
      ])
    }
    await listing.end()
  })
}

/** With a message or an author it is an annotated tag. @throws CommandFailure EXISTS */
export async function tagCreate(
  context: CommandContext,
  o: { readonly name: string; readonly revision: string },
  words: { readonly message?: string | undefined; readonly author?: string | undefined },
): Promise<void> {
  await openForWriting(context, async (store) => {
    const { name, revision } = o
    const commit = await findCommit(store, revision)
    if ((await store.tag(name).target()) !== undefined) {
      throw new CommandFailure('EXISTS', `there is a tag ${JSON.stringify(name)} already`, {
        details: { ref: name },
      })
    }
    const isAnnotated = words.message !== undefined || words.author !== undefined
    await store.tag(name).create(commit, isAnnotated ? words : {})
    await showMoved(context, { kind: 'tag', name, before: undefined, after: commit.hash })
  })
}

export async function tagRm(
  context: CommandContext,
  names: readonly string[],
  options: { readonly dryRun: boolean; readonly yes: boolean },
): Promise<void> {
  await openForWriting(context, async (store) => {
    const plan: string[] = []
    for (const name of names) {
      const target = await store.tag(name).target()
      if (target === undefined) throw await refNotFound(store, 'tag', name)
      plan.push(`remove the tag ${name} (at ${target.hash.slice(0, 12)} ${firstLine(target.message)})`)
    }
    if (options.dryRun)
      return context.output.document({ type: 'plan', command: 'tag rm', remove: names }, () => plan)
    await confirm(context.host, { isYes: options.yes, plan, question: 'Do that?' })
    for (const name of names) {
      const before = (await store.tag(name).target())?.hash
      await store.tag(name).delete()
      await showMoved(context, { kind: 'tag', name, before, after: undefined })
    }
  })
}
