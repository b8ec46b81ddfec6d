import { join } from 'node:path'
import { formatBytes } from '@varve/pack/base'
import { type Commit, Store } from '@varve/store'
import type { Host } from '../host/index.ts'
import { paletteFor } from '../terminal/index.ts'
import { type CollectionFigures, collectWhileCommitting } from './collect-while-committing.ts'
import { GeneratedHistory } from './generated-history.ts'
import { importOwnHistory } from './own-history.ts'
import { Stage } from './stage.ts'

/** A smaller history would be collected before one has seen anything. */
const OBJECTS_MIN = 50_000
const MAIN = 'main'

/**
 * Imports the project's own history (or that of the repository asked for) into a new store, extends it if it
 * is short, collects one half of it while committing goes on, and tells what became of everything. The store
 * stays.
 */
export async function demonstrate(host: Host, asked?: string): Promise<void> {
  const startedMs = host.clock.monotonic()
  const stage = new Stage(host)
  const folder = join(await host.files.makeTemporaryFolder('varve-'), 'store')
  const store = await Store.open(folder, { signal: host.interrupted })
  try {
    await importOwnHistory(store, { host, stage, asked })
    const generated = new GeneratedHistory(store, await mainLine(store))
    await extend(generated, store, stage)
    const target = await middleOf(store, generated.branch)
    const figures = await collectWhileCommitting(store, { host, stage, generated, target })
    await tell(host, { figures, target, store })
  } finally {
    stage.end()
    await store.close()
  }
  const seconds = (host.clock.monotonic() - startedMs) / 1_000
  await host.stdout.write(
    `\n${seconds.toFixed(1)} s in all. The store stays in\n  ${folder}\nLook into it:\n`,
  )
  const command = join(import.meta.dirname, '..', 'main.js')
  await host.stdout.write(`  node ${command} -s ${folder} log -n 5\n`)
}

/** Commits generated content until the store has enough objects. */
async function extend(generated: GeneratedHistory, store: Store, stage: Stage): Promise<void> {
  const before = objectCount(store)
  if (before >= OBJECTS_MIN) return
  await stage.say(
    `${count(before)} objects are few: generated commits extend the history to ${count(OBJECTS_MIN)} objects.`,
  )
  let commitCount = 0
  for (let now = before; now < OBJECTS_MIN; now = objectCount(store)) {
    await generated.commit('flush')
    commitCount++
    stage.show({ label: 'extending', done: now, total: OBJECTS_MIN })
  }
  await store.flush()
  await stage.say(`Made ${count(commitCount)} commits; the store has ${count(objectCount(store))} objects.`)
}

/** The branch that everything happens on: main, or the first there is, or one to be made. */
async function mainLine(store: Store): Promise<string> {
  const names: string[] = []
  for await (const { name } of store.branches()) names.push(name)
  return names.includes(MAIN) ? MAIN : (names[0] ?? MAIN)
}

/** The commit in the middle of the main line: what lies before it is let go. */
async function middleOf(store: Store, branch: string): Promise<Commit> {
  const head = await store.branch(branch).head()
  const line = await store.log(head ?? [], { firstParent: true }).toArray()
  return line[Math.floor(line.length / 2)]!
}

async function tell(
  host: Host,
  o: { readonly figures: CollectionFigures; readonly target: Commit; readonly store: Store },
): Promise<void> {
  const { bold, dim } = paletteFor('auto', host, host.stdout)
  const { before, after, stats, loop } = o.figures
  const rows: readonly (readonly [string, string])[] = [
    ['collected before', `${o.target.hash.slice(0, 12)}  ${o.target.message.split('\n')[0]}`],
    ['commits meanwhile', `${count(o.figures.commitCount)} in ${(o.figures.wallMs / 1_000).toFixed(2)} s`],
    ['objects kept', `${count(after.objects)} (${count(stats.objectsKept)} of them copied)`],
    ['objects discarded', count(before.objects - after.objects)],
    ['bytes copied', formatBytes(stats.bytesKept)],
    ['bytes freed', formatBytes(stats.bytesFreed)],
    ['size before', formatBytes(before.bytes)],
    ['size after', formatBytes(after.bytes)],
    ['longest event-loop stall', `${loop.collectingMs.toFixed(1)} ms while collecting and committing`],
    ['', `${loop.committingMs.toFixed(1)} ms while only committing`],
    ['', `${stats.longestStallMs.toFixed(1)} ms in one piece of the collection's own work`],
  ]
  await host.stdout.write(`\n${bold('What became of it')}\n`)
  for (const [name, value] of rows) await host.stdout.write(`  ${dim(name.padEnd(26))}${value}\n`)
}

function objectCount(store: Store): number {
  const { blob, tree, commit } = store.stats().objects
  return blob + tree + commit
}

function count(n: number): string {
  return n.toLocaleString('en-US')
}
