import {
  costFigures,
  lapFigures,
  type Measurement,
  megabytes,
  memoryFigure,
  type Order,
  rate,
} from '../measuring/measurement.ts'
import { headOf, openStore, totalBytes } from '../measuring/store-folder.ts'
import { TimedCommits } from '../measuring/timed-commits.ts'
import { growthKeys, overwrites } from '../workloads/workloads.ts'
import { overwrittenSample } from './overwritten-sample.ts'

/** W2, in the store of W1. A chunk ends behind the commit that W4 collects up to. */
export async function measureOverwriting({ folder, size }: Order): Promise<Measurement> {
  const bytesBefore = totalBytes(folder)
  const keys = growthKeys(size)
  const store = await openStore(folder)
  const commits = new TimedCommits(store, 'w2')
  for (const writes of overwrites(keys, size)) {
    await commits.add(writes)
    if (commits.count === size.overwriteCommits - size.keptCommits) await store.advanced.split()
  }
  const memory = memoryFigure()
  overwrittenSample(keys, size).check(store)
  const { treeHash } = await headOf(store)
  await store.close()
  const { watch } = commits
  const grown = totalBytes(folder) - bytesBefore
  const figures = [
    rate('keys', commits.count * size.overwriteKeys, watch.wallMs),
    rate('commits', commits.count, watch.wallMs),
    ...lapFigures('commit', watch.laps),
    megabytes('disk growth', grown),
    { what: 'disk growth a commit', value: grown / commits.count / 1e3, unit: 'kB' },
    memory,
    ...costFigures(watch),
  ]
  return { figures, proofs: { 'tree after W2': treeHash } }
}
