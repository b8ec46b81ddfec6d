import type { Commit, GcStats, StoreReader } from '@varve/store'
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
  const { host, output, signal } = context
  await openForWriting(context, async (store) => {
    const target = revision === undefined ? undefined : await findCommit(store, revision)
    const keep = await Promise.all(options.keep.map((text) => findCommit(store, text)))
    const isAllowed = await store.gc.isAllowed(target)
    if (isAllowed !== true) throw isAllowed
    const plan = await planOf(store, target)
    if (options.dryRun) {
      const { before, lines } = plan
      const json = {
        type: 'plan',
        command: 'gc run',
        target: target?.hash ?? null,
        keep: keep.map(({ hash }) => hash),
        before,
      }
      return output.document(json, () => lines)
    }
    await confirm(host, { isYes: options.yes, plan: plan.lines, question: 'Collect?' })
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

export async function gcStatus(context: CommandContext): Promise<void> {
  const { output } = context
  await openForReading(context, async (store) => {
    const { gc } = store
    const latest = gc.latestTarget() ?? null
    const json = { type: 'gc', state: gc.status.state, behaviour: gc.behaviour(), latestTarget: latest }
    await output.facts(json, [
      ['state', gc.status.state],
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
): Promise<{ before: number | null; lines: string[] }> {
  if (target === undefined) {
    return { before: null, lines: ['drop what no branch and no tag reaches'] }
  }
  let before = -1
  for await (const _ of store.log(target)) before++
  const name = `${target.hash.slice(0, 12)} ${firstLine(target.message)}`
  const commits = before === 1 ? 'the commit' : `the ${before} commits`
  return {
    before,
    lines: [`drop ${commits} before ${name}, except those that a branch, a tag or --keep names`],
  }
}

async function showStats({ output }: CommandContext, stats: GcStats): Promise<void> {
  const { target, objectsKept, bytesKept, bytesFreed, wallMs, longestStallMs } = stats
  await output.facts({ type: 'collection', ...stats, target: target ?? null }, [
    ['target', target === undefined ? '-' : output.hash(target)],
    ['objects kept', output.count(objectsKept)],
    ['bytes kept', output.size(bytesKept)],
    ['bytes freed', output.size(bytesFreed)],
    ['seconds', (wallMs / 1_000).toFixed(2)],
    ['longest stall', `${longestStallMs.toFixed(2)} ms`],
  ])
}
