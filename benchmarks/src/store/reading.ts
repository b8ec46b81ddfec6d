import type { Tree } from '@varve/store'
import type { Figure } from '../benchmark.ts'
import {
  costFigures,
  type Measurement,
  memoryFigure,
  type Order,
  rate,
  total,
} from '../measuring/measurement.ts'
import { Stopwatch } from '../measuring/stopwatch.ts'
import { headOf, openStore } from '../measuring/store-folder.ts'
import { ValueSum } from '../measuring/value-sum.ts'
import type { KeyTable } from '../workloads/key-table.ts'
import { type WorkloadSize, workloadSizes } from '../workloads/workload-size.ts'
import { growth, growthKeys, overwrites, reads } from '../workloads/workloads.ts'

/** The sum of W3 at full size, as the reference states it. */
const fullSum = '0d5b0a1e1fd0785b'
/** Paths are made between the timed sections. */
const sectionCount = 100

/** W3 with a new tree from the commit for each read; twice, the second time with warm caches. */
export function measureFreshTrees(order: Order): Promise<Measurement> {
  return measure(order, ['first pass', 'second pass'], (tree) => (path) => tree().getSync(path))
}

/** W3 with all reads from one tree. */
export function measureOneTree(order: Order): Promise<Measurement> {
  return measure(order, ['one pass'], (tree) => {
    const one = tree()
    return (path) => one.getSync(path)
  })
}

type Read = (path: readonly string[]) => Uint8Array | undefined

async function measure(
  { folder, size }: Order,
  passes: readonly string[],
  readOf: (tree: () => Tree) => Read,
): Promise<Measurement> {
  const keys = growthKeys(size)
  const opening = new Stopwatch()
  const store = await opening.time(() => openStore(folder))
  const head = await headOf(store)
  const figures: Figure[] = [{ what: 'open', value: opening.wallMs, unit: 'ms' }]
  const sums: string[] = []
  const all = new Stopwatch()
  for (const pass of passes) {
    const { laps, sum } = await readAll(all, { keys, size, read: readOf(() => head.tree()) })
    figures.push(...rates(pass, laps, size.reads))
    sums.push(sum)
  }
  figures.push(memoryFigure(), ...costFigures(all))
  await store.close()
  const expected = expectedSum(keys, size)
  if (size === workloadSizes.full && expected !== fullSum) throw new Error(`the generator gives ${expected}`)
  const wrong = sums.find((sum) => sum !== expected)
  if (wrong !== undefined) throw new Error(`the values read sum up to ${wrong}, not ${expected}`)
  return { figures, proofs: { 'values of W3': expected } }
}

async function readAll(
  watch: Stopwatch,
  o: { readonly keys: KeyTable; readonly size: WorkloadSize; readonly read: Read },
): Promise<{ laps: readonly number[]; sum: string }> {
  const sum = new ValueSum()
  const indexes = [...reads(o.keys, o.size)]
  const length = indexes.length / sectionCount
  const start = watch.laps.length
  for (let at = 0; at < indexes.length; at += length) {
    const paths = indexes.slice(at, at + length).map((index) => o.keys.path(index))
    const values = await watch.time(() => paths.map(o.read))
    for (const [i, value] of values.entries()) {
      if (value === undefined) throw new Error(`${paths[i]?.join('/')} is not there`)
      sum.add(value)
    }
  }
  return { laps: watch.laps.slice(start), sum: sum.toString() }
}

/** Of the whole pass, and of its first and last quarter. */
function rates(pass: string, laps: readonly number[], count: number): Figure[] {
  const quarter = laps.length / 4
  const rateOf = (what: string, part: readonly number[]): Figure =>
    rate(what, (count * part.length) / laps.length, total(part))
  return [
    rateOf(`reads, ${pass}`, laps),
    rateOf(`reads, ${pass}, first quarter`, laps.slice(0, quarter)),
    rateOf(`reads, ${pass}, last quarter`, laps.slice(-quarter)),
  ]
}

/** What was written, summed up without a store. */
function expectedSum(keys: KeyTable, size: WorkloadSize): string {
  const first = Buffer.alloc(keys.count * 8)
  for (const commits of [growth(size), overwrites(keys, size)]) {
    for (const writes of commits) for (const { index, value } of writes) value.copy(first, index * 8, 0, 8)
  }
  const sum = new ValueSum()
  for (const index of reads(keys, size)) sum.add(first.subarray(index * 8, index * 8 + 8))
  return sum.toString()
}
