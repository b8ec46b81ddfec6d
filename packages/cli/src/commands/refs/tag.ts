import { throwIfAborted } from '@varve/pack/errors'
import type { StoreReader } from '@varve/store'
import { type Cell, CommandFailure, confirm, firstLine, type Output } from '../../terminal/index.ts'
import {
  type CommandContext,
  findCommit,
  openForReading,
  openForWriting,
  refNotFound,
  type ShownTag,
  shownTag,
  tagJson,
  tagLines,
} from '../context/index.ts'
import { showMoved } from './moved-ref.ts'

/** A line each; with -v what annotated tags say, whole. */
export async function tagLs(context: CommandContext, prefix: string | undefined): Promise<void> {
  const { output, options } = context
  const isBrief = output.isJson || !options.verbose
  await openForReading(context, async (store) => {
    const listing = output.listing()
    for await (const tag of store.tags({ prefix })) {
      const found = await shownTag(tag)
      if (found === undefined) continue
      if (isBrief) await listing.row(tagJson(found), () => tagCells(output, found))
      else for (const line of tagLines(output, found)) await output.line(line)
    }
    await listing.end()
  })
}

function tagCells(output: Output, { name, target: { hash, date, message } }: ShownTag): Cell[] {
  return [
    { text: name, paint: output.palette.green },
    { text: output.hash(hash), paint: output.palette.yellow },
    { text: output.date(date) },
    { text: firstLine(message) },
  ]
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
    // The store keeps an author beside a message only.
    await store.tag(name).create(commit, isAnnotated ? { ...words, message: words.message ?? '' } : {})
    await showMoved(context, { kind: 'tag', name, before: undefined, after: commit.hash })
  })
}

export async function tagRm(
  context: CommandContext,
  names: readonly string[],
  options: { readonly dryRun: boolean; readonly yes: boolean },
): Promise<void> {
  if (options.dryRun) {
    return openForReading(context, async (store) => {
      const plan = await removalPlan(store, names)
      await context.output.document({ type: 'plan', command: 'tag rm', remove: names }, () => plan)
    })
  }
  await openForWriting(context, async (store) => {
    const plan = await removalPlan(store, names)
    await confirm(context.host, { isYes: options.yes, plan, question: 'Do that?' })
    for (const name of names) {
      throwIfAborted(context.signal)
      const before = (await store.tag(name).target())?.hash
      await store.tag(name).delete()
      await showMoved(context, { kind: 'tag', name, before, after: undefined })
    }
  })
}

async function removalPlan(store: StoreReader, names: readonly string[]): Promise<string[]> {
  const plan: string[] = []
  for (const name of names) {
    const target = await store.tag(name).target()
    if (target === undefined) throw await refNotFound(store, 'tag', name)
    plan.push(`remove the tag ${name} (at ${target.hash.slice(0, 12)} ${firstLine(target.message)})`)
  }
  return plan
}
