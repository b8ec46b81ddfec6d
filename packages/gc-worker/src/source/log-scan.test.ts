/** The log gone through forwards, in parts and over damage, and the index that is made of it. */
import { loadXxh64 } from '@varve/pack/base'
import { fileName } from '@varve/pack/layout'
import { indexKind } from '@varve/pack/objects'
import { BlockCache, batchHeaderSize, batchTrailerSize, FileRetirer, IndexFile } from '@varve/pack/pack'
import { MemoryFileSystem, zeroRange } from '@varve/pack/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KnownRecord, SmallStore, storeId } from '../collector/testing/small-store.ts'
import { scanForIndex } from './chunk-index.ts'
import { type LostRange, refuseLost, scanLog } from './log-scan.ts'

beforeAll(loadXxh64)

let store: SmallStore
beforeEach(async () => {
  store = await SmallStore.create(new MemoryFileSystem())
})

interface Seen {
  readonly records: [offset: number, time: number][]
  readonly damaged: number[]
  readonly lost: LostRange[]
  readonly batchEnds: number[]
  readonly counts: { readonly bytes: number; readonly records: number }
}

const options = (): { fs: SmallStore['fs']; dir: string; storeId: Buffer } => ({
  fs: store.fs,
  dir: store.dir,
  storeId,
})

async function scan(from: number, to: number, skipTo?: number): Promise<Seen> {
  const seen: Omit<Seen, 'counts'> = { records: [], damaged: [], lost: [], batchEnds: [] }
  const chunks = [...store.chunks, store.openChunk]
  const range = { chunks, from, to, ...(skipTo === undefined ? {} : { skipTo }) }
  const counts = await scanLog(options(), range, {
    record: ({ offset }, time) => void seen.records.push([offset, time]),
    damaged: async ({ offset }) => void seen.damaged.push(offset),
    lost: (lost) => void seen.lost.push(lost),
    batchEnd: (end) => void seen.batchEnds.push(end),
  })
  expect((store.fs as MemoryFileSystem).openHandles()).toEqual([])
  return { ...seen, counts }
}

/** Three batches in two chunks, of two blobs each; the borders of batches. */
async function threeBatches(): Promise<{ records: KnownRecord[]; borders: number[] }> {
  const records: KnownRecord[] = []
  const borders = [store.end]
  for (let batch = 0; batch < 3; batch++) {
    store.time = 100 * (batch + 1)
    records.push(store.blob(`first of ${batch}`), store.blob(`second of ${batch}`))
    await store.endBatch()
    borders.push(store.end)
    if (batch === 1) await store.seal()
  }
  return { records, borders }
}

describe('a scan', () => {
  test('gives every record with the time of its batch, and counts what it went through', async () => {
    const { records, borders } = await threeBatches()
    const seen = await scan(0, store.end)
    expect(seen.records).toEqual(records.map(({ offset, time }) => [offset, time]))
    expect(seen.batchEnds).toEqual(borders.slice(1))
    const framing = 3 * (batchHeaderSize + batchTrailerSize)
    const bytes = records.reduce((sum, { size }) => sum + size, framing)
    expect(seen.counts).toEqual({ bytes, records: 6 })
  })

  test('of a part takes the batches from one border to another, and opens no other chunk', async () => {
    const { records, borders } = await threeBatches()
    const [start, first, second] = borders as [number, number, number, number]
    const offsets = ({ records: found }: Seen): number[] => found.map(([offset]) => offset)
    const expected = (from: number, to: number): number[] =>
      records.slice(from, to).map(({ offset }) => offset)
    expect(offsets(await scan(first, second))).toEqual(expected(2, 4))
    expect(offsets(await scan(start, first))).toEqual(expected(0, 2))
    expect(offsets(await scan(0, first))).toEqual(expected(0, 2))
    expect(offsets(await scan(0, store.end, second))).toEqual(expected(4, 6))
    expect(offsets(await scan(0, store.end, second - 1))).toEqual(expected(2, 6))
    const [sealed] = store.chunks
    await store.fs.remove(`${store.dir}/${fileName.chunk(sealed?.number ?? 0)}`)
    expect(offsets(await scan(store.openChunk.base, store.end))).toEqual(expected(4, 6))
    await expect(scan(0, store.end)).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  test('tells a damaged record by its place and goes on behind it', async () => {
    const { records } = await threeBatches()
    const [first, second, ...rest] = records as [KnownRecord, KnownRecord, ...KnownRecord[]]
    await store.damage(first, 50)
    const seen = await scan(0, store.end)
    expect(seen.damaged).toEqual([first.offset])
    expect(seen.records.map(([offset]) => offset)).toEqual([second, ...rest].map(({ offset }) => offset))
    expect(seen.lost).toEqual([])
  })

  test('tells what it has lost where no record can be told from the next', async () => {
    const { records } = await threeBatches()
    const first = records[4] as KnownRecord
    await store.damage(first, 12)
    const seen = await scan(0, store.end)
    const batch = { start: first.offset - batchHeaderSize, recordCount: 2 }
    expect(seen.lost).toMatchObject([{ chunk: store.openChunk, start: first.offset, batch }])
    expect(seen.records).toHaveLength(4)
    const { number, base } = store.openChunk
    const details = { file: fileName.chunk(number), offset: first.offset - base }
    expect(() => refuseLost(seen.lost[0] as LostRange)).toThrow(expect.objectContaining({ details }))
  })
})

describe('the index of a chunk', () => {
  async function indexed(): Promise<{ readonly index: IndexFile; readonly packLength: number }> {
    const [place] = store.chunks as [SmallStore['openChunk']]
    const { builder, packLength } = await scanForIndex(options(), place)
    const cache = new BlockCache({ bytesMax: 1 << 20 })
    const retirer = new FileRetirer(store.fs, () => undefined)
    const { number } = place
    const bytes = builder.encode({ number, storeId, packLength })
    const name = fileName.chunkIndex(number)
    return {
      index: IndexFile.ofBytes(bytes, { folder: store.dir, name, number, storeId, cache, retirer }),
      packLength,
    }
  }

  test('lists a record with a damaged body, so that a look-up meets the damage', async () => {
    const blob = store.blob('damaged', { bare: true })
    const ref = store.setRef('main', undefined)
    const touch = store.touch(blob)
    await store.seal({ index: false })
    for (const record of [blob, ref, touch]) await store.damage(record, 48)
    const { index, packLength } = await indexed()
    expect(index.candidates(indexKind.blob, blob.hash)).toEqual([blob.offset])
    expect([...index.metadataOffsets()]).toEqual([ref.offset])
    // Whom the touch named is not known; that the blob was put bare is.
    expect([...index.touched().offsets]).toEqual([blob.offset])
    expect(packLength).toBe(store.chunks[0]?.length)
  })

  test('covers the chunk up to what is lost, and lists what it knows behind it', async () => {
    const before = store.blob('before')
    await store.endBatch()
    const lost = store.blob('lost')
    await store.endBatch()
    const behind = store.blob('behind')
    await store.seal({ index: false })
    const start = lost.offset - batchHeaderSize
    const disk = store.fs as MemoryFileSystem
    disk.damage(`${store.dir}/suffix-1.pack`, zeroRange(start, lost.offset + lost.size))
    const { index, packLength } = await indexed()
    expect(packLength).toBe(start)
    const found = [before, lost, behind].map(({ hash }) => [...index.candidates(indexKind.blob, hash)])
    expect(found).toEqual([[before.offset], [], [behind.offset]])
  })
})
