/**
 * Commits its numbers one after another and collects all the while. Says each number when it is durable, and
 * each collection when it begins and when it is over. Arguments: the store's folder, how many commits.
 */

import type { Commit } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { contentAt, keyOf } from './numbered-commits.ts'

const [folder = '', commitCount = ''] = process.argv.slice(2)
/** Commits whose whole history is kept. */
const KEPT = 25

const store = await openStore(folder, {}, { chunkBytes: 256 * 1024 })
const main = store.branch('main')
const recent: Commit[] = []
let collecting: Promise<void> | undefined
for (let n = 0; n < Number(commitCount); n++) {
  await commit(n)
  if (n > KEPT) collecting ??= collect(recent[0] as Commit)
}
await collecting
await store.close()

async function commit(n: number): Promise<void> {
  const made = await main.commit((edit) => void edit.set(keyOf(n), contentAt(n)), { message: `${n}` })
  recent.push(made)
  if (recent.length > KEPT) recent.shift()
  if (n % 10 === 0) await store.tag('tenth').delete()
  if (n % 10 === 1) await store.tag('tenth').create(recent.at(-2) ?? made)
  if (n % 50 === 0) await store.branch(`side-${n % 3}`).set(made)
  process.stdout.write(`${n}\n`)
}

async function collect(target: Commit): Promise<void> {
  process.stdout.write('collect\n')
  await store.gc.run(target, { grace: 0 })
  process.stdout.write('collected\n')
  collecting = undefined
}
