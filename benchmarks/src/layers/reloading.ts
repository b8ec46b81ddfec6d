import { join } from 'node:path'
import { Store } from '@varve/store'
import type { Benchmark, Figure } from '../benchmark.ts'
import { storeOptions } from '../measuring/store-folder.ts'
import { roundCount, sampled, timed } from './samples.ts'
import { inFolder } from './temporary-folder.ts'

const rounds: readonly { readonly commits: number; readonly times: number }[] = [
  { commits: 0, times: 50 },
  { commits: 1, times: 50 },
  { commits: 1_000, times: roundCount },
  { commits: 100_000, times: 1 },
]

/** A reader beside a writer of the same process. */
export const reloadingBenchmark: Benchmark = {
  name: 'layers/reload',
  about: 'reload() of a reader after 0, 1, 1,000, and 100,000 new commits of one small value each',
  run: () => inFolder(measure),
}

async function* measure(folder: string): AsyncGenerator<Figure> {
  const path = join(folder, 'store')
  const writer = await Store.open(path, storeOptions)
  const reader = await Store.open(path, { readOnly: true })
  let written = 0
  for (const { commits, times } of rounds) {
    const laps: number[] = []
    for (let time = 0; time < times; time++) {
      for (let i = 0; i < commits; i++) {
        await writer
          .branch('main')
          .commit((edit) => void edit.set(`k/${written % 1000}`, `value ${written++}`))
      }
      await writer.flush()
      laps.push(await timed(() => reader.reload()))
      const [theirs, ours] = [await writer.branch('main').head(), await reader.branch('main').head()]
      if (theirs?.hash !== ours?.hash) throw new Error('the reader is behind')
    }
    yield* sampled(`after ${commits} commits`, laps, 'ms')
  }
  await reader.close()
  await writer.close()
}
