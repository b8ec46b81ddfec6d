import { join } from 'node:path'
import { type Commit, Store } from '@varve/store'
import type { Benchmark, Figure } from '../benchmark.ts'
import { storeOptions } from '../measuring/store-folder.ts'
import { KeyTable } from '../workloads/key-table.ts'
import { SplitMix64 } from '../workloads/split-mix64.ts'
import { roundCount, sampled } from './samples.ts'
import { inFolder } from './temporary-folder.ts'

const keyCount = 100_000
const keysInCommit = 1_000
const valueBytes = 100
const readCount = 50_000

/** The same keys of an archived commit and of the head, each with cold caches first. */
export const lowerReadsBenchmark: Benchmark = {
  name: 'layers/reads',
  about:
    '50,000 reads by path out of 100,000 keys, from a volume and from the upper layer; then the same again',
  run: () => inFolder(measure),
}

async function* measure(folder: string): AsyncGenerator<Figure> {
  const path = join(folder, 'store')
  const keys = new KeyTable(paths(), keyCount)
  const old = await fill(path, join(folder, 'lower'), keys)
  const rates = new Map<string, number[]>()
  for (let round = 0; round < roundCount; round++) {
    for (const layer of ['volume', 'upper layer'] as const) {
      const store = await Store.open(path, { readOnly: true })
      const commit = layer === 'volume' ? await store.getCommit(old) : await store.branch('main').head()
      for (const pass of ['first', 'again']) {
        const name = `${layer}, ${pass}`
        rates.set(name, [...(rates.get(name) ?? []), read(commit as Commit, keys, round)])
      }
      await store.close()
    }
  }
  for (const [name, values] of rates) yield* sampled(name, values, '/s')
}

/** Every key is written, archived as it is, and overwritten. */
async function fill(path: string, lower: string, keys: KeyTable): Promise<Commit['hash']> {
  const store = await Store.open(path, { ...storeOptions, lower })
  const random = new SplitMix64(3)
  let written: Commit | undefined
  for (const _ of ['old', 'new']) {
    const before = written
    for (let at = 0; at < keyCount; at += keysInCommit) {
      written = await store.branch('main').commit((edit) => {
        for (let i = at; i < at + keysInCommit; i++) edit.set(keys.path(i), random.bytes(valueBytes))
      })
    }
    if (before === undefined) continue
    await store.gc.run(written, { grace: 0 })
    await store.close()
    return before.hash
  }
  throw new Error('both have been written')
}

function read(commit: Commit, keys: KeyTable, seed: number): number {
  const random = new SplitMix64(100 + seed)
  const tree = commit.tree()
  const before = performance.now()
  for (let i = 0; i < readCount; i++) {
    if (tree.getSync(keys.path(random.index(keyCount)))?.length !== valueBytes)
      throw new Error('a value is missing')
  }
  return (readCount / (performance.now() - before)) * 1e3
}

function* paths(): Generator<readonly string[]> {
  const random = new SplitMix64(1)
  for (let i = 0; i < keyCount; i++) {
    yield [(random.next().low & 255).toString(16).padStart(2, '0'), random.hex()]
  }
}
