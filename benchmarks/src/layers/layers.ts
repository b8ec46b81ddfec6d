import type { Benchmark } from '../benchmark.ts'
import { archivingBenchmark } from './archiving.ts'
import { checkingBenchmark } from './checking.ts'
import { lowerReadsBenchmark } from './lower-reads.ts'
import { openingBenchmark } from './opening.ts'
import { reloadingBenchmark } from './reloading.ts'

/** Of stores in two layers, and of those opened only to read. */
export const layerBenchmarks: readonly Benchmark[] = [
  archivingBenchmark,
  lowerReadsBenchmark,
  reloadingBenchmark,
  openingBenchmark,
  checkingBenchmark,
]
