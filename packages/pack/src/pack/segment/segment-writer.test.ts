import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import {
  FaultFileSystem,
  flipBit,
  MemoryFileSystem,
  type Operation,
  SeededRandom,
  truncateTo,
} from '../../testing/index.ts'
import { BlockCache, FileRetirer } from '../blocks/index.ts'
import { IndexFile } from '../index/index.ts'
import { AddressSpace, RecordReader } from '../read/index.ts'
import { makeRecords, testStoreId as storeId, type TestRecord } from '../testing/packed-records.ts'
import { Segment, type SegmentInfo } from './segment.ts'
import { SegmentWriter, type SegmentWriterOptions } from './segment-writer.ts'

beforeAll(loadXxh64)

const regionBytes = 8192

function writerOn(fs: SegmentWriterOptions['fs'], o: Partial<SegmentWriterOptions> = {}): SegmentWriter {
  let number = 20
  return new SegmentWriter({
    fs,
    folder: '/s',
    storeId,
    nextNumber: () => number++,
    newNonce: () => Buffer.alloc(16, 1),
    ...o,
  })
}

async function newFolder(): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem()
  await fs.mkdir('/s')
  return fs
}

interface Sweep {
  readonly kept: readonly TestRecord[]
  readonly infos: readonly SegmentInfo[]
}

/** Copies a random choice of records, region by region from high to low, as the sweep does. */
async function sweep(
  seed: number,
  writer: SegmentWriter,
  o: { readonly order?: 'down' | 'any'; readonly drain?: number } = {},
) {
  const random = new SeededRandom(seed)
  const lengths = Array.from({ length: 400 }, () => random.below(random.chance(0.05) ? 9000 : 300))
  const start = 4096 * 5 + 64
  const { bytes, records } = makeRecords(random, start, lengths)
  const regions = new Map<number, TestRecord[]>()
  for (const record of records.filter(() => random.chance(0.6))) {
    const region = Math.floor(record.offset / regionBytes)
    regions.set(region, [...(regions.get(region) ?? []), record])
  }
  const numbers = [...regions.keys()].sort((a, b) => b - a)
  if (o.order === 'any') numbers.sort(() => random.below(3) - 1)
  const kept: TestRecord[] = []
  for (const number of numbers) {
    for (const run of runsOf(regions.get(number) ?? [])) {
      const first = run[0] as TestRecord
      const size = run.reduce((sum, record) => sum + record.size, 0)
      writer.addRun(first.offset, bytes, first.offset - start, size)
      kept.push(...run)
      if (random.chance(0.1)) writer.addTouched(first.offset, 1000 + number)
    }
    if (random.chance(o.drain ?? 0.5)) await writer.drain()
  }
  return { kept, infos: await writer.finish() } satisfies Sweep
}

/** Records that lie one behind the other, together; now and then a border within them. */
function runsOf(records: readonly TestRecord[]): TestRecord[][] {
  const runs: TestRecord[][] = []
  let end = -1
  for (const record of records) {
    if (record.offset === end && record.size % 24 !== 0) runs.at(-1)?.push(record)
    else runs.push([record])
    end = record.offset + record.size
  }
  return runs
}

async function openAll(fs: MemoryFileSystem, infos: readonly SegmentInfo[]) {
  const cache = new BlockCache({ bytesMax: 1 << 20 })
  const retirer = new FileRetirer(fs, (_, error) => {
    throw error
  })
  const place = { folder: '/s', storeId, cache, retirer }
  const segments = await Promise.all(infos.map((info) => Segment.open(fs, { ...place, info })))
  const indexes = await Promise.all(
    infos.map(({ number }) => IndexFile.open(fs, { ...place, number, name: `gen-${number}.idx` })),
  )
  const space = new AddressSpace({ epoch: 1, instance: {}, retire: 2 ** 40, chunks: [], segments })
  return {
    cache,
    segments,
    indexes: indexes as IndexFile[],
    space,
    reader: new RecordReader(cache, () => space),
    retirer,
  }
}

async function codeOf(action: () => unknown): Promise<string | undefined> {
  try {
    await action()
  } catch (error) {
    if (VarveError.is(error)) return error.code
    throw error
  }
  return undefined
}

