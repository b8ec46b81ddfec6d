/** Files and indexes that a collection reads: look-ups by hash, rebuilt indexes, regions, and segments. */
import { loadXxh64 } from '@varve/pack/base'
import { fileName } from '@varve/pack/layout'
import { indexKind } from '@varve/pack/objects'
import type { Segment } from '@varve/pack/pack'
import { flipBit, InterceptedFileSystem, MemoryFileSystem } from '@varve/pack/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { collect } from '../collector/testing/collect.ts'
import { type KnownRecord, SmallStore, storeId } from '../collector/testing/small-store.ts'
import { regionBytes } from '../marks/index.ts'
import { RegionImage } from './region-image.ts'
import { walkSegment } from './segment-records.ts'
import { SourceIndexes } from './source-indexes.ts'
import { SourceSpace } from './source-space.ts'

const { blob: blobKind, tree } = indexKind

beforeAll(loadXxh64)

let disk: MemoryFileSystem
let store: SmallStore
let bytesRead: number
let opened: { source: SourceSpace; indexes: SourceIndexes } | undefined
beforeEach(async () => {
  disk = new MemoryFileSystem()
  store = await SmallStore.create(disk)
  opened = undefined
})
afterEach(async () => {
  opened?.indexes.close()
  await opened?.source.close()
  expect(disk.openHandles()).toEqual([])
})

async function open(): Promise<{ source: SourceSpace; indexes: SourceIndexes }> {
  bytesRead = 0
  const fs = new InterceptedFileSystem(disk, {
    before: ({ kind, length = 0 }) => {
      if (kind === 'read') bytesRead += length
      return undefined
    },
  })
  const { retire, chunks, segments } = store
  const previous = { retire, chunks, segments, checkpoint: undefined }
  const source = await SourceSpace.open({ fs, dir: store.dir, storeId }, previous)
  opened = { source, indexes: new SourceIndexes(source, previous) }
  return opened
}

/** Collects with that target; gives the one segment that holds what was kept. */
async function collectTo(target: KnownRecord): Promise<number> {
  const job = await store.job({ targetRecord: target })
  await store.adopt(job, await collect(store, job))
  expect(store.segments).toHaveLength(1)
  return store.segments[0]?.number ?? 0
}

describe('a look-up', () => {
  test('gives the lowest whole record, in chunks and in segments', async () => {
    const first = store.blob('same')
    const target = store.commit('c', store.node('t', [first]), [])
    await collectTo(target)
    const copies = [store.blob('same')]
    await store.seal()
    copies.push(store.blob('same'))
    await store.seal()
    const { indexes } = await open()
    await indexes.complete()
    const all = [first, ...copies].map(({ offset }) => offset)
    expect(indexes.candidates(blobKind, first.hash)).toEqual(all)
    expect(indexes.find(blobKind, first.hash)).toBe(first.offset)
    expect(indexes.find(tree, first.hash)).toBeUndefined()
    expect(indexes.bytes).toBeGreaterThan(0)
  })

  test('passes damaged records over, and takes one only where it is asked to and none is whole', async () => {
    const copies = [store.blob('same'), store.blob('same')] as [KnownRecord, KnownRecord]
    await store.seal()
    const { hash } = copies[0]
    await store.damage(copies[0], 50)
    const { indexes } = await open()
    await indexes.complete()
    expect(indexes.find(blobKind, hash)).toBe(copies[1].offset)
    expect(indexes.findEvenDamaged(blobKind, hash)).toBe(copies[1].offset)
    expect(copies.map(({ offset }) => indexes.holds(offset, blobKind, hash))).toEqual([false, true])
    expect(indexes.holds(copies[1].offset, blobKind, 'x'.repeat(32))).toBe(false)
  })

  test('of what is damaged everywhere finds its lowest place, not nothing', async () => {
    const copies = [store.blob('same'), store.blob('same')] as [KnownRecord, KnownRecord]
    await store.seal()
    for (const copy of copies) await store.damage(copy, 50)
    const { indexes } = await open()
    await indexes.complete()
    expect(indexes.find(blobKind, copies[0].hash)).toBeUndefined()
    expect(indexes.findEvenDamaged(blobKind, copies[0].hash)).toBe(copies[0].offset)
  })

  test.each(['missing', 'damaged'])(
    'finds everything where indexes are %s, and writes none',
    async (what) => {
      const kept = store.blob('kept')
      const segment = await collectTo(store.commit('c', store.node('t', [kept]), []))
      const later = store.blob('later')
      await store.seal()
      const names = [fileName.segmentIndex(segment), fileName.chunkIndex(store.chunks.at(-1)?.number ?? 0)]
      for (const name of names) {
        if (what === 'missing') await disk.remove(`${store.dir}/${name}`)
        else disk.damage(`${store.dir}/${name}`, flipBit(80))
      }
      const before = disk.files()
      const { indexes } = await open()
      expect(await indexes.withSegment(segment, async () => expect.unreachable())).toBe(false)
      await indexes.complete()
      for (const { hash, offset } of [kept, later]) expect(indexes.find(blobKind, hash)).toBe(offset)
      expect(disk.files()).toEqual(before)
    },
  )
})

