import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadXxh64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { type IndexKind, rawToHex, sha256 } from '../../objects/index.ts'
import { MemoryFileSystem, SeededRandom } from '../../testing/index.ts'
import { BlockCache, FileRetirer } from '../blocks/index.ts'
import { testStoreId as storeId } from '../testing/packed-records.ts'
import { IndexBuilder } from './index-builder.ts'
import { IndexEntries } from './index-entries.ts'
import { IndexFile } from './index-file.ts'

beforeAll(loadXxh64)

const fs = new MemoryFileSystem()
const retirer = new FileRetirer(fs, (_, error) => {
  throw error
})
const pack = { number: 7, storeId, packLength: 123_456 }

function place(cache = new BlockCache({ bytesMax: 1 << 20 })) {
  return { folder: '/s', name: 'suffix-7.idx', number: 7, storeId, cache, retirer }
}

interface Entry {
  readonly kind: IndexKind
  readonly hash: Buffer
  readonly offset: number
}

function build(entries: readonly Entry[], memory?: IndexEntries): IndexBuilder {
  const builder = new IndexBuilder(memory)
  for (const { kind, hash, offset } of entries) builder.add(kind, hash, 0, offset, 56)
  return builder
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

/** Few different first bytes, so that equal keys, equal prefixes, and runs over pages all occur. */
const entry = fc.record({
  kind: fc.constantFrom<IndexKind>(1, 2, 3, 4),
  hash: fc.tuple(fc.nat(3), fc.nat(2), fc.nat(3), fc.nat(3)).map(([a, b, c, d]) => {
    const hash = Buffer.alloc(32, d)
    hash.writeUInt32BE([0, 7, 0x8000_0000, 0xffff_ffff][a] as number, 0)
    hash.writeUInt32BE([0, 0x1234_5678, 0xffff_ffff][b] as number, 4)
    hash[3] = (hash[3] as number) ^ c
    return hash
  }),
  offset: fc.integer({ min: 1, max: 2 ** 40 }).map((n) => n * 8),
})

const byHash = (a: Entry, b: Entry): number =>
  a.hash.compare(b.hash, 0, 8, 0, 8) || a.kind - b.kind || a.offset - b.offset

test('memory of an earlier index changes nothing in the next one', () => {
  const memory = new IndexEntries()
  const lists = fc.array(fc.array(entry, { maxLength: 1500, size: 'max' }), { maxLength: 4 })
  fc.assert(
    fc.property(lists, (builds) => {
      for (const list of builds) {
        expect(build(list, memory).encode(pack).equals(build(list).encode(pack))).toBe(true)
      }
    }),
    { numRuns: 20 },
  )
})

test('a very large index does not leave its room to the next one', () => {
  const memory = new IndexEntries()
  const bytes = Buffer.alloc(32)
  for (let n = 0; n < 1 << 18; n++) memory.add(1, bytes, 0, 8)
  memory.clear()
  expect(memory.bytes).toBeLessThanOrEqual((1 << 18) * 17)
  for (let n = 0; n <= 1 << 18; n++) memory.add(1, bytes, 0, 8)
  memory.clear()
  expect([memory.count, memory.bytes]).toEqual([0, (1 << 10) * 17])
})

describe('IndexFile', () => {
  test('finds what a model finds', () => {
    const entries = fc.oneof(
      fc.array(entry),
      fc.array(entry, { minLength: 300, maxLength: 1200, size: 'max' }),
    )
    fc.assert(
      fc.property(entries, (list) => {
        const index = IndexFile.ofBytes(build(list).encode(pack), place())
        const sorted = list.toSorted(byHash)
        const all: { kind: number; offset: number }[] = []
        index.forEach((kind, offset) => {
          all.push({ kind, offset })
        })
        expect(all).toEqual(sorted.map(({ kind, offset }) => ({ kind, offset })))
        for (const { kind, hash } of list.slice(0, 50)) {
          const alike = sorted.filter((e) => e.kind === kind && e.hash.compare(hash, 0, 8, 0, 8) === 0)
          expect(index.candidates(kind, hash.toString('latin1'))).toEqual(alike.map((e) => e.offset))
        }
        for (const digits of [
          '0000000',
          '00000007',
          '8000000012345678',
          'fffffff',
          'ffffffff12',
          '1234567',
        ]) {
          const alike = sorted.filter((e) => e.hash.toString('hex').startsWith(digits))
          expect(index.withPrefix(digits, 5000)).toEqual(alike.map(({ kind, offset }) => ({ kind, offset })))
          expect(index.withPrefix(digits, 3).length).toBe(Math.min(3, alike.length))
        }
        for (const kind of [1, 2, 3, 4] as const) {
          const count = list.filter((e) => e.kind === kind).length
          expect([index.objectCount(kind), index.objectBytes(kind)]).toEqual([count, count * 56])
        }
        expect([index.count, index.number, index.packLength]).toEqual([list.length, 7, 123_456])
        index.release()
      }),
      { numRuns: 60 },
    )
  })

  test('keeps the lists of metadata, touched, and healed records', async () => {
    const builder = build([])
    builder.addMetadata(64)
    builder.addMetadata(2 ** 45)
    builder.addTouched(128, 1_700_000_000_000)
    builder.addTouched(8, 5)
    builder.addHealed(256)
    await fs.mkdir('/s')
    await builder.write(fs, { ...pack, path: '/s/suffix-7.idx' })
    const index = await IndexFile.open(fs, place())
    expect([...(index?.metadataOffsets() ?? [])]).toEqual([64, 2 ** 45])
    expect(index?.touched()).toEqual({
      offsets: Float64Array.of(128, 8),
      times: Float64Array.of(1_700_000_000_000, 5),
    })
    expect([...(index?.healedOffsets() ?? [])]).toEqual([256])
    expect(index?.candidates(1, 'x'.repeat(32))).toEqual([])
    expect((await fs.readFile('/s/suffix-7.idx')).equals(builder.encode(pack))).toBe(true)
    index?.retire()
    index?.release()
    await retirer.drained()
    expect(await IndexFile.open(fs, place())).toBeUndefined()
  })

  test('the bytes of format 1 stay what they are', () => {
    const random = new SeededRandom(1)
    const kinds = [1, 2, 3, 4] as const
    const builder = build(
      Array.from({ length: 600 }, (_, i) => ({
        kind: random.pick(kinds),
        hash: random.bytes(32),
        offset: 2 ** 40 + i * 8,
      })),
    )
    builder.addMetadata(64)
    builder.addTouched(128, 1_700_000_000_000)
    builder.addHealed(256)
    const bytes = builder.encode(pack)
    expect([bytes.length, rawToHex(sha256(bytes, 0, bytes.length))]).toMatchInlineSnapshot(`
      [
        17400,
        "3dd2f7c580c180825ad9392a5241c16b6aecbf61822ea3ead314fc57801b4362",
      ]
    `)
  })

  test('a file of another number or store is refused', () => {
    const bytes = build([]).encode(pack)
    expect(codeOf(() => IndexFile.ofBytes(bytes, { ...place(), number: 8 }))).toBe('CORRUPT')
    expect(codeOf(() => IndexFile.ofBytes(bytes, { ...place(), storeId: Buffer.alloc(16) }))).toBe('CORRUPT')
  })

  test('every truncation and every addition is noticed at opening', () => {
    const random = new SeededRandom(3)
    const builder = build(
      Array.from({ length: 300 }, (_, i) => ({ kind: 1, hash: random.bytes(32), offset: i * 8 + 8 })),
    )
    builder.addMetadata(64)
    builder.addTouched(64, 9)
    builder.addHealed(72)
    const bytes = builder.encode(pack)
    for (let length = 0; length < bytes.length; length += length < 4000 || length > 12_000 ? 1 : 97) {
      expect(
        codeOf(() => IndexFile.ofBytes(bytes.subarray(0, length), place())),
        `length ${length}`,
      ).toBe('CORRUPT')
    }
    expect(codeOf(() => IndexFile.ofBytes(Buffer.concat([bytes, Buffer.alloc(1)]), place()))).toBe('CORRUPT')
    expect(codeOf(() => IndexFile.ofBytes(bytes, place()))).toBeUndefined()
  })

  test('a flipped bit is noticed or changes nothing', () => {
    const random = new SeededRandom(4)
    const entries = Array.from({ length: 300 }, (_, i) => ({
      kind: 1 as const,
      hash: random.bytes(32),
      offset: i * 8 + 8,
    }))
    const builder = build(entries)
    builder.addMetadata(64)
    builder.addTouched(64, 9)
    builder.addHealed(72)
    const whole = builder.encode(pack)
    const read = (bytes: Buffer): unknown => {
      const index = IndexFile.ofBytes(bytes, place())
      const found = entries.map(({ hash }) => index.candidates(1, hash.toString('latin1')))
      return [found, index.metadataOffsets(), index.touched(), index.healedOffsets(), index.objectBytes(1)]
    }
    const expected = read(whole)
    fc.assert(
      fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
        const bytes = Buffer.from(whole)
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
        let found: unknown
        const code = codeOf(() => {
          found = read(bytes)
        })
        if (code === undefined) expect(found).toEqual(expected)
        else expect(code).toBe('CORRUPT')
      }),
      { numRuns: 400 },
    )
  })

  test('a newer format is told apart from damage', () => {
    const bytes = build([]).encode(pack)
    bytes.writeUInt32LE(2, 8)
    expect(codeOf(() => IndexFile.ofBytes(bytes, place()))).toBe('CORRUPT')
    bytes.writeBigUInt64LE(xxh64(bytes, 0, 240, 0), 240)
    expect(codeOf(() => IndexFile.ofBytes(bytes, place()))).toBe('NEWER_FORMAT')
  })

  test('a failed write leaves no file', async () => {
    const small = new MemoryFileSystem({ quotaBytes: 5000 })
    await small.mkdir('/s')
    const random = new SeededRandom(3)
    const builder = build(
      Array.from({ length: 300 }, (_, i) => ({ kind: 1, hash: random.bytes(32), offset: i * 8 + 8 })),
    )
    await expect(builder.write(small, { ...pack, path: '/s/suffix-7.idx' })).rejects.toThrow('ENOSPC')
    expect(await small.list('/s')).toEqual([])
  })

  test('a million entries, of which some are chosen to collide', () => {
    const random = new SeededRandom(9)
    const count = 1_000_000
    const hashes = random.bytes(count * 8 + 32)
    // 20,000 with the same first four bytes, 1,000 of these with the same eight.
    for (let i = 0; i < 20_000; i++) hashes.writeUInt32BE(0x4242_4242, i * 8)
    for (let i = 0; i < 1000; i++) hashes.writeUInt32BE(1, i * 8 + 4)
    const builder = new IndexBuilder()
    for (let i = 0; i < count; i++) builder.add(((i & 3) + 1) as IndexKind, hashes, i * 8, i * 8 + 8, 100)
    const cache = new BlockCache({ bytesMax: 64 << 20 })
    const index = IndexFile.ofBytes(builder.encode(pack), place(cache))
    for (let i = 0; i < count; i += 37) {
      const found = index.candidates(((i & 3) + 1) as IndexKind, hashes.toString('latin1', i * 8, i * 8 + 32))
      if (!found.includes(i * 8 + 8)) expect.fail(`entry ${i} is missing`)
    }
    let passed = 0
    for (let i = 0; i < 20_000; i++) {
      const absent = random.bytes(8).toString('latin1').padEnd(32)
      passed += index.candidates(1, absent).length
    }
    expect(passed).toBe(0)
    expect(index.bytes).toBeLessThan(count * 1.7)
  })
})