describe('SegmentWriter and Segment', () => {
  test('what was copied reads under its old offset and is found by its hash; nothing else does', async () => {
    const cases = fc.record({
      seed: fc.nat(1_000_000),
      segmentBytesMax: fc.constantFrom(4000, 20_000, 1 << 28),
      objectsMax: fc.constantFrom(7, 1 << 20),
      order: fc.constantFrom('down' as const, 'any' as const),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ seed, segmentBytesMax, objectsMax, order }) => {
        const fs = await newFolder()
        const { kept, infos } = await sweep(seed, writerOn(fs, { segmentBytesMax, objectsMax }), { order })
        const store = await openAll(fs, infos)
        for (const record of kept) {
          const view = store.reader.record(record.offset)
          expect(view.buf.subarray(view.bodyStart, view.bodyEnd).equals(record.body)).toBe(true)
          expect(store.space.isLive(record.offset)).toBe(true)
          const found = store.indexes.flatMap((index) => index.candidates(1, record.hash))
          expect(found).toContain(record.offset)
        }
        const live = kept.flatMap(({ offset, size }) =>
          Array.from({ length: size / 8 }, (_, i) => offset + i * 8),
        )
        const mapped = store.segments.flatMap((segment) => [...segment.runs()])
        expect(mapped.reduce((sum, run) => sum + run.length, 0)).toBe(live.length * 8)
        const isLive = new Set(live)
        for (let offset = 4096 * 5; offset < 4096 * 40; offset += 8) {
          if (store.space.isLive(offset) !== isLive.has(offset)) expect.fail(`offset ${offset}`)
        }
        const healed = store.indexes.flatMap((index) => [...index.healedOffsets()])
        expect(healed.sort((a, b) => a - b)).toEqual(
          kept.flatMap((r) => (r.isHealed ? [r.offset] : [])).sort((a, b) => a - b),
        )
        expect(infos.reduce((sum, info) => sum + info.objects, 0)).toBe(kept.length)
        for (const info of infos) {
          expect(info.objects).toBeLessThanOrEqual(objectsMax)
          if (info.objects > 1) expect(info.bytes).toBeLessThanOrEqual(segmentBytesMax)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('three files a segment, each synced once; touched entries are carried forward', async () => {
    const fs = await newFolder()
    const synced: string[] = []
    const onlyLooks = (operation: Operation): boolean => {
      if (operation.kind === 'sync' || operation.kind === 'datasync') synced.push(operation.path)
      return false
    }
    const watched = new FaultFileSystem(fs, [{ fault: { kind: 'lie' }, when: onlyLooks }])
    const { infos } = await sweep(3, writerOn(watched))
    expect(synced).toEqual(['/s/gen-20.pack', '/s/gen-20.map', '/s/gen-20.idx'])
    expect(infos.length).toBe(1)
    expect(await fs.list('/s')).toEqual(['gen-20.idx', 'gen-20.map', 'gen-20.pack'])
    const store = await openAll(fs, infos)
    const touched = store.indexes[0]?.touched()
    expect(touched?.offsets.length).toBeGreaterThan(3)
    for (const [i, offset] of (touched?.offsets ?? []).entries()) {
      expect(touched?.times[i]).toBe(1000 + Math.floor(offset / regionBytes))
    }
  })

  test('more than a few pieces of 1 MiB, with failures among their writes', async () => {
    const random = new SeededRandom(13)
    const lengths = Array.from({ length: 60 }, () => 100_000 + random.below(200_000))
    const { bytes, records } = makeRecords(random, 4096, lengths)
    const copyAll = async (writer: SegmentWriter): Promise<readonly SegmentInfo[]> => {
      for (const record of records.toReversed()) {
        writer.addRun(record.offset, bytes, record.offset - 4096, record.size)
        if (random.chance(0.3)) await writer.drain()
      }
      return writer.finish()
    }
    const fs = await newFolder()
    const { reader } = await openAll(fs, await copyAll(writerOn(fs)))
    for (const record of records) {
      const view = reader.record(record.offset)
      expect(view.buf.subarray(view.bodyStart, view.bodyEnd).equals(record.body)).toBe(true)
    }
    for (let at = 1; at <= 10; at++) {
      const inner = await newFolder()
      const failing = new FaultFileSystem(inner, [
        { fault: { kind: 'error', code: 'ENOSPC' }, kinds: ['write'], at },
      ])
      const writer = writerOn(failing)
      expect(await codeOf(() => copyAll(writer))).toBe('GC_FAILED')
      await writer.abort()
      expect(await inner.list('/s')).toEqual([])
    }
  })

  test('touched entries alone make an empty segment, nothing at all makes none', async () => {
    const fs = await newFolder()
    expect(await writerOn(fs).finish()).toEqual([])
    const writer = writerOn(fs)
    writer.addTouched(800, 5)
    const infos = await writer.finish()
    expect(infos).toEqual([{ number: 20, low: 0, high: 0, bytes: 64, objects: 0 }])
    const store = await openAll(fs, infos)
    expect(store.space.isLive(800)).toBe(false)
    expect(store.indexes[0]?.touched().offsets).toEqual(Float64Array.of(800))
  })

  test('abort removes everything, finished segments too', async () => {
    const fs = await newFolder()
    const writer = writerOn(fs, { segmentBytesMax: 4000 })
    const { infos } = await sweep(5, writer)
    expect(infos.length).toBeGreaterThan(3)
    await writer.abort()
    expect(await fs.list('/s')).toEqual([])
    expect(() => writer.addTouched(8, 1)).toThrow('open and at rest')
  })

  test('any failing operation ends in GC_FAILED; no file is synced twice, abort leaves nothing', async () => {
    for (const kind of ['create', 'write', 'sync', 'close'] as const) {
      for (let at = 1; at <= 40; at++) {
        const inner = await newFolder()
        const fs = new FaultFileSystem(inner, [{ fault: { kind: 'error', code: 'EIO' }, kinds: [kind], at }])
        const writer = writerOn(fs, { segmentBytesMax: 12_000 })
        const code = await codeOf(() => sweep(7, writer))
        if (fs.struck.length === 0) {
          expect(code).toBeUndefined()
          expect(at).toBeGreaterThan(5)
          break
        }
        expect(code).toBe('GC_FAILED')
        await writer.abort()
        expect(await inner.list('/s')).toEqual([])
      }
    }
  })

  test('every truncation of map and pack is noticed at opening, as is a missing one', async () => {
    const fs = await newFolder()
    const { infos } = await sweep(9, writerOn(fs))
    for (const name of ['gen-20.map', 'gen-20.pack']) {
      const size = (await fs.stat(`/s/${name}`))?.size ?? 0
      for (let length = 0; length < size; length += length < 200 ? 1 : 509) {
        const image = fs.clone()
        image.damage(`/s/${name}`, truncateTo(length))
        expect(await codeOf(() => openAll(image, infos)), `${name} ${length}`).toBe('CORRUPT')
      }
      const image = fs.clone()
      await image.remove(`/s/${name}`)
      expect(await codeOf(() => openAll(image, infos))).toBe('CORRUPT')
    }
  })

  test('a flipped bit of a map or pack gives CORRUPT or changes nothing', async () => {
    const fs = await newFolder()
    const { kept, infos } = await sweep(10, writerOn(fs))
    for (const name of ['gen-20.map', 'gen-20.pack']) {
      const size = (await fs.stat(`/s/${name}`))?.size ?? 0
      await fc.assert(
        fc.asyncProperty(fc.nat(size * 8 - 1), async (bit) => {
          const image = fs.clone()
          image.damage(`/s/${name}`, flipBit(bit))
          const code = await codeOf(async () => {
            const { reader } = await openAll(image, infos)
            for (const record of kept) {
              const read = await codeOf(() => {
                const view = reader.record(record.offset)
                expect(view.buf.subarray(view.bodyStart, view.bodyEnd).equals(record.body)).toBe(true)
              })
              expect([undefined, 'CORRUPT']).toContain(read)
            }
          })
          expect([undefined, 'CORRUPT']).toContain(code)
        }),
        { numRuns: 60 },
      )
    }
  })

  test('a segment of another store, number, or range is refused', async () => {
    const fs = await newFolder()
    const { infos } = await sweep(11, writerOn(fs))
    const info = infos[0] as SegmentInfo
    for (const wrong of [
      { ...info, low: info.low + 8 },
      { ...info, bytes: info.bytes + 8 },
    ]) {
      expect(await codeOf(() => openAll(fs, [wrong]))).toBe('CORRUPT')
    }
    for (const kind of ['pack', 'map', 'idx']) await fs.rename(`/s/gen-20.${kind}`, `/s/gen-21.${kind}`)
    expect(await codeOf(() => openAll(fs, [{ ...info, number: 21 }]))).toBe('CORRUPT')
  })

  test('retired files are gone once their last user has released them', async () => {
    const fs = await newFolder()
    const { infos } = await sweep(12, writerOn(fs))
    const { segments, indexes, space, retirer } = await openAll(fs, infos)
    for (const file of [...segments, ...indexes]) {
      file.retire()
      file.release()
    }
    await retirer.drained()
    expect((await fs.list('/s')).length).toBe(2)
    space.release()
    await retirer.drained()
    expect(await fs.list('/s')).toEqual([])
  })
})
