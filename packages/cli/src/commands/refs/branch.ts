import { throwIfAborted } from '@varve/pack/errors'
import type { StoreReader } from '@varve/store'
import { CommandFailure, confirm, firstLine } from '../../terminal/index.ts'
import {
  type CommandContext,
  findCommit,
  openForReading,
  openForWriting,
  refNotFound,
} from '../context/index.ts'
import { showMoved } from './moved-ref.ts'

export async function branchLs(context: CommandContext, prefix: string | undefined): Promise<void> {
  const { output } = context
  await openForReading(context, async (store) => {
    const listing = output.listing()
    for await (const branch of store.branches({ prefix })) {
      const head = await branch.head()
      if (head === undefined) continue
      const { hash: commit, date, message } = head
      const { name } = branch
      await listing.row({ type: 'branch', name, commit, date: date.toISOString() }, () => [
        { text: name, paint: output.palette.green },
        { text: output.hash(commit), paint: output.palette.yellow },
        { text: output.date(date) },
        { text: firstLine(message) },
      ])
    }
    await listing.end()
  })
}

/** @throws CommandFailure EXISTS */
export async function branchCreate(context: CommandContext, name: string, revision: string): Promise<void> {
  await openForWriting(context, async (store) => {
    const commit = await findCommit(store, revision)
    if (!(await store.branch(name).compareAndSet(undefined, commit))) throw exists(name)
    await showMoved(context, { kind: 'branch', name, before: undefined, after: commit.hash })
  })
}

export async function branchSet(context: CommandContext, name: string, revision: string): Promise<void> {
  await openForWriting(context, async (store) => {
    const commit = await findCommit(store, revision)
    const branch = store.branch(name)
    const before = await branch.head()
    await branch.set(commit)
    await showMoved(context, { kind: 'branch', name, before: before?.hash, after: commit.hash })
  })
}

/** Two moves: should the second fail, both names are there, and nothing is lost. */
export async function branchMv(context: CommandContext, from: string, to: string): Promise<void> {
  await openForWriting(context, async (store) => {
    const head = await store.branch(from).head()
    if (head === undefined) throw await refNotFound(store, 'branch', from)
    if (!(await store.branch(to).compareAndSet(undefined, head))) throw exists(to)
    await store.branch(from).compareAndSet(head, undefined)
    await showMoved(context, { kind: 'branch', name: to, from, before: undefined, after: head.hash })
  })
}

export async function branchRm(
  context: CommandContext,
  names: readonly string[],
  options: { readonly dryRun: boolean; readonly yes: boolean },
): Promise<void> {
  if (options.dryRun) {
    return openForReading(context, async (store) => {
      const plan = await removalPlan(store, names)
      await context.output.document({ type: 'plan', command: 'branch rm', remove: names }, () => plan)
    })
  }
  await openForWriting(context, async (store) => {
    const plan = await removalPlan(store, names)
    await confirm(context.host, { isYes: options.yes, plan, question: 'Do that?' })
    for (const name of names) {
      throwIfAborted(context.signal)
      const before = (await store.branch(name).head())?.hash
      await store.branch(name).delete()
      await showMoved(context, { kind: 'branch', name, before, after: undefined })
    }
  })
}

async function removalPlan(store: StoreReader, names: readonly string[]): Promise<string[]> {
  const plan: string[] = []
  for (const name of names) {
    const head = await store.branch(name).head()
    if (head === undefined) throw await refNotFound(store, 'branch', name)
    plan.push(`remove the branch ${name} (at ${head.hash.slice(0, 12)} ${firstLine(head.message)})`)
  }
  return plan
}

function exists(name: string): CommandFailure {
  return new CommandFailure('EXISTS', `there is a branch ${JSON.stringify(name)} already`, {
    details: { ref: name },
  })
}
