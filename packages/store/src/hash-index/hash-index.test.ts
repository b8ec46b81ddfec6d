/** The one path of hash look-ups, over records whose hashes are chosen. */
import { loadXxh64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { indexKind, recordKind } from '@varve/pack/objects'
import { HashTable, IndexEntries } from '@varve/pack/pack'
import { beforeAll, describe, expect, test } from 'vitest'
import { HashIndex } from './hash-index.ts'
import { hashOf, RecordChunks } from './testing/record-chunks.ts'

const { blob, tree, commit } = indexKind
const hash = hashOf('aabbccdd')

beforeAll(loadXxh64)

/** Runs the slices of a search to its end. */
function finish<T>(steps: Generator<void, T, undefined>): { readonly value: T; readonly slices: number } {
  for (let slices = 1; ; slices++) {
    const step = steps.next()
    if (step.done === true) return { value: step.value, slices }
  }
}

/** Copies of one object in an index file, in a table that waits, and in the open table; oldest first. */
async function threeCopies(): Promise<{ chunks: RecordChunks; copies: [number, number, number] }> {
  const chunks = await RecordChunks.create()
  const first = chunks.put(recordKind.blob, hash)
  await chunks.begin()
  const second = chunks.put(recordKind.blob, hash)
  chunks.index.attach(chunks.indexFile(1))
  await chunks.begin()
  const third = chunks.put(recordKind.blob, hash)
  return { chunks, copies: [first, second, third] }
}

describe('a look-up', () => {
  test('finds what came all at once like what came one by one', async () => {
    const chunks = await RecordChunks.create()
    const entries = new IndexEntries()
    const places = [hash, hashOf('11'), hashOf('22')].map((each) => {
      const offset = chunks.put(recordKind.blob, each)
      entries.add(blob, Buffer.from(each, 'latin1'), 0, offset)
      return [each, offset] as const
    })
    const { base } = chunks.space.chunks[0] as { base: number }
    const other = new HashIndex(chunks.records)
    other.beginTable(1, base, 7)
    other.addAll(entries)
    for (const [each, offset] of places) expect(other.find(blob, each)).toBe(offset)
    expect([other.count(blob), other.count(tree)]).toEqual([3, 0])
    expect(other.find(blob, hashOf('33'))).toBe(0)
  })

  test('finds the newest whole copy, whatever layer has it', async () => {
    const { chunks, copies } = await threeCopies()
    const { index } = chunks
    expect(index.waiting()).toEqual([2])
    for (const copy of copies.toReversed()) {
      expect(index.find(blob, hash)).toBe(copy)
      expect(index.findWhole(blob, hash)).toBe(copy)
      chunks.damage(copy)
    }
  })

  test('that meets damaged copies only finds none, and says why where it is asked to', async () => {
    const { chunks, copies } = await threeCopies()
    for (const copy of copies) chunks.damage(copy)
    expect(chunks.index.findWhole(blob, hash)).toBe(0)
    const details = { file: 'suffix-1.pack' }
    expect(() => chunks.index.find(blob, hash)).toThrow(
      expect.objectContaining({ code: 'CORRUPT', details: expect.objectContaining(details) }),
    )
  })

  test('for another copy leaves out the one that is known', async () => {
    const { chunks, copies } = await threeCopies()
    const [first, second, third] = copies
    expect(chunks.index.findOther(blob, hash, third)).toBe(second)
    chunks.damage(second)
    expect(chunks.index.findOther(blob, hash, third)).toBe(first)
    chunks.damage(first)
    expect(chunks.index.findOther(blob, hash, third)).toBe(0)
  })

  test('tells kinds apart that have the same hash, big blobs and blobs excepted', async () => {
    const chunks = await RecordChunks.create()
    const node = chunks.put(recordKind.node, hash)
    expect(chunks.index.find(blob, hash)).toBe(0)
    const big = chunks.put(recordKind.bigBlob, hash)
    expect([chunks.index.find(tree, hash), chunks.index.find(blob, hash)]).toEqual([node, big])
    chunks.index.attach(chunks.indexFile(1))
    expect([chunks.index.find(tree, hash), chunks.index.find(blob, hash)]).toEqual([node, big])
    expect(chunks.index.find(commit, hash)).toBe(0)
  })

  test('passes the failures of the disk on that are no damage', async () => {
    const chunks = await RecordChunks.create()
    chunks.put(recordKind.blob, hash)
    chunks.drop(1)
    expect(() => chunks.index.find(blob, hash)).toThrow(expect.objectContaining({ code: 'COLLECTED' }))
  })
})

describe('fingerprints', () => {
  test('of chosen hashes that begin alike are told apart by the whole hash', async () => {
    const chunks = await RecordChunks.create()
    const alike = ['1', '2', '3', '4'].map((rest) => hashOf('0123456789abcdef', rest))
    const offsets = alike.map((one) => chunks.put(recordKind.blob, one))
    const absent = hashOf('0123456789abcdef', '5')
    for (const layer of ['table', 'file']) {
      expect(alike.map((one) => chunks.index.find(blob, one), layer)).toEqual(offsets)
      expect(chunks.index.find(blob, absent), layer).toBe(0)
      chunks.index.attach(chunks.indexFile(1))
    }
  })

  test('that collide in the table by its seed are told apart as well', async () => {
    const seed = 77
    const [one, other] = collidingHashes(seed)
    const chunks = await RecordChunks.create({ seed })
    const offsets = [one, other].map((each) => chunks.put(recordKind.blob, each))
    expect([one, other].map((each) => chunks.index.find(blob, each))).toEqual(offsets)
  })

  test('that collide with a damaged record only leave it open what was there', async () => {
    const chunks = await RecordChunks.create()
    chunks.damage(chunks.put(recordKind.blob, hashOf('0123456789abcdef', '1')))
    const other = hashOf('0123456789abcdef', '2')
    expect(chunks.index.findWhole(blob, other)).toBe(0)
    expect(() => chunks.index.find(blob, other)).toThrow(VarveError)
    expect(chunks.index.find(blob, hashOf('ff'))).toBe(0)
  })
})

/** Two hashes that differ in their first 8 bytes and have the same fingerprint in a table of this seed. */
function collidingHashes(seed: number): [string, string] {
  const table = new HashTable({ seed })
  const mixed = (high: number): number => {
    const word = Math.imul(high ^ seed, 0x9e37_79b1)
    return word ^ (word >>> 15)
  }
  const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0')
  const one = hashOf(hex(1) + hex(0))
  const other = hashOf(hex(2) + hex(mixed(1) ^ mixed(2)))
  table.add(one, 8)
  expect(table.first(other), 'the two collide').toBeGreaterThanOrEqual(0)
  return [one, other]
}

describe('bytes of which nothing is known', () => {
  test('make absence unknown until their file is gone, and nothing else', async () => {
    const { chunks, copies } = await threeCopies()
    const { index } = chunks
    const lost = new VarveError('CORRUPT', { file: 'suffix-1.pack', offset: 64 })
    index.noteLost(1, lost)
    expect(index.find(blob, hash)).toBe(copies[2])
    expect(index.findWhole(blob, hashOf('ff'))).toBe(0)
    expect(() => index.find(blob, hashOf('ff'))).toThrow(lost)
    expect(() => finish(index.withPrefix('fffffff', 5))).toThrow(lost)
    expect(finish(index.withPrefix('aabbccd', 5)).value).toHaveLength(1)
    index.replace({ gone: new Set([1]), added: [] })
    expect(index.find(blob, hashOf('ff'))).toBe(0)
  })
})

describe('the layers', () => {
  test('change from table to file without losing an object or counting it twice', async () => {
    const chunks = await RecordChunks.create()
    const { index } = chunks
    const offset = chunks.put(recordKind.commit, hash)
    chunks.put(recordKind.node, hash)
    expect([index.count(commit), index.count(tree), index.count(blob)]).toEqual([1, 1, 0])
    expect(index.backlog).toBe(0)
    await chunks.begin()
    expect([index.backlog, index.waiting()]).toEqual([1, [1]])
    const file = chunks.indexFile(1)
    index.attach(file)
    expect([index.backlog, index.waiting(), index.files()]).toEqual([0, [], [file]])
    expect(index.find(commit, hash)).toBe(offset)
    expect([index.count(commit), index.count(tree)]).toEqual([1, 1])
  })

  test('that a collection replaces go, its own come behind those that stay', async () => {
    const { chunks, copies } = await threeCopies()
    const { index } = chunks
    const [old] = index.files()
    // As if a collection had kept the copy of chunk 2 and dropped the others below the open chunk.
    const kept = chunks.indexFile(2)
    expect(index.replace({ gone: new Set([1, 2]), added: [kept] })).toEqual([old])
    expect(index.files()).toEqual([kept])
    expect(index.backlog).toBe(0)
    expect(index.find(blob, hash)).toBe(copies[2])
    expect(index.findOther(blob, hash, copies[2])).toBe(copies[1])
    expect(index.findOther(blob, hash, copies[1])).toBe(copies[2])
  })

  test('of chunks that stay are asked before those of a generation', async () => {
    const { chunks, copies } = await threeCopies()
    const { index } = chunks
    await chunks.begin()
    index.attach(chunks.indexFile(3))
    index.replace({ gone: new Set([2]), added: [chunks.indexFile(1)] })
    expect(index.find(blob, hash)).toBe(copies[2])
  })

  test('give their commits above a position, of the files that may hold some', async () => {
    const { chunks } = await threeCopies()
    const { index } = chunks
    const inOpen = chunks.put(recordKind.commit, hashOf('01'))
    await chunks.begin()
    index.attach(chunks.indexFile(2))
    index.attach(chunks.indexFile(3))
    const later = chunks.put(recordKind.commit, hashOf('02'))
    const damaged = chunks.put(recordKind.commit, hashOf('03'))
    chunks.damage(damaged)
    const found = (from: number, packs = [1, 2, 3]): number[] =>
      [...index.commitsFrom(from, (pack) => packs.includes(pack))].sort((a, b) => a - b)
    expect(found(0)).toEqual([inOpen, later])
    expect(found(inOpen + 8)).toEqual([later])
    expect(found(later + 8)).toEqual([])
    expect(found(0, [1, 2])).toEqual([later])
  })
})

describe('a prefix', () => {
  test('finds each object once, in every layer, and compares all digits', async () => {
    const { chunks } = await threeCopies()
    chunks.put(recordKind.node, hash)
    chunks.put(recordKind.blob, hashOf('aabbccdd00000000', '1'))
    chunks.put(recordKind.blob, hashOf('aabbccd0'))
    const { value } = finish(chunks.index.withPrefix('aabbccdd', 100))
    const told = value.map((hit) => `${hit.kind} ${Buffer.from(hit.hash, 'latin1').toString('hex')}`)
    expect(told.sort()).toEqual(
      [
        `1 aabbccdd${'0'.repeat(56)}`,
        `1 aabbccdd00000000${'1'.repeat(48)}`,
        `2 aabbccdd${'0'.repeat(56)}`,
      ].sort(),
    )
    const long = finish(chunks.index.withPrefix(`aabbccdd${'0'.repeat(20)}`, 100)).value
    expect(long.map((hit) => hit.kind).sort()).toEqual([1, 2])
  })

  test('stops at its limit, in files and in tables', async () => {
    const chunks = await RecordChunks.create()
    for (let at = 0; at < 9; at++) chunks.put(recordKind.blob, hashOf(`abcdef0${at}`))
    for (const limit of [1, 8, 9, 10]) {
      expect(finish(chunks.index.withPrefix('abcdef0', limit)).value).toHaveLength(Math.min(limit, 9))
    }
    chunks.index.attach(chunks.indexFile(1))
    for (const limit of [1, 8, 9, 10]) {
      expect(finish(chunks.index.withPrefix('abcdef0', limit)).value).toHaveLength(Math.min(limit, 9))
    }
  })

  test('is looked for in slices, over which a collection may pass', async () => {
    const chunks = await RecordChunks.create()
    for (let at = 0; at < 2_100; at++) chunks.put(recordKind.blob, hashOf(at.toString(16).padStart(8, '0')))
    expect(finish(chunks.index.withPrefix('ffffffff', 9)).slices).toBe(3)
    const search = chunks.index.withPrefix('0000000', 3_000)
    expect(search.next().done).toBe(false)
    chunks.drop(1)
    const step = finish(search)
    expect(step.value.length).toBeLessThan(16)
  })

  test('of a damaged record gives what is whole, and the damage where nothing is', async () => {
    const chunks = await RecordChunks.create()
    chunks.put(recordKind.blob, hashOf('abcdef01'))
    chunks.damage(chunks.put(recordKind.blob, hashOf('abcdef02')))
    expect(finish(chunks.index.withPrefix('abcdef0', 9)).value).toHaveLength(1)
    expect(() => finish(chunks.index.withPrefix('0000000', 9))).toThrow(
      expect.objectContaining({ code: 'CORRUPT' }),
    )
  })
})
