import { loadXxh64, systemClock } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { FaultFileSystem, MemoryFileSystem, SeededRandom } from '@varve/pack/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { roundTo } from '../collector/testing/collect.ts'
import { readGeneration } from '../collector/testing/generation-contents.ts'
import { type KnownRecord, SmallStore } from '../collector/testing/small-store.ts'
import type { CollectJob, CollectProgress } from '../job/index.ts'
import { CollectorThread } from './collector-thread.ts'

beforeAll(loadXxh64)

interface Prepared {
  readonly store: SmallStore
  readonly memory: MemoryFileSystem
  readonly job: CollectJob
  readonly target: KnownRecord
}

/** A store with two chunks below the boundary, a generation, and something for a round to do. */
async function prepare(): Promise<Prepared> {
  const memory = new MemoryFileSystem()
  const store = await SmallStore.create(memory)
  const random = new SeededRandom(5)
  const blobs: KnownRecord[] = []
  for (let i = 0; i < 60; i++) blobs.push(store.blob(random.bytes(200)))
  const first = store.commit('1', store.node('t', blobs.slice(0, 30)), [])
  store.setRef('main', first)
  const early = await store.job({ targetRecord: first })
  const thread = CollectorThread.start(early, { fileSystem: memory })
  await thread.sweep()
  await store.adopt(early, await thread.finish())
  await thread.close()
  const more = Array.from({ length: 40 }, () => store.blob(random.bytes(300)))
  await store.seal()
  const target = store.commit('2', store.node('u', [...blobs.slice(0, 10), ...more.slice(0, 20)]), [
    first.hash,
  ])
  store.setRef('main', target)
  const sealed = { unindexed: [store.openChunk.number] }
  const job = await store.job({ targetRecord: target, memoryBytesMax: 64, ...sealed })
  store.node('round', [blobs[20]!, more[30]!])
  await store.endBatch()
  return { store, memory, job, target }
}

const isMade = (name: string): boolean => !name.startsWith('suffix-')

describe('a collection', () => {
  test('leaves nothing behind, whichever operation fails, and works the next time', async () => {
    const { store, memory, job } = await prepare()
    const before = (await memory.list(store.dir)).filter(isMade)
    const counting = new FaultFileSystem(memory.clone())
    await collectOver(counting, store, job)
    const total = counting.operationCount
    expect(total).toBeGreaterThan(60)
    const met = new Set<string>()
    for (let at = 1; at <= total; at++) {
      const copy = memory.clone()
      const faulty = new FaultFileSystem(copy, [
        { fault: { kind: 'error', code: at % 2 === 0 ? 'EIO' : 'ENOSPC' }, at },
      ])
      const failure = await collectOver(faulty, store, job).catch((e: unknown) => e)
      const struck = faulty.struck[0]
      if (failure === undefined) continue
      expect(VarveError.is(failure), String(failure)).toBe(true)
      met.add((failure as VarveError).code)
      if (struck?.kind === 'syncFolder') expect(failure).toMatchObject({ code: 'WRITER_FAILED' })
      // What cannot be read is told as damage by the floor below, where it is met as such.
      else if (VarveError.is(failure, 'CORRUPT')) expect(['open', 'read', 'size']).toContain(struck?.kind)
      else expect(failure).toMatchObject({ code: 'GC_FAILED', details: { reason: 'disk' } })
      expect((await copy.list(store.dir)).filter(isMade), `${struck?.kind} ${struck?.path}`).toEqual(before)
      expect(copy.openHandles()).toEqual([])
    }
    expect([...met]).toEqual(expect.arrayContaining(['GC_FAILED', 'WRITER_FAILED']))
    await collectOver(memory, store, job)
  })

  test('everything that it names survives a power cut right after finish', async () => {
    const { store, memory, job } = await prepare()
    const thread = CollectorThread.start(job, { fileSystem: memory })
    await thread.sweep()
    await thread.catchUp(roundTo(store, job.start))
    const result = await thread.finish()
    const image = memory.crashImage({ keep: 'none' })
    await thread.close()
    const after = new SmallStore(image)
    const kept = await readGeneration(store, result.segments)
    expect(await readGeneration(after, result.segments)).toMatchObject({
      offsets: kept.offsets,
      touched: kept.touched,
    })
    expect(await image.stat(`/store/meta-${result.checkpoint.number}.ckpt`)).toBeDefined()
  })

  test('cancelled at any moment: the call rejects, files go, and a second cancel is harmless', async () => {
    const { store, memory, job } = await prepare()
    const before = await memory.list(store.dir)
    for (let turns = 0; turns < 12; turns++) {
      const thread = CollectorThread.start(job, { fileSystem: memory })
      const call = thread.sweep().then(
        () => 'done',
        (error: unknown) => error,
      )
      for (let i = 0; i < turns; i++) await Promise.resolve()
      const cancelled = thread.cancel()
      expect(await call).toMatchObject({ code: 'ABORTED' })
      await cancelled
      await thread.cancel()
      expect(await memory.list(store.dir)).toEqual(before)
      await expect(thread.sweep()).rejects.toMatchObject({ code: 'ABORTED' })
    }
  })

  test('a signal cancels, also one that was aborted before', async () => {
    const { store, memory, job } = await prepare()
    const before = await memory.list(store.dir)
    const controller = new AbortController()
    const thread = CollectorThread.start(job, { fileSystem: memory, signal: controller.signal })
    const call = thread.sweep()
    controller.abort(new TypeError('enough'))
    await expect(call).rejects.toMatchObject({
      code: 'ABORTED',
      name: 'AbortError',
      cause: expect.any(TypeError),
    })
    await thread.close()
    expect(await memory.list(store.dir)).toEqual(before)
    const late = CollectorThread.start(job, { fileSystem: memory, signal: controller.signal })
    await expect(late.sweep()).rejects.toMatchObject({ code: 'ABORTED' })
    await late.close()
  })

  test('tells its progress, not too often, and never afterwards', async () => {
    const { memory, job } = await prepare()
    let ms = 0
    const tick = (): number => {
      ms += 30
      return ms
    }
    const clock = { ...systemClock, monotonic: () => tick() }
    const told: CollectProgress[] = []
    const thread = CollectorThread.start(job, { fileSystem: memory, clock, onProgress: (p) => told.push(p) })
    await thread.sweep()
    expect(told.length).toBeGreaterThan(0)
    expect(told.length).toBeLessThan(ms / 100 + 1)
    for (const p of told) {
      expect(p.done).toBeGreaterThanOrEqual(0)
      if (p.total !== undefined) expect(p.done).toBeLessThanOrEqual(p.total)
    }
    const count = told.length
    await thread.cancel()
    expect(told.length).toBe(count)
  })
})

/** A whole collection; whatever happens, it is closed. */
async function collectOver(
  fs: FaultFileSystem | MemoryFileSystem,
  store: SmallStore,
  job: CollectJob,
): Promise<void> {
  const thread = CollectorThread.start(job, { fileSystem: fs })
  try {
    await thread.sweep()
    await thread.catchUp(roundTo(store, job.start))
    await thread.finish()
  } finally {
    await thread.close()
  }
}
