import { closeSync, cpSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { Store } from '@varve/store'
import type { Benchmark } from '../benchmark.ts'
import { percentile } from '../measuring/measurement.ts'
import { filesIn, packBytes, storeOptions } from '../measuring/store-folder.ts'
import { writeContent } from './large-history.ts'
import { roundCount, sampled, timed } from './samples.ts'
import { inFolder, otherFileSystem } from './temporary-folder.ts'

const sizes = [64, 256, 1024]

interface Lap {
  readonly collectMs: number
  /** Of copying and syncing the same files. */
  readonly copyMs: number
}

/** Whole collections that keep the same 32 MiB, whatever they retire. */
export const archivingBenchmark: Benchmark = {
  name: 'layers/archiving',
  about:
    'collections that retire 64, 256, 1,024 MiB and keep 32: deleting, archiving in one file system, and into another, ' +
    'where reading back right after writing verifies the copy, not the disk',
  async *run() {
    const other = otherFileSystem()
    if (other === undefined)
      yield { what: 'no second file system can be written to here', value: 0, unit: '' }
    for (const size of sizes) {
      const deleting = await laps(size, undefined)
      yield* sampled(`${size} MiB, deleted`, collected(deleting), 's')
      yield* sampled(`${size} MiB, archived`, collected(await laps(size, 'here')), 's')
      if (other === undefined) continue
      const copied = await laps(size, other)
      const copies = copied.map(({ copyMs }) => copyMs / 1e3)
      yield* sampled(`${size} MiB, archived into ${other}`, collected(copied), 's')
      yield* sampled(`${size} MiB, copied and synced into ${other}`, copies, 's')
      const archive = percentile(collected(copied), 0.5) - percentile(collected(deleting), 0.5)
      const part = (100 * percentile(copies, 0.5)) / archive
      yield { what: `${size} MiB, speed of the archive against that`, value: part, unit: '%' }
    }
  },
}

function collected(laps: readonly Lap[]): number[] {
  return laps.map(({ collectMs }) => collectMs / 1e3)
}

async function laps(mebibytes: number, lower: string | undefined): Promise<Lap[]> {
  const found: Lap[] = []
  const isOther = lower !== undefined && lower !== 'here'
  for (let round = 0; round < roundCount; round++) {
    const measured = inFolder((folder) => {
      if (!isOther) return once(mebibytes, folder, lower === undefined ? undefined : join(folder, 'lower'))
      return inFolder((there) => once(mebibytes, folder, join(there, 'lower')), lower)
    })
    for await (const lap of measured) found.push(lap)
  }
  return found
}

async function* once(mebibytes: number, folder: string, lower: string | undefined): AsyncGenerator<Lap> {
  const options = lower === undefined ? storeOptions : { ...storeOptions, lower }
  const store = await Store.open(join(folder, 'store'), options)
  const head = await writeContent(store, mebibytes)
  const collectMs = await timed(() => store.gc.run(head, { grace: 0 }))
  await store.close()
  if (lower === undefined) return yield { collectMs, copyMs: 0 }
  const volume = join(lower, 'volume-1')
  if (packBytes(volume) < mebibytes * 2 ** 20) throw new Error('the archive is not whole')
  yield { collectMs, copyMs: copyAndSync(volume, `${lower}-copy`) }
}

function copyAndSync(from: string, to: string): number {
  const before = performance.now()
  cpSync(from, to, { recursive: true })
  for (const file of filesIn(to)) {
    const handle = openSync(file, 'r')
    fsyncSync(handle)
    closeSync(handle)
  }
  return performance.now() - before
}
