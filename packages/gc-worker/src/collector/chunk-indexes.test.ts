import { loadXxh64 } from '@varve/pack/base'
import { fileName } from '@varve/pack/layout'
import { FaultFileSystem, MemoryFileSystem } from '@varve/pack/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CollectJob } from '../job/index.ts'
import { newCollector } from './testing/collect.ts'
import { SmallStore } from './testing/small-store.ts'

beforeAll(loadXxh64)

let store: SmallStore

beforeEach(async () => {
  store = await SmallStore.create(new MemoryFileSystem())
})

describe('the chunk that was sealed for a collection', () => {
  const told: [number, boolean][] = []
  const onIndexed = (chunk: number, isThere: boolean): void => void told.push([chunk, isThere])

  beforeEach(() => {
    told.length = 0
  })

  async function sweptWith(fs: MemoryFileSystem, job: CollectJob): Promise<void> {
    const collector = newCollector(fs, job, onIndexed)
    try {
      await collector.sweep()
    } finally {
      await collector.close()
    }
  }

  test.each(['with', 'without'])('gets the index that it would get alone, %s a target', async (how) => {
    const old = store.blob('old')
    const target = store.commit('c', store.node('t', [old]), [])
    store.setRef('main', target)
    await store.seal()
    store.time = 77
    store.touch(old)
    await store.endBatch()
    store.nodeBelowItsBlob('healed')
    const damaged = store.blob('damaged in its body')
    store.commit('d', store.node('u', [store.blob('bare', { bare: true })]), [target.hash])
    const { number } = store.openChunk
    const targetRecord = how === 'with' ? target : undefined
    const job = await store.job({ targetRecord, unindexed: [number] })
    await store.damage(damaged, 50)
    const memory = store.fs as MemoryFileSystem
    const path = `${store.dir}/${fileName.chunkIndex(number)}`
    await sweptWith(memory, job)
    const index = memory.files().get(path)
    expect(told).toEqual([[number, true]])
    await store.buildIndex(store.chunks[1] as (typeof store.chunks)[0])
    expect(index).toEqual(memory.files().get(path))
  })

  test('has no index where it cannot be written, and the collection does not care', async () => {
    const target = store.commit('c', store.node('t', []), [])
    const { number } = store.openChunk
    const job = await store.job({ targetRecord: target, unindexed: [number] })
    const path = fileName.chunkIndex(number)
    const memory = store.fs as MemoryFileSystem
    const faulty = new FaultFileSystem(memory, [
      { fault: { kind: 'error', code: 'EIO' }, kinds: ['sync'], path },
    ])
    const collector = newCollector(faulty, job, onIndexed)
    expect(await collector.sweep()).toMatchObject({ objectsKept: 2 })
    expect(told).toEqual([[number, false]])
    expect(await memory.list(store.dir)).not.toContain(path)
    await collector.close()
  })

  test('nothing goes on when its name may not be durable', async () => {
    const target = store.commit('c', store.node('t', []), [])
    const { number } = store.openChunk
    const job = await store.job({ targetRecord: target, unindexed: [number] })
    const fault = { fault: { kind: 'error', code: 'EIO' }, kinds: ['syncFolder'] } as const
    const faulty = new FaultFileSystem(store.fs as MemoryFileSystem, [fault])
    const collector = newCollector(faulty, job, onIndexed)
    await expect(collector.sweep()).rejects.toMatchObject({ code: 'WRITER_FAILED' })
    expect(told, 'or the caller would build it').toEqual([])
    await collector.close()
    expect(faulty.struck).toHaveLength(1)
  })
})
