import type { Commit, GcResult, Store } from '@varve/store'
import type { Figure } from '../benchmark.ts'
import { megabytes } from '../measuring/measurement.ts'
import type { WorkloadSize } from '../workloads/workload-size.ts'

/** The commit behind which W2 ended a chunk; asked for while the branch is as W2 left it. */
export async function collectionTarget(store: Store, size: WorkloadSize): Promise<Commit> {
  const target = await store.resolve(`main~${size.keptCommits}`)
  if (target === undefined) throw new Error('the target is not there')
  return target
}

/** What the store says of it. @throws Error when it did not get to its end */
export function collectionFigures(result: GcResult): Figure[] {
  if (result.state !== 'finalised') throw new Error(`the collection is ${result.state}`)
  const { stats } = result
  return [
    { what: 'collection', value: stats.wallMs / 1e3, unit: 's' },
    { what: 'objects kept', value: stats.objectsKept, unit: '' },
    megabytes('kept', stats.bytesKept),
    megabytes('freed', stats.bytesFreed),
    { what: 'longest stall', value: stats.longestStallMs, unit: 'ms' },
    megabytes("collector's own memory", stats.peakBytes),
  ]
}
