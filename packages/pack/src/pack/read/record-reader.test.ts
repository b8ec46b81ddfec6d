import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { MemoryFileSystem, SeededRandom } from '../../testing/index.ts'
import { BlockCache, blockBytes, FileRetirer, PackFile, writeNewFile } from '../blocks/index.ts'
import { blobKind, firstOffset, makeChunk, makeRecords, type TestRecord } from '../testing/packed-records.ts'
import { AddressSpace } from './address-space.ts'
import { Chunk } from './chunk.ts'
import { RecordCache } from './record-cache.ts'
import { RecordReader } from './record-reader.ts'
import { RecordView } from './record-view.ts'

beforeAll(loadXxh64)

interface Store {
  readonly fs: MemoryFileSystem
  readonly cache: BlockCache
  readonly space: AddressSpace
  readonly reader: RecordReader
  readonly records: readonly TestRecord[]
}

/** Two chunks with a gap between them, below them nothing. */
async function open(
  seed: number,
  o: { lengths?: readonly number[]; bytesMax?: number; keeps?: boolean; damage?: (b: Buffer) => void },
) {
  const random = new SeededRandom(seed)
  const fs = new MemoryFileSystem()
  await fs.mkdir('/s')
  const retirer = new FileRetirer(fs, (_, error) => {
    throw error
  })
  const cache = new BlockCache({ bytesMax: o.bytesMax ?? 8 << 20 })
  const lengths =
    o.lengths ?? Array.from({ length: 300 }, () => random.below(random.chance(0.1) ? 60_000 : 900))
  const records: TestRecord[] = []
  const chunks: Chunk[] = []
  let base = 8192
  for (const number of [3, 4]) {
    const made = makeRecords(random, firstOffset(base), lengths)
    const bytes = makeChunk({ number, base, records: made.bytes })
    if (number === 3) o.damage?.(bytes)
    const name = `suffix-${number}.pack`
    await writeNewFile(fs, `/s/${name}`, [bytes])
    const file = await PackFile.open(fs, { folder: '/s', name, number, kind: 'pack', cache, retirer })
    chunks.push(new Chunk({ number, base, file }))
    records.push(...made.records)
    base = Math.ceil((base + bytes.length) / 4096) * 4096 + 4096
  }
  const space = new AddressSpace({ epoch: 1, instance: {}, retire: 8192, chunks, segments: [] })
  for (const chunk of chunks) chunk.file.release()
  const kept = o.keeps === true ? new RecordCache({ bytesMax: 0 }) : undefined
  const reader = new RecordReader(cache, () => space, kept)
  return { fs, cache, space, reader, records } satisfies Store
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action()
  } catch (error) {
    if (VarveError.is(error)) return error.code
    throw error
  }
  return undefined
}

function expectRecord(store: Store, record: TestRecord): void {
  const view = store.reader.record(record.offset)
  expect(view.buf.subarray(view.bodyStart, view.bodyEnd).equals(record.body)).toBe(true)
  expect([view.kind, view.referenceCount, view.offset, view.hash]).toEqual([1, 0, record.offset, record.hash])
}

