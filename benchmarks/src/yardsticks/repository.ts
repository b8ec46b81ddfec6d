import { hash } from 'node:crypto'
import { git, initRepository } from '../git/git.ts'
import type { Measurement, Order } from '../measuring/measurement.ts'
import { Stopwatch } from '../measuring/stopwatch.ts'
import { growth, growthKeys, overwrites, reads } from '../workloads/workloads.ts'
import { importScript } from './import-script.ts'
import { microseconds } from './microseconds.ts'

const branch = 'refs/heads/main'

/** W1 into a new repository. */
export async function measureImport({ folder, size }: Order): Promise<Measurement> {
  await initRepository(folder)
  const script = importScript(growth(size), { branch, name: 'w1', isNew: true })
  return seconds("W1's commits", () => git(folder, ['fast-import', '--quiet'], script))
}

/** W2 into the repository of W1. */
export async function measureOverwritingImport({ folder, size }: Order): Promise<Measurement> {
  const commits = overwrites(growthKeys(size), size)
  const script = importScript(commits, { branch, name: 'w2', isNew: false })
  return seconds("W2's commits", () => git(folder, ['fast-import', '--quiet'], script))
}

/** The reads of W3, by the ids of blobs, from the repository of W1. */
export async function measureCatFile({ folder, size }: Order): Promise<Measurement> {
  const values = [...growth(size)].flatMap((writes) => writes.map(({ value }) => value))
  const wanted = [...reads({ count: values.length }, size)].map((index) => values[index] as Buffer)
  const ids = wanted.map(blobId)
  const watch = new Stopwatch()
  const input = [`${ids.join('\n')}\n`]
  const printed = await watch.time(() => git(folder, ['cat-file', '--batch', '--buffer'], input))
  const expected = wanted.flatMap((value, i) => [
    Buffer.from(`${ids[i]} blob ${value.length}\n`),
    value,
    Buffer.from('\n'),
  ])
  if (!printed.equals(Buffer.concat(expected))) throw new Error('git does not hold what was written')
  return microseconds('--batch --buffer, at random, a blob', watch, size.reads)
}

/** `git gc` of the repository of W1 and W2, all of it reachable. */
export function measureWholeCollection({ folder }: Order): Promise<Measurement> {
  return seconds('of W1 and W2', () => collect(folder))
}

/** `git gc` when only the last tree of W1 and W2 is reachable, from a commit without a parent. */
export async function measureDroppingCollection({ folder }: Order): Promise<Measurement> {
  const commit = await git(folder, ['commit-tree', '-m', 'last', `${branch}^{tree}`])
  await git(folder, ['update-ref', branch, commit.toString('latin1').trim()])
  return seconds('of W1 and W2, history dropped', () => collect(folder))
}

function collect(folder: string): Promise<Buffer> {
  return git(folder, ['gc', '--quiet', '--prune=now'])
}

async function seconds(what: string, work: () => Promise<unknown>): Promise<Measurement> {
  const watch = new Stopwatch()
  await watch.time(work)
  return { figures: [{ what, value: watch.wallMs / 1e3, unit: 's' }], proofs: {} }
}

function blobId(content: Buffer): string {
  return hash('sha1', Buffer.concat([Buffer.from(`blob ${content.length}\0`), content]))
}
