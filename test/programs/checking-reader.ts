/**
 * Reads a store of numbered commits, reloads at random, and checks everything that it reads: what it sees
 * between two reloads is one state, whole, and never an older one than before. Goes on until its input ends,
 * then closes and says how often it has checked, reloaded, and met the files of a collection that was over.
 * Ends with 1 at the first wrong answer, or when a handle is left. Arguments: the store's folder, a seed.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readlinkSync } from 'node:fs'
import { SeededRandom } from '@varve/pack/testing'
import { type Commit, type ReadOnlyStore, Store } from '@varve/store'
import { contentAt, treeOf } from './numbered-commits.ts'

const [folder = '', seed = ''] = process.argv.slice(2)
const random = new SeededRandom(Number(seed))
/** Turns of the event loop after which a handle that nobody uses is closed. */
const TURNS_MAX = 10_000
const counts = { checks: 0, reloads: 0, openings: 1, unlinked: 0 }
let isOver = false
process.stdin.on('end', () => {
  isOver = true
})
process.stdin.resume()

let store = await Store.open(folder, { readOnly: true })
let last = -1
process.stdout.write('open\n')
while (!isOver) {
  await checkState()
  if (random.chance(0.1)) await openAgain()
  else if (random.chance(0.7)) await reload()
  else await new Promise((resolve) => void setImmediate(resolve))
}
await store.close()
await handlesLeft(0)
process.stdout.write(`${JSON.stringify(counts)}\n`)

async function openAgain(): Promise<void> {
  counts.openings++
  const next = await Store.open(folder, { readOnly: true })
  await store.close()
  store = next
}

async function reload(): Promise<void> {
  counts.reloads++
  const before = await numberOf(store)
  const unlinkedBefore = unlinkedFiles()
  const changes = await store.reload()
  const moved = changes.find(({ ref }) => ref === 'heads/main')
  expectSame(moved?.before === undefined ? before : Number(moved.before.message), before, 'where main was')
  expectSame(moved?.after === undefined ? before : Number(moved.after.message), await numberOf(store), 'main')
  // What the writer had unlinked by then is of an older state, and given back. (More may be unlinked since.)
  for (let turn = 0; ; turn++) {
    const now = unlinkedFiles()
    const kept = unlinkedBefore.filter((path) => now.includes(path))
    if (kept.length === 0) return
    if (turn === TURNS_MAX) throw new Error(`open after a reload, and unlinked before: ${kept.join(' ')}`)
    await new Promise((resolve) => void setImmediate(resolve))
  }
}

async function checkState(): Promise<void> {
  const head = (await store.branch('main').head()) as Commit
  const n = Number(head.message)
  if (n < last) throw new Error(`${n} is older than ${last}`)
  last = n
  await checkTree(head)
  if (unlinkedFiles().length > 0) counts.unlinked++
  // All of the history that this state has, in a state that goes nowhere whatever is collected meanwhile.
  let expected = n
  for await (const commit of store.log(head, { limit: 8 })) {
    expectSame(Number(commit.message), expected--, 'the line of commits')
    if (random.chance(0.3)) await checkTree(commit)
  }
  const found = (await store.resolve(head.hash.slice(0, 20))) as Commit
  expectSame(found.hash, head.hash, 'a commit by the start of its hash')
  await checkBlob([...treeOf(n).values()].at(random.below(treeOf(n).size)) as number)
  const tagged = await store.tag('tenth').target()
  if (tagged !== undefined) await checkTree(tagged)
  counts.checks++
}

async function checkTree(commit: Commit): Promise<void> {
  const n = Number(commit.message)
  const expected = treeOf(n)
  let seen = 0
  for await (const entry of commit.tree().entries('', { recursive: true })) {
    if (entry.kind === 'tree') continue
    seen++
    const m = expected.get(entry.path.join('/'))
    if (m === undefined) throw new Error(`${entry.path.join('/')} is not in commit ${n}`)
    expectSame(entry.hash, hashOf(contentAt(m)), `${entry.path.join('/')} in commit ${n}`)
    if (!random.chance(0.3)) continue
    const content = await commit.tree().get(entry.path)
    expectSame(content && hashOf(content), entry.hash, `the content of ${entry.path.join('/')}`)
  }
  expectSame(seen, expected.size, `entries of commit ${n}`)
}

async function checkBlob(m: number): Promise<void> {
  const bytes = contentAt(m)
  const blob = await store.openBlob(hashOf(bytes) as never)
  expectSame(blob?.size, bytes.length, `the size of blob ${m}`)
  expectSame(hashOf((await blob?.bytes()) as Uint8Array), blob?.hash, `the content of blob ${m}`)
}

async function numberOf(from: ReadOnlyStore): Promise<number> {
  return Number((await from.branch('main').head())?.message)
}

function expectSame(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`)
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Files of the store that this process has open, and which of them have no name any more. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`)
      return path.startsWith(`${folder}/`) ? [path] : []
    } catch {
      // The one that reads the list.
      return []
    }
  })
}

function unlinkedFiles(): string[] {
  return openFiles().filter((path) => path.endsWith(' (deleted)'))
}

async function handlesLeft(allowed: number): Promise<void> {
  const left = openFiles()
  if (left.length > allowed) throw new Error(`${left.length} files are still open: ${left.join(' ')}`)
}
