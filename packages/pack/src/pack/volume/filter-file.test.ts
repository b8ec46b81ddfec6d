import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadXxh64, writeU64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import type { FileHandle, FileSystem } from '../../fs/index.ts'
import { FaultFileSystem, flipBit, MemoryFileSystem, SeededRandom } from '../../testing/index.ts'
import { BloomFilter } from '../index/index.ts'
import { testStoreId as storeId } from '../testing/packed-records.ts'
import {
  decodeFilters,
  encodeFilters,
  type FilterPlace,
  type PackFilter,
  readFilters,
  writeFilters,
} from './filter-file.ts'
import { codeOf } from './testing/test-layers.ts'

beforeAll(loadXxh64)

const place: FilterPlace = { folder: '/s', number: 9, storeId, volume: 3 }
const corrupt = expect.objectContaining({
  code: 'CORRUPT',
  details: expect.objectContaining({ file: 'filter-9.bloom' }),
})

type Word = readonly [high: number, low: number]

function filterOf(number: number, words: readonly Word[]): PackFilter {
  const filter = BloomFilter.for(words.length)
  for (const [high, low] of words) filter.add(high, low)
  return { number, filter }
}

function someFilters(): { filters: PackFilter[]; words: Word[][] } {
  const random = new SeededRandom(5)
  const words = [0, 1, 300].map((count) =>
    Array.from({ length: count }, () => [random.uint32(), random.uint32()] as const),
  )
  return { filters: words.map((list, i) => filterOf(i + 4, list)), words }
}

/** The header's own checksum, made right again. */
function resealed(bytes: Buffer): Buffer {
  bytes.writeBigUInt64LE(xxh64(bytes, 0, 56, 0), 56)
  return bytes
}

function withTable(bytes: Buffer, count: number): Buffer {
  const end = 64 + count * 32
  bytes.writeBigUInt64LE(xxh64(bytes, 64, end, 1), end)
  return bytes
}

describe('a filter file', () => {
  it('brings back every filter', () => {
    const word = fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff))
    const lists = fc.array(fc.array(word, { maxLength: 100 }), { maxLength: 8 })
    fc.assert(
      fc.property(lists, fc.array(word, { maxLength: 50 }), (packs, others) => {
        const filters = packs.map((words, i) => filterOf(i * 3, words))
        const bytes = encodeFilters(place, filters)
        const found = decodeFilters(bytes, place)
        expect(found.map(({ number }) => number)).toEqual(filters.map(({ number }) => number))
        for (const [i, { filter }] of found.entries()) {
          expect(filter.toBytes().equals((filters[i] as PackFilter).filter.toBytes())).toBe(true)
          expect((packs[i] as Word[]).every(([high, low]) => filter.has(high, low))).toBe(true)
          const { filter: model } = filters[i] as PackFilter
          expect(others.every(([high, low]) => filter.has(high, low) === model.has(high, low))).toBe(true)
        }
        expect(encodeFilters(place, found).equals(bytes)).toBe(true)
      }),
    )
  })

  it('is written, synced, and read again', async () => {
    const fs = new MemoryFileSystem()
    await fs.mkdir('/s')
    const { filters } = someFilters()
    await writeFilters(fs, place, filters)
    await fs.syncFolder('/s')
    await fs.syncFolder('/')
    const left = fs.crashImage({ keep: 'none' })
    expect(encodeFilters(place, readFilters(left, place))).toEqual(fs.files().get('/s/filter-9.bloom'))
    expect(left.openHandles()).toEqual([])
  })

  it('has its filters where a line of 64 bytes begins', () => {
    for (let count = 0; count < 9; count++) {
      const filters = Array.from({ length: count }, (_, i) => filterOf(i, [[i, i]]))
      const bytes = encodeFilters(place, filters)
      const start = Math.ceil((64 + 32 * count + 8) / 64) * 64
      expect(bytes.length).toBe(start + count * 64)
      for (let i = 0; i < count; i++) expect(bytes.readUInt32LE(64 + i * 32 + 8)).toBe(start + i * 64)
    }
  })
})

