import { join } from 'node:path'
import { type CheckOptions, Store } from '@varve/store'
import type { Benchmark, Figure } from '../benchmark.ts'
import { openStore } from '../measuring/store-folder.ts'
import { workloadSizes } from '../workloads/workload-size.ts'
import { growth } from '../workloads/workloads.ts'
import { roundCount, sampled } from './samples.ts'
import { inFolder } from './temporary-folder.ts'

const kinds: readonly (readonly [name: string, options: CheckOptions])[] = [
  ['structure', {}],
  ['structure, and a fiftieth hashed', { sample: 0.02 }],
  ['structure, and all hashed', { full: true }],
]

/** On a thread, while nothing else happens to the store. */
export const checkingBenchmark: Benchmark = {
  name: 'layers/check',
  about: 'checks of the store of W1, 200 commits of 1,000 new keys with values of 100 bytes',
  run: () => inFolder(measure),
}

async function* measure(folder: string): AsyncGenerator<Figure> {
  const path = join(folder, 'store')
  const writer = await openStore(path)
  for (const writes of growth(workloadSizes.full)) {
    await writer.branch('main').commit((edit) => {
      for (const { path, value } of writes) edit.set(path, value)
    })
  }
  await writer.close()
  const store = await Store.open(path, { readOnly: true })
  for (const [name, options] of kinds) {
    const objects: number[] = []
    const bytes: number[] = []
    for (let round = 0; round < roundCount; round++) {
      const before = performance.now()
      const report = await store.check(options)
      const seconds = (performance.now() - before) / 1e3
      const [finding] = report.findings
      if (finding !== undefined) throw new Error(`${finding.file} at ${finding.offset}: ${finding.what}`)
      objects.push(report.objects / seconds)
      bytes.push(report.bytes / 1e6 / seconds)
    }
    yield* sampled(`${name}: objects`, objects, '/s')
    yield* sampled(`${name}: bytes`, bytes, 'MB/s')
  }
  await store.close()
}
