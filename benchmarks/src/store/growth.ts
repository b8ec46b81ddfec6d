import type { Figure } from '../benchmark.ts'
import { ContentSample } from '../measuring/content-sample.ts'
import {
  costFigures,
  lapFigures,
  type Measurement,
  mean,
  megabytes,
  memoryFigure,
  type Order,
  rate,
} from '../measuring/measurement.ts'
import { headOf, openStore, totalBytes } from '../measuring/store-folder.ts'
import { TimedCommits } from '../measuring/timed-commits.ts'
import { growth, growthKeys } from '../workloads/workloads.ts'

/** W1, into a new store. */
export async function measureGrowth({ folder, size }: Order): Promise<Measurement> {
  const store = await openStore(folder)
  const commits = new TimedCommits(store, 'w1')
  for (const writes of growth(size)) await commits.add(writes)
  const memory = memoryFigure()
  const keys = growthKeys(size)
  new ContentSample(keys).expect(growth(size)).check(store)
  const { treeHash } = await headOf(store)
  await store.close()
  const { watch } = commits
  const figures = [
    rate('keys', keys.count, watch.wallMs),
    rate('commits', commits.count, watch.wallMs),
    ...lapFigures('commit', watch.laps),
    ...quarters(watch.laps),
    megabytes('disk', totalBytes(folder)),
    memory,
    ...costFigures(watch),
  ]
  return { figures, proofs: { 'tree after W1': treeHash } }
}

/** Directories fill up, so commits become slower. */
function quarters(laps: readonly number[]): Figure[] {
  const length = laps.length / 4
  return [0, 1, 2, 3].map((quarter) => ({
    what: `commit, mean of quarter ${quarter + 1}`,
    value: mean(laps.slice(quarter * length, (quarter + 1) * length)),
    unit: 'ms',
  }))
}
