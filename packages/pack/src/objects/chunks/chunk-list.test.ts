import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BodyView } from '../body-view.ts'
import { sha256 } from '../content-hash.ts'
import { hashCanonical, listDomain } from '../domain.ts'
import { MalformedBody } from '../malformed-body.ts'
import type { RawHash } from '../raw-hash.ts'
import {
  type ChunkEntry,
  chunksInRange,
  decodeList,
  encodeList,
  listContentLength,
  listFanOut,
  type PlacedChunk,
} from './chunk-list.ts'
import { ChunkListBuilder, type ListSink } from './chunk-list-builder.ts'

/** Lists by offset; every read overwrites what the one before gave. */
class MemoryLists implements ListSink {
  readonly lists = new Map<number, { hash: RawHash; body: Buffer; referenceCount: number }>()
  #lent = Buffer.alloc(0)
  readCount = 0

  putList(hash: RawHash, body: Buffer, referenceCount: number): number {
    const offset = (this.lists.size + 1) * 8
    expect(hashCanonical(listDomain, body.subarray(0, body.length - 8 * referenceCount))).toBe(hash)
    this.lists.set(offset, { hash, body: Buffer.from(body), referenceCount })
    return offset
  }

  readonly read = (entry: ChunkEntry): BodyView => {
    const found = this.lists.get(entry.offset)!
    expect(found.hash).toBe(entry.hash)
    this.readCount++
    this.#lent.fill(0xee)
    this.#lent = Buffer.from(found.body)
    return { buf: this.#lent, start: 0, end: this.#lent.length, referenceCount: found.referenceCount }
  }
}

function chunk(index: number, length: number): ChunkEntry {
  const name = Buffer.from(`chunk ${index}`)
  return { hash: sha256(name, 0, name.length), offset: (index + 1) * 8, length }
}

function build(chunks: readonly ChunkEntry[]): { root: BodyView; lists: MemoryLists } {
  const lists = new MemoryLists()
  const builder = new ChunkListBuilder(lists)
  for (const entry of chunks) builder.add(entry)
  const { body, referenceCount } = builder.finish()
  return { root: { buf: body, start: 0, end: body.length, referenceCount }, lists }
}

function placed(chunks: readonly ChunkEntry[]): PlacedChunk[] {
  let position = 0
  return chunks.map((entry) => {
    const at = position
    position += entry.length
    return { ...entry, position: at }
  })
}

describe('chunk lists', () => {
  test('a range gives the chunks that hold it', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 2_000 })
    fc.assert(
      fc.property(lengths, fc.nat(45_000), fc.nat(200), (sizes, from, size) => {
        const chunks = sizes.map((length, index) => chunk(index, length))
        const { root, lists } = build(chunks)
        expect(listContentLength(root)).toBe(sizes.reduce((sum, length) => sum + length, 0))
        const to = from + size
        const expected = placed(chunks).filter((c) => c.position < to && c.position + c.length > from)
        expect([...chunksInRange(root, { from, to }, lists.read)]).toEqual(from < to ? expected : [])
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    [1, 0],
    [listFanOut, 0],
    [listFanOut + 1, 1],
    [listFanOut * listFanOut, 1],
    [listFanOut * listFanOut + 1, 2],
  ])('%i chunks make a root of level %i, and a range reads one list a level', (count, level) => {
    const chunks = Array.from({ length: count }, (_, index) => chunk(index, 3))
    const { root, lists } = build(chunks)
    expect(root.buf[0]).toBe(level)
    expect(listContentLength(root)).toBe(count * 3)
    const [last] = [...chunksInRange(root, { from: count * 3 - 1, to: count * 3 }, lists.read)]
    expect(last).toEqual({ ...chunks.at(-1), position: (count - 1) * 3 })
    expect(lists.readCount).toBe(level)
  })

  test('what waits for a list can be told, so that it is kept meanwhile', () => {
    const lists = new MemoryLists()
    const builder = new ChunkListBuilder(lists)
    const folds = Array.from({ length: listFanOut + 2 }, (_, index) => builder.add(chunk(index, 1)))
    expect(folds.indexOf(true)).toBe(listFanOut)
    expect(builder.pending().length).toBe(3)
  })

  test('every truncation and other damage is refused', () => {
    const body = encodeList(0, [chunk(0, 5), chunk(1, 7)])
    const view = (bytes: Buffer, referenceCount = 2): BodyView => ({
      buf: bytes,
      start: 0,
      end: bytes.length,
      referenceCount,
    })
    expect(listContentLength(view(body))).toBe(12)
    for (let size = 0; size < body.length; size++) {
      expect(() => listContentLength(view(body.subarray(0, size)))).toThrow(MalformedBody)
    }
    const damages: [number, number][] = [
      [0, 7],
      [1, 1],
      [4, 3],
      [8, 13],
      [14, 0xff],
      [16 + 32, 0],
      [16 + 39, 0xff],
    ]
    for (const [at, byte] of damages) {
      const bytes = Buffer.from(body)
      bytes[at] = byte
      expect(() => listContentLength(view(bytes))).toThrow(MalformedBody)
    }
    expect(() => listContentLength(view(body, 1))).toThrow(MalformedBody)
  })

  test('a list that is not what the one above says is refused', () => {
    const inner = encodeList(0, [chunk(0, 5)])
    const outer = (level: number, length: number): BodyView => {
      const body = encodeList(level, [{ hash: '', offset: 8, length }])
      return { buf: body, start: 0, end: body.length, referenceCount: 1 }
    }
    const read = (): BodyView => ({ buf: inner, start: 0, end: inner.length, referenceCount: 1 })
    expect([...chunksInRange(outer(1, 5), { from: 0, to: 5 }, read)].length).toBe(1)
    expect(() => [...chunksInRange(outer(2, 5), { from: 0, to: 5 }, read)]).toThrow(MalformedBody)
    expect(() => [...chunksInRange(outer(1, 6), { from: 0, to: 6 }, read)]).toThrow(MalformedBody)
  })
})

test('a list as data gives the same bytes again', () => {
  const entries = [chunk(0, 5), chunk(1, 70_000)]
  const body = encodeList(2, entries)
  const list = decodeList({ buf: body, start: 0, end: body.length, referenceCount: 2 })
  expect(list).toEqual({ level: 2, entries })
  expect(encodeList(list.level, list.entries)).toEqual(body)
  for (let end = 0; end < body.length; end++) {
    expect(() => decodeList({ buf: body, start: 0, end, referenceCount: 2 })).toThrow(MalformedBody)
  }
})
