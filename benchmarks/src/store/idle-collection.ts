import {
  costFigures,
  type Measurement,
  megabytes,
  memoryFigure,
  type Order,
} from '../measuring/measurement.ts'
import { Stopwatch } from '../measuring/stopwatch.ts'
import { headOf, openStore, totalBytes } from '../measuring/store-folder.ts'
import { growthKeys } from '../workloads/workloads.ts'
import { collectionFigures, collectionTarget } from './collection.ts'
import { overwrittenSample } from './overwritten-sample.ts'

/** W4 with nothing else to do: from the start of the collection until it has switched. */
export async function measureIdleCollection({ folder, size }: Order): Promise<Measurement> {
  const bytesBefore = totalBytes(folder)
  const keys = growthKeys(size)
  const store = await openStore(folder)
  const target = await collectionTarget(store, size)
  const watch = new Stopwatch()
  const result = await watch.time(async () => {
    await store.startGc(target)
    return store.finaliseGc()
  })
  const memory = memoryFigure()
  const sample = overwrittenSample(keys, size)
  sample.check(store)
  const { treeHash } = await headOf(store)
  await store.close()
  const figures = [
    ...collectionFigures(result),
    megabytes('disk before', bytesBefore),
    megabytes('disk after', totalBytes(folder)),
    memory,
    ...costFigures(watch),
  ]
  await sample.checkAnew(folder)
  return { figures, proofs: { 'tree after W2': treeHash } }
}
