import { join } from 'node:path'
import { Store } from '@varve/store'
import { openBulk } from '@varve/store/internal'
import type { Benchmark, Figure } from '../benchmark.ts'
import { storeOptions } from '../measuring/store-folder.ts'
import { roundCount, sampled } from './samples.ts'
import { inFolder } from './temporary-folder.ts'

const objectCount = 10_000_000
const entriesInDirectory = 1_000
/** 'file' */
const fileMode = 0

/** With warm files: what is measured is the library. */
export const openingBenchmark: Benchmark = {
  name: 'layers/opening',
  about: 'opening a store of 10,000,000 objects only to read, with its first read by path',
  run: () => inFolder(measure),
}

async function* measure(folder: string): AsyncGenerator<Figure> {
  const path = join(folder, 'store')
  const hash = await fill(path)
  const opened: number[] = []
  const read: number[] = []
  for (let round = 0; round < roundCount; round++) {
    const start = performance.now()
    const store = await Store.open(path, { readOnly: true })
    const middle = performance.now()
    const head = await store.getCommit(hash as never)
    if (head?.tree().getSync('d0/f0') === undefined) throw new Error('it is not there')
    read.push(performance.now() - middle)
    opened.push(middle - start)
    await store.close()
  }
  yield* sampled('open', opened, 'ms')
  yield* sampled('first look-up of a commit and read', read, 'ms')
}

/** Small blobs in directories, without a promise for each. */
async function fill(path: string): Promise<string> {
  const store = await Store.open(path, storeOptions)
  const bulk = await openBulk(store)
  const directories = []
  for (let at = 0; at < objectCount / entriesInDirectory; at++) {
    await bulk.ready()
    const entries = Array.from({ length: entriesInDirectory }, (_, i) => {
      const { hash, offset, size } = bulk.putBlob(Buffer.from(`object ${at} ${i}`))
      return { name: Buffer.from(`f${i}`).toString('latin1'), mode: fileMode, size, count: 0, hash, offset }
    })
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    const node = bulk.putDirectory(undefined, entries as never)
    directories.push({ name: `d${at}`, ...node, ...bulk.totals(node) })
  }
  directories.sort((a, b) => (a.name < b.name ? -1 : 1))
  const tree = bulk.putDirectory(undefined, directories as never)
  const { hash } = bulk.putCommit({ tree, parents: [], author: '', date: 0, message: '', extra: {} })
  await bulk.finish([{ name: 'heads/main', commit: hash }])
  await store.close()
  return hash
}
