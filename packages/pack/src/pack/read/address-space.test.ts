import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryFileSystem } from '../../testing/index.ts'
import { BlockCache, FileRetirer, PackFile } from '../blocks/index.ts'
import { AddressSpace, type MappedFile } from './address-space.ts'
import { Chunk } from './chunk.ts'
import { Location } from './location.ts'

const fs = new MemoryFileSystem()
const retirer = new FileRetirer(fs, () => {})
const cache = new BlockCache({ bytesMax: 0 })

function fileOf(number: number, length: number): PackFile {
  const place = { folder: '/s', name: `f-${number}`, number, kind: 'pack', cache, retirer } as const
  return PackFile.ofBytes(Buffer.alloc(length), place)
}

/** A segment that keeps these ranges, one behind the other in its file. */
class Ranges implements MappedFile {
  readonly file: PackFile
  readonly low: number
  readonly high: number
  readonly #ranges: readonly (readonly [number, number])[]

  constructor(number: number, ranges: readonly (readonly [number, number])[]) {
    this.file = fileOf(number, 1)
    this.#ranges = ranges
    this.low = Math.min(...ranges.map((range) => range[0]))
    this.high = Math.max(...ranges.map((range) => range[1]))
  }

  locate(offset: number): number {
    let position = 64
    for (const [start, end] of this.#ranges) {
      if (offset >= start && offset < end) return position + offset - start
      position += end - start
    }
    return -1
  }

  acquire(): void {
    this.file.acquire()
  }

  release(): void {
    this.file.release()
  }
}

describe('AddressSpace', () => {
  test('gives positions in files of any size', () => {
    const end = 2 ** 33
    const nothing = (): void => undefined
    const file = { end, acquire: nothing, release: nothing } as unknown as PackFile
    const chunk = new Chunk({ number: 1, base: 2 ** 40, file })
    const space = new AddressSpace({
      epoch: 0,
      instance: {},
      retire: chunk.base,
      chunks: [chunk],
      segments: [],
    })
    const at = new Location()
    for (const position of [64, 2 ** 31 - 8, 2 ** 31, 2 ** 32 + 8, end - 8]) {
      expect(space.locate(chunk.base + position, at)).toBe(true)
      expect(at.position).toBe(position)
    }
    expect(space.locate(chunk.base + end, at)).toBe(false)
    space.release()
  })

  test('finds what a model finds, in chunks and in segments whose ranges interleave', () => {
    const gaps = fc.array(
      fc.record({ gap: fc.nat(3), length: fc.integer({ min: 1, max: 9 }), owner: fc.nat(4) }),
    )
    fc.assert(
      fc.property(gaps, gaps, (below, above) => {
        const ranges = new Map<number, [number, number][]>()
        let at = 8
        for (const { gap, length, owner } of below) {
          at += gap * 8
          ranges.set(owner, [...(ranges.get(owner) ?? []), [at, at + length * 8]])
          at += length * 8
        }
        const segments = [...ranges].map(([owner, list]) => new Ranges(owner, list))
        const retire = Math.ceil(at / 4096) * 4096
        const chunks: Chunk[] = []
        at = retire
        for (const { gap, length } of above) {
          at += gap * 8
          chunks.push(
            new Chunk({
              number: 100 + chunks.length,
              base: at,
              file: fileOf(100 + chunks.length, length * 8),
            }),
          )
          at += length * 8
        }
        const space = new AddressSpace({ epoch: 1, instance: {}, retire, chunks, segments })
        expect(space.end).toBe(chunks.at(-1)?.end ?? retire)
        const into = new Location()
        for (let offset = 0; offset < at + 100; offset += 8) {
          const chunk = chunks.find((c) => offset >= c.base && offset < c.end)
          const segment = segments.find((s) => s.locate(offset) >= 0)
          const expected = chunk ?? segment
          const found = space.locate(offset, into)
          expect(found, `offset ${offset}`).toBe(expected !== undefined)
          if (!found) continue
          expect(into.file).toBe(expected?.file)
          expect(into.position).toBe(chunk === undefined ? segment?.locate(offset) : offset - chunk.base)
          expect(space.isLive(offset)).toBe(true)
        }
        space.release()
      }),
    )
  })

  test('its end follows the open chunk', () => {
    const place = { folder: '/s', name: 'f', number: 1, kind: 'pack', cache, retirer, growsFrom: 64 } as const
    const file = PackFile.ofBytes(Buffer.alloc(64), place)
    const space = new AddressSpace({
      epoch: 0,
      instance: {},
      retire: 0,
      chunks: [new Chunk({ number: 1, base: 0, file })],
      segments: [],
    })
    expect([space.end, space.isLive(56), space.isLive(64)]).toEqual([64, true, false])
    file.grow(128)
    expect([space.end, space.isLive(64), space.locate(120, new Location())]).toEqual([128, true, true])
    space.release()
    file.release()
  })

  test('it uses its files until its last user has released it', () => {
    const chunk = new Chunk({ number: 1, base: 4096, file: fileOf(1, 64) })
    const segment = new Ranges(2, [[8, 16]])
    const make = () =>
      new AddressSpace({ epoch: 1, instance: {}, retire: 4096, chunks: [chunk], segments: [segment] })
    const old = make()
    const next = make()
    chunk.file.release()
    segment.release()
    expect([chunk.file.userCount, segment.file.userCount]).toEqual([2, 2])
    old.acquire()
    old.release()
    expect(chunk.file.userCount).toBe(2)
    old.release()
    expect([chunk.file.userCount, segment.file.userCount]).toEqual([1, 1])
    expect(() => old.release()).toThrow('released once')
    expect(() => old.acquire()).toThrow('not used again')
    next.release()
    expect([chunk.file.userCount, segment.file.userCount]).toEqual([0, 0])
  })

  test('chunks that overlap are refused', () => {
    const chunks = [0, 8].map((base, i) => new Chunk({ number: i, base, file: fileOf(i, 64) }))
    expect(() => new AddressSpace({ epoch: 1, instance: {}, retire: 0, chunks, segments: [] })).toThrow(
      'overlap',
    )
  })
})