describe('RecordReader', () => {
  test('reads every record, at any size of the cache, cold and warm', async () => {
    for (const [bytesMax, keeps] of [
      [0, false],
      [1 << 20, true],
      [64 << 20, false],
      [0, true],
    ] as const) {
      const store = await open(1, { bytesMax, keeps })
      for (const record of store.records) expectRecord(store, record)
      for (const record of store.records.toReversed()) expectRecord(store, record)
      expect(store.cache.bytes).toBeLessThanOrEqual(store.cache.bytesMax)
    }
  })

  test('records that end or begin at a border of blocks, or lie across one', async () => {
    for (let shift = -64; shift <= 64; shift += 8) {
      const first = blockBytes - 64 - 48 + shift
      const lengths = [first, 5, 100, blockBytes * 2 - 48, 1, 0]
      const store = await open(2, { lengths, keeps: shift % 16 === 0 })
      for (let round = 0; round < 2; round++) for (const record of store.records) expectRecord(store, record)
    }
  })

  test('large records, also asynchronously', async () => {
    const store = await open(3, { lengths: [10, 3_000_000, 200_000, 8 * 2 ** 20 - 300] })
    for (const record of store.records) {
      const view = await store.reader.recordAsync(record.offset)
      expect(view.buf.subarray(view.bodyStart, view.bodyEnd).equals(record.body)).toBe(true)
    }
  })

  test('records read past the cache leave nothing in it', async () => {
    const store = await open(12, { lengths: [10, 60_000, 262_144, 70_000, 0, 3] })
    const view = new RecordView()
    for (const { offset, body, hash } of store.records) {
      expect(store.reader.readPast(offset, body.length, view)).toBe(true)
      expect(view.buf.subarray(view.bodyStart, view.bodyEnd).equals(body)).toBe(true)
      expect([view.kind, view.offset, view.hash]).toEqual([1, offset, hash])
    }
    expect(store.cache.blockCount).toBe(0)
  })

  test('past the cache only whole records of the right length are found, where a file has them', async () => {
    const damage = (bytes: Buffer): void => void bytes.fill(0, 20_000, 20_064)
    const store = await open(13, { lengths: [30_000, 1_000], damage })
    const [damaged, whole] = store.records as [TestRecord, TestRecord]
    const view = new RecordView()
    expect(store.reader.readPast(damaged.offset, 30_000, view)).toBe(false)
    expect(store.reader.readPast(whole.offset, 1_000, view)).toBe(true)
    for (const length of [992, 1_008, 100_000]) {
      expect(store.reader.readPast(whole.offset, length, view)).toBe(false)
    }
    expect(store.reader.readPast(whole.offset + 8, 1_000, view)).toBe(false)
    expect(store.reader.readPast(whole.offset + 4, 1_000, view)).toBe(false)
    expect(store.reader.readPast(8, 1_000, view)).toBe(false)
    expect(store.reader.readPast(2 ** 40, 1_000, view)).toBe(false)
  })

  test('a view that is held stays right when its block has been evicted', async () => {
    const store = await open(4, { bytesMax: 0, keeps: true })
    const views = store.records.map((record) => store.reader.record(record.offset))
    for (const [i, record] of store.records.entries()) {
      const view = views[i]
      expect(view?.buf.subarray(view.bodyStart, view.bodyEnd).equals(record.body)).toBe(true)
    }
  })

  test('no offset but those of records reads as a record', async () => {
    const store = await open(5, { lengths: [0, 3, 100, 64, 200], keeps: true })
    const starts = new Set(store.records.map((record) => record.offset))
    for (let offset = 0; offset < store.space.end + 5000; offset++) {
      const code = codeOf(() => store.reader.record(offset))
      if (starts.has(offset)) expect(code).toBeUndefined()
      else expect(code, `offset ${offset}`).toMatch(/^(CORRUPT|COLLECTED)$/)
    }
    expect(codeOf(() => store.reader.record(8))).toBe('COLLECTED')
    expect(codeOf(() => store.reader.record(store.space.end))).toBe('COLLECTED')
    expect(codeOf(() => store.reader.record(2 ** 53 - 8))).toBe('COLLECTED')
    expect(codeOf(() => store.reader.record(Number.NaN))).toBe('COLLECTED')
  })

  test('a flipped bit gives CORRUPT or changes nothing, never other content', async () => {
    const lengths = [0, 3, 100, 64, 17, 40]
    const whole = await open(6, { lengths })
    const fileBytes = (whole.space.chunks[0] as Chunk).length
    await fc.assert(
      fc.asyncProperty(fc.nat(fileBytes * 8 - 1), async (bit) => {
        const at = bit >> 3
        const store = await open(6, {
          lengths,
          keeps: bit % 2 === 0,
          damage: (bytes) => {
            bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7))
          },
        })
        for (const record of store.records) {
          const position = record.offset - 8192
          const isHit = at >= position && at < position + 48 + record.body.length
          if (record.offset > (store.space.chunks[0] as Chunk).end || !isHit) expectRecord(store, record)
          else expect(codeOf(() => store.reader.record(record.offset))).toBe('CORRUPT')
        }
      }),
      { numRuns: 150 },
    )
  })

  test('a file that is cut under us gives CORRUPT with file and place', async () => {
    const store = await open(8, { lengths: [1000, 70_000, 500] })
    store.fs.damage('/s/suffix-3.pack', (bytes) => bytes.subarray(0, 60_000))
    expectRecord(store, store.records[0] as TestRecord)
    const lost = store.records[1] as TestRecord
    expect(() => store.reader.record(lost.offset)).toThrow(
      expect.objectContaining({
        code: 'CORRUPT',
        details: { file: 'suffix-3.pack', offset: lost.offset - 8192 },
      }),
    )
    expect(codeOf(() => store.reader.record((store.records[2] as TestRecord).offset))).toBe('CORRUPT')
  })

  test('a view that is filled again says the same as a new one, and stays as it was on failure', async () => {
    const store = await open(10, { keeps: true })
    const view = new RecordView()
    const said = (of: RecordView) => [
      of.offset,
      of.kind,
      of.flags,
      of.referenceCount,
      of.bodyEnd - of.bodyStart,
      of.hash,
    ]
    for (const record of store.records) {
      store.reader.read(record.offset, view)
      expect(said(view)).toEqual(said(store.reader.record(record.offset)))
      expect(view.buf.subarray(view.bodyStart, view.bodyEnd).equals(record.body)).toBe(true)
    }
    const before = said(view)
    expect(codeOf(() => store.reader.read(8, view))).toBe('COLLECTED')
    expect(said(view)).toEqual(before)
  })

  test('recordMatches compares kind and hash', async () => {
    const store = await open(9, { lengths: [10, 20] })
    const [one, two] = store.records as [TestRecord, TestRecord]
    expect(store.reader.recordMatches(one.offset, blobKind, one.hash)).toBe(true)
    expect(store.reader.recordMatches(one.offset, blobKind, two.hash)).toBe(false)
    expect(store.reader.recordMatches(one.offset, 2, one.hash)).toBe(false)
  })
})
