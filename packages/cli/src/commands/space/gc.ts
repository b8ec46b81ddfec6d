import type { Commit, GcReader, GcStats, StoreReader } from '@varve/store'
import { findWriter } from '@varve/store/internal'
import { confirm, firstLine, progressView } from '../../terminal/index.ts'
import { type CommandContext, findCommit, openForReading, openForWriting } from '../context/index.ts'

export interface GcRunOptions {
  readonly keep: readonly string[]
  /** A duration: '10m'. */
  readonly grace?: string | undefined
  readonly dryRun: boolean
  readonly yes: boolean
}

/** Collects: with a target the history before it goes, without one only what no branch and no tag reaches. */
export async function gcRun(
  context: CommandContext,
  revision: string | undefined,
  options: GcRunOptions,
): Promise<void> {
  const { host, signal } = context
  if (options.dryRun) return showPlan(context, revision, options)
  await openForWriting(context, async (store) => {
    const { target, keep, plan } = await asked(store, revision, options)
    // What is archived can be read as before.
    const isYes = options.yes || store.gc.behaviour() === 'archive'
    await confirm(host, { isYes, plan: plan.lines, question: 'Collect?' })
    const view = await progressView(host, context.options)
    try {
      const stats = await store.gc.run(target, {
        keep,
        signal,
        ...(options.grace !== undefined && { grace: options.grace as `${number}m` }),
        onProgress: ({ phase, done, total, bytesDone, etaMs }) =>
          view.update({ label: phase, done, total, bytes: bytesDone, etaMs }),
      })
      view.stop()
      await showStats(context, stats)
    } finally {
      view.stop()
    }
  })
}

async function showPlan(
  context: CommandContext,
  revision: string | undefined,
  options: GcRunOptions,
): Promise<void> {
  await openForReading(context, async (store) => {
    const { target, keep, plan } = await asked(store, revision, options)
    const json = {
      type: 'plan',
      command: 'gc run',
      target: target?.hash ?? null,
      keep: keep.map(({ hash }) => hash),
      before: plan.before,
    }
    await context.output.document(json, () => plan.lines)
  })
}

/** What a collection is asked for, found in the store. @throws why it is refused */
async function asked(
  store: StoreReader & { readonly gc: GcReader },
  revision: string | undefined,
  options: GcRunOptions,
): Promise<{
  readonly target: Commit | undefined
  readonly keep: readonly Commit[]
  readonly plan: GcRunPlan
}> {
  const target = revision === undefined ? undefined : await findCommit(store, revision)
  const keep = await Promise.all(options.keep.map((text) => findCommit(store, text)))
  const isAllowed = await store.gc.isAllowed(target)
  if (isAllowed !== true) throw isAllowed
  return { target, keep, plan: await planOf(store, target, store.gc.behaviour()) }
}

interface GcRunPlan {
  /** Commits before the target; `null` without one. */
  readonly before: number | null
  readonly lines: string[]
}

/** Whether a collection runs only the writer knows: `unknown` while there is one. */
export async function gcStatus(context: CommandContext): Promise<void> {
  const { output } = context
  await openForReading(context, async (store) => {
    const { gc } = store
    const latest = gc.latestTarget() ?? null
    const writer = await findWriter(store.path)
    const state = writer === undefined ? 'idle' : 'unknown'
    const json = { type: 'gc', state, behaviour: gc.behaviour(), latestTarget: latest }
    const by = writer === undefined ? '' : ` (process ${writer.pid} has the store open)`
    await output.facts({ ...json, ...(writer !== undefined && { writer }) }, [
      ['state', `${state}${by}`],
      ['behaviour', gc.behaviour()],
      ['last collected before', latest === null ? '-' : output.hash(latest)],
    ])
  })
}

/**
 * What can be told before: how many commits lie before the target. Some of them a branch or a tag may keep.
 */
async function planOf(
  store: StoreReader,
  target: Commit | undefined,
  behaviour: 'archive' | 'delete',
): Promise<GcRunPlan> {
  const verb = behaviour === 'archive' ? 'archive' : 'drop'
  if (target === undefined) {
    return { before: null, lines: [`${verb} what no branch and no tag reaches`] }
  }
  let before = -1
  for await (const _ of store.log(target)) before++
  const name = `${target.hash.slice(0, 12)} ${firstLine(target.message)}`
  const commits = before === 1 ? 'the commit' : `the ${before} commits`
  return {
    before,
    lines: [`${verb} ${commits} before ${name}, except those that a branch, a tag or --keep names`],
  }
}

async function showStats({ output }: CommandContext, stats: GcStats): Promise<void> {
  const { target, objectsKept, bytesKept, bytesFreed, bytesArchived, wallMs, longestStallMs } = stats
  const archived: [string, string][] =
    bytesArchived > 0 ? [['bytes archived', output.size(bytesArchived)]] : []
  await output.facts({ type: 'collection', ...stats, target: target ?? null }, [
    ['target', target === undefined ? '-' : output.hash(target)],
    ['objects kept', output.count(objectsKept)],
    ['bytes kept', output.size(bytesKept)],
    ['bytes freed', output.size(bytesFreed)],
    ...archived,
    ['seconds', (wallMs / 1_000).toFixed(2)],
    ['longest stall', `${longestStallMs.toFixed(2)} ms`],
  ])
}
