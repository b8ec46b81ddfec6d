import { loadXxh64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import { BlockCache, FileRetirer, IndexFile } from '@varve/pack/pack'
import { FaultFileSystem, MemoryFileSystem } from '@varve/pack/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SmallStore, storeId } from '../collector/testing/small-store.ts'
import { buildIndex, type IndexJob } from './build-index.ts'

beforeAll(loadXxh64)

let store: SmallStore
let job: IndexJob

beforeEach(async () => {
  store = await SmallStore.create(new MemoryFileSystem())
})

async function openIndex(): Promise<IndexFile> {
  const { number } = job.chunk
  const name = fileName.chunkIndex(number)
  const cache = new BlockCache({ bytesMax: 1 << 20 })
  const retirer = new FileRetirer(store.fs, () => {})
  const index = await IndexFile.open(store.fs, { folder: store.dir, name, number, storeId, cache, retirer })
  if (index === undefined) throw new TypeError('the index is there')
  return index
}

async function sealed(): Promise<void> {
  await store.seal({ index: false })
  job = { dir: store.dir, storeId: storeId.toString('hex'), chunk: store.chunks[0]! }
}

describe('the index of a sealed chunk', () => {
  test('lists objects, metadata, touches, bare puts, and healed nodes', async () => {
    store.time = 77
    const blob = store.blob('blob')
    const bare = store.blob('bare', { bare: true })
    const commit = store.commit('c', store.node('t', [blob]), [])
    const ref = store.setRef('main', commit)
    await store.endBatch()
    store.time = 88
    store.touch(blob)
    const healed = store.nodeBelowItsBlob('h')
    await sealed()
    await buildIndex(store.fs, job)
    const index = await openIndex()
    expect(index.candidates(1, blob.hash)).toEqual([blob.offset])
    expect(index.candidates(2, blob.hash)).toEqual([])
    expect(index.candidates(3, commit.hash)).toEqual([commit.offset])
    expect(index.count).toBe(6)
    expect([...index.metadataOffsets()]).toEqual([ref.offset])
    const { offsets, times } = index.touched()
    expect([...offsets]).toEqual([bare.offset, blob.offset])
    expect([...times]).toEqual([77, 88])
    expect([...index.healedOffsets()]).toEqual([healed.offset])
    expect(index.packLength).toBe(job.chunk.length)
  })

  test('an empty chunk, and one that has an index already', async () => {
    await sealed()
    await buildIndex(store.fs, job)
    await buildIndex(store.fs, job)
    expect((await openIndex()).count).toBe(0)
  })

  test('damage: a body keeps its entry, lost bytes end what is covered', async () => {
    const [first, second] = [store.blob('first, damaged in its body'), store.blob('second')]
    await store.endBatch()
    const third = store.blob('third, damaged in its length')
    await store.endBatch()
    const fourth = store.blob('fourth')
    await sealed()
    await store.damage(first, 50)
    await store.damage(third, 12)
    await buildIndex(store.fs, job)
    const index = await openIndex()
    for (const blob of [first, second, fourth]) expect(index.candidates(1, blob.hash)).toEqual([blob.offset])
    expect(index.candidates(1, third.hash)).toEqual([])
    expect(index.packLength).toBe(third.offset - job.chunk.base)
  })

  test('a missing chunk is corruption', async () => {
    await sealed()
    await store.fs.remove('/store/suffix-1.pack')
    await expect(buildIndex(store.fs, job)).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  test('when any operation fails there is no index, and it can be built afterwards', async () => {
    store.blob('content')
    await sealed()
    const memory = store.fs as MemoryFileSystem
    const counting = new FaultFileSystem(memory.clone())
    await buildIndex(counting, job)
    const total = counting.operationCount
    expect(total).toBeGreaterThan(8)
    for (let at = 1; at <= total; at++) {
      const copy = memory.clone()
      const faulty = new FaultFileSystem(copy, [{ fault: { kind: 'error', code: 'EIO' }, at }])
      const failure = await buildIndex(faulty, job).catch((e: unknown) => e)
      if (faulty.struck.length > 0 && failure === undefined) continue
      expect(await copy.stat(`/store/${fileName.chunkIndex(1)}`)).toBeUndefined()
      const isFolder = faulty.struck[0]?.kind === 'syncFolder'
      expect(VarveError.is(failure, 'WRITER_FAILED')).toBe(isFolder)
      await buildIndex(copy, job)
    }
  })
})