describe('a damaged filter file', () => {
  it('is CORRUPT or says the same, whichever bit is flipped', () => {
    const { filters, words } = someFilters()
    const bytes = encodeFilters(place, filters)
    let refused = 0
    for (let bit = 0; bit < bytes.length * 8; bit += bit < 256 * 8 ? 1 : 7) {
      const damaged = flipBit(bit)(Buffer.from(bytes))
      try {
        for (const [i, { number, filter }] of decodeFilters(damaged, place).entries()) {
          expect(number).toBe(i + 4)
          expect((words[i] as Word[]).every(([high, low]) => filter.has(high, low))).toBe(true)
        }
        // Only what no checksum covers: zeros up to the next line.
        expect([Math.floor(bit / 8) >= 64 + 96 + 8, bit / 8 < 192]).toEqual([true, true])
      } catch (error) {
        expect(error).toEqual(corrupt)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(1000)
  })

  it('is CORRUPT wherever it is cut, and with anything behind it', () => {
    const bytes = encodeFilters(place, someFilters().filters)
    for (let size = 0; size < bytes.length; size++) {
      expect(() => decodeFilters(bytes.subarray(0, size), place)).toThrow(corrupt)
    }
    expect(() => decodeFilters(Buffer.concat([bytes, Buffer.alloc(64)]), place)).toThrow(corrupt)
  })

  it("is CORRUPT as another's", () => {
    const bytes = encodeFilters(place, someFilters().filters)
    const others: FilterPlace[] = [
      { ...place, number: 8 },
      { ...place, volume: 2 },
      { ...place, storeId: Buffer.alloc(16, 7) },
    ]
    for (const other of others) expect(codeOf(() => decodeFilters(bytes, other))).toBe('CORRUPT')
  })

  it('is CORRUPT when it is missing; what else the disk says passes', async () => {
    const fs = new MemoryFileSystem()
    await fs.mkdir('/s')
    expect(() => readFilters(fs, place)).toThrow(corrupt)
    await writeFilters(fs, place, [])
    const faults = new FaultFileSystem(fs, [{ fault: { kind: 'error', code: 'EIO' }, kinds: ['read'] }])
    expect(() => readFilters(faults, place)).toThrow(expect.objectContaining({ code: 'EIO' }))
    expect(fs.openHandles()).toEqual([])
  })

  it('is newer, not damaged, when its version is', () => {
    const bytes = encodeFilters(place, [])
    bytes.writeUInt32LE(2, 8)
    expect(() => decodeFilters(bytes, place)).toThrow(corrupt)
    expect(codeOf(() => decodeFilters(resealed(bytes), place))).toBe('NEWER_FORMAT')
    bytes.writeUInt32LE(0, 8)
    expect(() => decodeFilters(resealed(bytes), place)).toThrow(corrupt)
  })
})

describe('a filter file that no writer writes', () => {
  const hostile = [0, 1, 63, 2 ** 20, 2 ** 31, 2 ** 32, 2 ** 48, 2 ** 53 - 1]

  it('is refused for any count or length in its header, before anything is allocated', () => {
    const { filters } = someFilters()
    for (const at of [40, 48]) {
      for (const value of hostile) {
        const bytes = encodeFilters(place, filters)
        writeU64(bytes, value, at)
        expect(() => decodeFilters(resealed(bytes), place)).toThrow(corrupt)
      }
      const bytes = encodeFilters(place, filters)
      bytes.fill(0xff, at, at + 8)
      expect(() => decodeFilters(resealed(bytes), place)).toThrow(corrupt)
    }
  })

  it('is refused for any place or length of a filter', () => {
    const { filters } = someFilters()
    for (const entry of [0, 1, 2]) {
      for (const field of [8, 16]) {
        for (const value of [...hostile, 65, 128, 192 + 64]) {
          const bytes = encodeFilters(place, filters)
          const at = 64 + entry * 32 + field
          const before = bytes.readUInt32LE(at)
          if (value === before) continue
          writeU64(bytes, value, at)
          expect(() => decodeFilters(withTable(bytes, 3), place)).toThrow(corrupt)
        }
      }
    }
  })

  it('is refused when two filters are of one file, or two entries of one filter', () => {
    const one = filterOf(4, [[1, 2]])
    expect(() => decodeFilters(encodeFilters(place, [one, one]), place)).toThrow(corrupt)
    const bytes = encodeFilters(place, [one, { ...one, number: 5 }])
    bytes.copy(bytes, 64 + 32 + 8, 64 + 8, 64 + 16)
    expect(() => decodeFilters(withTable(bytes, 2), place)).toThrow(corrupt)
  })

  it('is not read when it is larger than any', async () => {
    const inner = new MemoryFileSystem()
    await inner.mkdir('/s')
    await writeFilters(inner, place, [])
    const reads: number[] = []
    const openSync = (path: string): FileHandle => {
      const handle = inner.openSync(path, 'read')
      return Object.assign(Object.create(handle), {
        sizeSync: () => 2 ** 40,
        readSync: () => reads.push(1),
        closeSync: () => handle.closeSync(),
      }) as FileHandle
    }
    expect(() => readFilters({ openSync } as unknown as FileSystem, place)).toThrow(corrupt)
    expect([reads, inner.openHandles()]).toEqual([[], []])
  })

  it('is no other error than a typed one, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (tail) => {
        const bytes = Buffer.concat([encodeFilters(place, []).subarray(0, 64), tail])
        writeU64(bytes, bytes.length, 48)
        try {
          decodeFilters(resealed(bytes), place)
        } catch (error) {
          expect(VarveError.is(error, 'CORRUPT')).toBe(true)
        }
      }),
    )
  })
})
