import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CollectorThread, IndexThread, lastRoundBudget, ThreadKeeper } from '@varve/gc-worker'
import { loadXxh64 } from '@varve/pack/base'
import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { roundTo } from '../packages/gc-worker/src/collector/testing/collect.ts'
import { readGeneration } from '../packages/gc-worker/src/collector/testing/generation-contents.ts'
import { type KnownRecord, SmallStore } from '../packages/gc-worker/src/collector/testing/small-store.ts'
import { type CollectJob, removeJobFiles } from '../packages/gc-worker/src/job/index.ts'

let folder: string
let store: SmallStore
let job: CollectJob
let records: KnownRecord[]

beforeAll(loadXxh64)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-gc-thread-'))
  store = await SmallStore.create(new NodeFileSystem(), folder)
  const blobs = Array.from({ length: 2000 }, (_, i) => store.blob(`blob ${i} `.repeat(20)))
  const tree = store.node('t', blobs.slice(0, 1000))
  const target = store.commit('c', tree, [])
  store.setRef('main', target)
  records = [...blobs.slice(0, 1000), tree, target]
  job = await store.job({ targetRecord: target })
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** The disk, which the thread builds by the program of failures. */
function failing(how: string): FileSystem {
  const module = new URL('./dist/failing-origin.js', import.meta.url).href
  const disk = new NodeFileSystem()
  return Object.defineProperty(disk, 'origin', { value: { module, options: { how } } })
}

const offsets = (): number[] => records.map((r) => r.offset).sort((a, b) => a - b)

describe('the collector on its thread', () => {
  test('does the same work as inline', async () => {
    const thread = CollectorThread.start(job, { fileSystem: store.fs })
    expect(await thread.sweep()).toMatchObject({ objectsKept: 1002 })
    const extra = store.node('new', [records[0]!])
    await store.endBatch()
    const budget = { ...lastRoundBudget, ms: 1000 }
    expect(await thread.catchUp(roundTo(store, job.start, { budget }))).toMatchObject({ state: 'done' })
    const result = await thread.finish()
    await thread.close()
    expect((await readGeneration(store, result.segments)).offsets).toEqual(offsets())
    expect(extra.offset).toBeGreaterThan(job.newRetire)
    expect(result.stats.wallMs).toBeGreaterThan(0)
  })

  test('a thread is kept for the next collection if its last one finished, and only then', async () => {
    const threads = new ThreadKeeper()
    threads.warm()
    const first = await threads.take()
    threads.giveBack(first)
    for (let i = 0; i < 2; i++) {
      const thread = CollectorThread.start(job, { fileSystem: store.fs, threads })
      await thread.sweep()
      await thread.finish()
      await thread.close()
      await removeJobFiles(store.fs, job)
    }
    const same = await threads.take()
    expect(same).toBe(first)
    threads.giveBack(same)
    const cancelled = CollectorThread.start(job, { fileSystem: store.fs, threads })
    await cancelled.sweep()
    await cancelled.cancel()
    const other = await threads.take()
    expect(other).not.toBe(first)
    await expect(first.run('collect', {})).rejects.toMatchObject({ code: 'GC_FAILED' })
    await threads.close()
    threads.giveBack(other)
    await threads.close()
    await expect(other.run('collect', {})).rejects.toMatchObject({ code: 'GC_FAILED' })
  })

  test.each([
    ['exit', 'worker'],
    ['memory', 'memory'],
    ['throw', 'other'],
    ['disk', 'disk'],
    ['nothing', 'other'],
  ])('%s: GC_FAILED with reason %s, no file stays, and the next collection works', async (how, reason) => {
    const before = await readdir(folder)
    const threads = new ThreadKeeper({ heapMiBMax: 64 })
    const thread = CollectorThread.start(job, { fileSystem: failing(how), threads })
    const failure = await thread.sweep().catch((e: unknown) => e)
    expect(failure).toMatchObject({ code: 'GC_FAILED', details: { reason } })
    await expect(thread.sweep()).rejects.toMatchObject({ code: 'GC_FAILED' })
    await thread.close()
    expect(await readdir(folder)).toEqual(before)
    const next = CollectorThread.start(job, { fileSystem: store.fs })
    expect(await next.sweep()).toMatchObject({ objectsKept: 1002 })
    await next.cancel()
    expect(await readdir(folder)).toEqual(before)
  })

  test('cancel rejects at once, and deletes files only when the thread has ended', async () => {
    const before = await readdir(folder)
    const thread = CollectorThread.start(job, { fileSystem: failing('wait') })
    const call = thread.sweep().catch((e: unknown) => e)
    while ((await readdir(folder)).length === before.length) await new Promise((r) => setTimeout(r, 5))
    const cancelled = thread.cancel()
    expect(await call).toMatchObject({ code: 'ABORTED' })
    await cancelled
    expect(await readdir(folder)).toEqual(before)
  })

  test('a job that cannot be sent is refused, not lost', async () => {
    const odd = { ...job, keep: { ...job.keep, extra: () => 0 } }
    const thread = CollectorThread.start(odd, { fileSystem: store.fs })
    await expect(thread.sweep()).rejects.toMatchObject({ code: 'GC_FAILED', details: { reason: 'worker' } })
    await thread.close()
  })
})

describe('the thread for indexes', () => {
  test('builds one after another, also while a collection waits, and says what failed', async () => {
    const busy = CollectorThread.start(job, { fileSystem: failing('wait') })
    const call = busy.sweep().catch(() => 'cancelled')
    const indexes = new IndexThread({ fileSystem: store.fs })
    const one = { dir: folder, storeId: job.storeId, chunk: store.chunks[0]! }
    const missing = { ...one, chunk: { ...one.chunk, number: 77 } }
    const [first, second] = await Promise.allSettled([indexes.build(one), indexes.build(missing)])
    expect(first.status).toBe('fulfilled')
    expect(second).toMatchObject({ reason: { code: 'CORRUPT' } })
    expect(await readdir(folder)).toContain('suffix-1.idx')
    await indexes.close()
    await expect(indexes.build(one)).rejects.toMatchObject({ code: 'ABORTED' })
    await busy.cancel()
    expect(await call).toBe('cancelled')
  })

  test.runIf(process.platform === 'linux')('gives way to the program, and to nobody else', async () => {
    const before = await niceOfThreads()
    const awaited = new IndexThread({ fileSystem: store.fs })
    await awaited.build({ dir: folder, storeId: job.storeId, chunk: store.chunks[0]! })
    for (const [thread, nice] of await niceOfThreads())
      if (!before.has(thread)) expect(nice).toBe(before.get(String(process.pid)))
    await awaited.close()
    const indexes = new IndexThread({ fileSystem: store.fs, givesWay: true })
    await indexes.build({ dir: folder, storeId: job.storeId, chunk: store.chunks[0]! })
    const during = await niceOfThreads()
    const added = [...during].filter(([thread]) => !before.has(thread))
    expect(added.some(([, nice]) => nice >= 10)).toBe(true)
    for (const [thread, nice] of before) expect(during.get(thread) ?? nice).toBe(nice)
    await indexes.close()
  })
})

/** The priority of each thread of this process, as Linux has it: larger is lower. */
async function niceOfThreads(): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const thread of await readdir('/proc/self/task')) {
    const stat = await readFile(`/proc/self/task/${thread}/stat`, 'latin1').catch(() => undefined)
    // The name, in brackets, may hold anything; behind it `nice` is the 17th field.
    if (stat !== undefined) found.set(thread, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]))
  }
  return found
}
