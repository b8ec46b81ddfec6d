import { ContentSample } from '../measuring/content-sample.ts'
import {
  costFigures,
  lapFigures,
  type Measurement,
  megabytes,
  memoryFigure,
  type Order,
  percentile,
  rate,
} from '../measuring/measurement.ts'
import { headOf, openStore, packBytes, totalBytes } from '../measuring/store-folder.ts'
import { TimedCommits } from '../measuring/timed-commits.ts'
import { largeDirectory, largeKeys, largeUpdates } from '../workloads/workloads.ts'

/** W5, into a new store: one large directory; then, in the same process, overwrites of single entries. */
export async function measureLargeDirectory({ folder, size }: Order): Promise<Measurement> {
  const keys = largeKeys(size)
  const store = await openStore(folder)
  const load = new TimedCommits(store, 'w5')
  for (const writes of largeDirectory(size)) await load.add(writes)
  const loaded = await headOf(store)
  const bytesLoaded = totalBytes(folder)
  const packLoaded = packBytes(folder)
  const updates = new TimedCommits(store, 'w5u')
  for (const writes of largeUpdates(keys, size)) await updates.add(writes)
  const packUpdated = packBytes(folder)
  const memory = memoryFigure()
  new ContentSample(keys).expect(largeDirectory(size)).expect(largeUpdates(keys, size)).check(store)
  const { treeHash } = await headOf(store)
  await store.close()
  const { laps } = load.watch
  const figures = [
    rate('keys', keys.count, load.watch.wallMs),
    { what: 'load commit, first', value: laps[0] as number, unit: 'ms' },
    { what: 'load commit, p50', value: percentile(laps, 0.5), unit: 'ms' },
    { what: 'load commit, last', value: laps.at(-1) as number, unit: 'ms' },
    megabytes('disk after load', bytesLoaded),
    ...costFigures(load.watch, 'load timed'),
    rate('updates', updates.count, updates.watch.wallMs),
    ...lapFigures('update', updates.watch.laps),
    { what: 'pack growth an update', value: (packUpdated - packLoaded) / updates.count, unit: 'B' },
    memory,
    ...costFigures(updates.watch, 'updates timed'),
  ]
  return { figures, proofs: { 'tree after W5 load': loaded.treeHash, 'tree after W5': treeHash } }
}