describe('the files', () => {
  test('that cannot be opened are CORRUPT, and none stays open', async () => {
    store.blob('a')
    await store.seal()
    store.blob('b')
    await store.seal()
    const name = fileName.chunk(store.chunks.at(-1)?.number ?? 0)
    await disk.remove(`${store.dir}/${name}`)
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPT', details: { file: name } })
  })

  test('say where an offset lies', async () => {
    store.blob('a')
    await store.seal()
    const b = store.blob('b')
    await store.seal()
    const { source } = await open()
    const { number, base } = store.chunks.at(-1) as { number: number; base: number }
    expect(source.placeOf(b.offset)).toEqual({ file: fileName.chunk(number), offset: b.offset - base })
    expect(source.placeOf(1 << 30)).toEqual({ file: 'virtual address space', offset: 1 << 30 })
  })
})

describe('a region', () => {
  /** As the sweep asks: a record that may go on above the region is not proved in it. */
  function provenSize(image: RegionImage, at: number): number {
    const header = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
    return image.isLong(at) ? 0 : image.verify(at, header)
  }

  test('reads of a chunk only the pieces that are asked for', async () => {
    const blobs = Array.from({ length: 40 }, (_, at) => store.blob(Buffer.alloc(10_000, `${at} `)))
    await store.seal()
    const { source } = await open()
    const image = new RegionImage(source)
    bytesRead = 0
    image.begin(0)
    expect(bytesRead).toBe(0)
    const last = blobs.at(-1) as KnownRecord
    expect(provenSize(image, last.offset)).toBe(last.size)
    expect(bytesRead).toBeLessThanOrEqual(2 * 64 * 1024)
    expect(image.bytesRead).toBe(bytesRead)
    for (const { offset, size } of blobs) expect(provenSize(image, offset)).toBe(size)
    expect(image.bytesRead).toBe(store.chunks[0]?.length)
  })

  test('begins empty: in memory that is used again there may be whole records of another store', async () => {
    const { source } = await open()
    for (let times = 0; times < 20; times++) {
      const { bytes } = new RegionImage(source)
      expect(bytes.every((byte) => byte === 0)).toBe(true)
      bytes.fill(0xff)
    }
  })

  test('has no record where no file has one, whatever was there in the region before', async () => {
    const here = store.blob('here')
    const far = store.blob(Buffer.alloc(2 * regionBytes))
    await store.seal()
    const { source } = await open()
    const image = new RegionImage(source)
    image.begin(0)
    expect(provenSize(image, here.offset)).toBe(here.size)
    image.begin(50)
    expect(provenSize(image, here.offset)).toBe(0)
    expect(image.readLong(50 * regionBytes)).toBeUndefined()
    image.begin(0)
    expect(image.isLong(far.offset)).toBe(true)
    expect(image.readLong(far.offset)?.length).toBe(far.size)
  })
})

describe('a segment', () => {
  test('is walked from an offset on, in the middle of a run too', async () => {
    const blobs = Array.from({ length: 5 }, (_, at) => store.blob(`${at}`))
    store.blob('not kept')
    const node = store.node('t', blobs)
    const target = store.commit('c', node, [])
    await collectTo(target)
    const { source } = await open()
    const [segment] = source.space.segments as [Segment]
    const walked = (from: number): number[] => {
      const offsets: number[] = []
      walkSegment(segment, from, ({ offset }) => void offsets.push(offset))
      return offsets
    }
    const all = [...blobs, node, target].map(({ offset }) => offset)
    expect(walked(0)).toEqual(all)
    for (const [at, offset] of all.entries()) {
      expect(walked(offset)).toEqual(all.slice(at))
      expect(walked(offset + 8)).toEqual(all.slice(at + 1))
    }
  })

  test('whose chain of lengths breaks is CORRUPT where it does', async () => {
    const blobs = [store.blob('a'), store.blob('b')] as [KnownRecord, KnownRecord]
    const number = await collectTo(store.commit('c', store.node('t', blobs), []))
    await store.damage(blobs[1], 14)
    const { source } = await open()
    const [segment] = source.space.segments as [Segment]
    const seen: number[] = []
    const details = { file: fileName.segment(number), offset: segment.locate(blobs[1].offset) }
    expect(() => walkSegment(segment, 0, ({ offset }) => void seen.push(offset))).toThrow(
      expect.objectContaining({ code: 'CORRUPT', details }),
    )
    expect(seen).toEqual([blobs[0].offset])
  })
})
