import { hash } from 'node:crypto'
import { ClassicLevel } from 'classic-level'
import type { Measurement, Order } from '../measuring/measurement.ts'
import { Stopwatch } from '../measuring/stopwatch.ts'
import type { WorkloadSize } from '../workloads/workload-size.ts'
import { growth, reads } from '../workloads/workloads.ts'
import { microseconds } from './microseconds.ts'

const keyBytes = 32

interface Entry {
  /** The SHA-256 of the value. */
  readonly key: Buffer
  readonly value: Buffer
}

/**
 * The values of W1 into a new LevelDB, each commit a chained batch; nothing is synced. Leaves it compacted:
 * otherwise it would do that during the reads, which would take half as long again.
 */
export async function measurePut({ folder, size }: Order): Promise<Measurement> {
  const batches = [...growth(size)].map(entriesOf)
  const database = await open(folder)
  const watch = new Stopwatch()
  await watch.time(async () => {
    for (const entries of batches) {
      const batch = database.batch()
      for (const { key, value } of entries) batch.put(key, value)
      await batch.write()
    }
  })
  await database.compactRange(Buffer.alloc(keyBytes, 0x00), Buffer.alloc(keyBytes, 0xff))
  await database.close()
  return microseconds('LevelDB, by chained batches, a key', watch, size.growthCommits * size.growthKeys)
}

/** The reads of W3 from the LevelDB that `measurePut` left. */
export async function measureGetSync({ folder, size }: Order): Promise<Measurement> {
  const entries = allEntries(size)
  const indexes = [...reads({ count: entries.length }, size)]
  const keys = indexes.map((index) => (entries[index] as Entry).key)
  const database = await open(folder)
  const watch = new Stopwatch()
  const found = await watch.time(() => {
    let sum = 0
    for (const key of keys) sum += database.getSync(key)?.[0] ?? Number.NaN
    return sum
  })
  await database.close()
  const expected = indexes.reduce((sum, index) => sum + ((entries[index] as Entry).value[0] as number), 0)
  if (found !== expected) throw new Error(`the values read sum up to ${found}, not ${expected}`)
  return microseconds('LevelDB, at random, a key', watch, size.reads)
}

async function open(folder: string): Promise<ClassicLevel<Buffer, Buffer>> {
  const database = new ClassicLevel<Buffer, Buffer>(folder, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  })
  await database.open()
  return database
}

function allEntries(size: WorkloadSize): Entry[] {
  return [...growth(size)].flatMap(entriesOf)
}

function entriesOf(writes: readonly { readonly value: Buffer }[]): Entry[] {
  return writes.map(({ value }) => ({ key: hash('sha256', value, 'buffer'), value }))
}
