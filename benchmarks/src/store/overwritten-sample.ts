import { ContentSample } from '../measuring/content-sample.ts'
import type { KeyTable } from '../workloads/key-table.ts'
import type { WorkloadSize } from '../workloads/workload-size.ts'
import { growth, overwrites } from '../workloads/workloads.ts'

/** What a store must hold after W1 and W2. */
export function overwrittenSample(keys: KeyTable, size: WorkloadSize): ContentSample {
  return new ContentSample(keys).expect(growth(size)).expect(overwrites(keys, size))
}
