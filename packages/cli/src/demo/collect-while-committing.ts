import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Commit, GcStats, Store } from '@varve/store'
import type { Host } from '../host/index.ts'
import { CommandFailure } from '../terminal/index.ts'
import type { GeneratedHistory } from './generated-history.ts'
import type { Stage } from './stage.ts'

export interface StoreSize {
  readonly objects: number
  /** Of all files. */
  readonly bytes: number
}

export interface CollectionFigures {
  /** Right before the switch, with everything that was committed meanwhile. */
  readonly before: StoreSize
  readonly after: StoreSize
  readonly stats: GcStats
  readonly commitCount: number
  readonly wallMs: number
  /** The longest time in which the event loop did not turn. */
  readonly loop: { readonly committingMs: number; readonly collectingMs: number }
}

/** Fewer would not show that writing goes on. */
const COMMITS_MIN = 20

/** Starts a collection, commits as fast as it goes until its worker is ready, then lets the store switch. */
export async function collectWhileCommitting(
  store: Store,
  o: {
    readonly host: Host
    readonly stage: Stage
    readonly generated: GeneratedHistory
    readonly target: Commit
  },
): Promise<CollectionFigures> {
  const { host, stage, generated, target } = o
  const committingMs = await longestStall(() => commitOften(generated))
  await stage.say('Collecting everything before the middle of the history, and committing meanwhile.')
  const startedMs = host.clock.monotonic()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await store.startGc(target, { grace: 0, signal: host.interrupted })
  let commitCount = 0
  while (store.gc.status.state === 'running' || commitCount < COMMITS_MIN) {
    await generated.commit('commit')
    commitCount++
    const { status } = store.gc
    const done = status.state === 'idle' ? 0 : status.progress.done
    const total = status.state === 'idle' ? undefined : status.progress.total
    stage.show({ label: 'collecting', done, total })
  }
  const before = sizeOf(store)
  const result = await store.finaliseGc({ wait: true })
  delay.disable()
  if (result.state !== 'finalised') {
    throw new CommandFailure('INTERNAL', `the collection ended ${result.state}`)
  }
  await stage.say(`Committed ${commitCount} times while the collection ran.`)
  const wallMs = host.clock.monotonic() - startedMs
  const loop = { committingMs, collectingMs: delay.max / 1e6 }
  return { before, after: sizeOf(store), stats: result.stats, commitCount, wallMs, loop }
}

async function longestStall(work: () => Promise<void>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await work()
  delay.disable()
  return delay.max / 1e6
}

async function commitOften(generated: GeneratedHistory): Promise<void> {
  for (let n = 0; n < COMMITS_MIN; n++) await generated.commit('commit')
}

function sizeOf(store: Store): StoreSize {
  const { files, objects } = store.stats()
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  return { objects: objects.blob + objects.tree + objects.commit, bytes }
}
