import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../testing/index.ts'
import { sha256 } from '../content-hash.ts'
import { Chunker, chunkBytesMax, chunkBytesMin, chunkBytesNormal } from './chunker.ts'
import { gearTable } from './gear-table.ts'

function chunkSizes(content: Buffer, pieceSize: number = content.length): number[] {
  const chunker = new Chunker()
  const sizes: number[] = []
  const emit = (chunk: Buffer): void => void sizes.push(chunk.length)
  for (let at = 0; at < content.length; at += pieceSize)
    chunker.push(content.subarray(at, at + pieceSize), emit)
  chunker.finish(emit)
  return sizes
}

/** The rule, byte by byte, with nothing kept from before. */
function naiveSizes(content: Buffer): number[] {
  const sizes: number[] = []
  let start = 0
  let hash = 0n
  for (let at = 0; at < content.length; at++) {
    const size = at + 1 - start
    if (size > chunkBytesMin) hash = ((hash << 1n) + BigInt(gearTable[content[at]!]! >>> 0)) & 0xffff_ffffn
    const zeroBits = size <= chunkBytesNormal ? 18n : 14n
    const isCut = size > chunkBytesMin && hash >> (32n - zeroBits) === 0n
    if (!isCut && size < chunkBytesMax && at + 1 < content.length) continue
    sizes.push(size)
    start = at + 1
    hash = 0n
  }
  return sizes
}

function random(seed: number, size: number): Buffer {
  return new SeededRandom(seed).bytes(size)
}

describe('Chunker', () => {
  test('cuts by the rule, in whatever pieces the content comes', () => {
    const pieces = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1_000, max: 300_000 }))
    fc.assert(
      fc.property(fc.nat(1_000), fc.nat(900_000), pieces, (seed, size, pieceSize) => {
        const content = random(seed, size)
        expect(chunkSizes(content, pieceSize)).toEqual(naiveSizes(content))
      }),
      { numRuns: 12 },
    )
  })

  test('the cuts of format 1 stay where they are', () => {
    // Made by another program from the rules in docs/format.md.
    const words = [0xed82_9fdd, 0xb7b6_6bcb, 0xa369_8501, 0x4af9_53b5]
    expect([...gearTable.subarray(0, 4)]).toEqual(words.map((word) => word | 0))
    const blocks = Array.from({ length: 18_750 }, (_, i) => createHash('sha256').update(String(i)).digest())
    expect(chunkSizes(Buffer.concat(blocks))).toEqual([
      58_257, 60_413, 73_295, 105_370, 53_293, 99_817, 42_297, 56_296, 50_962,
    ])
    expect(chunkSizes(Buffer.alloc(600_000))).toEqual([262_144, 262_144, 75_712])
  })

  test('chunks are 64 KiB on average, and keep to their limits', () => {
    const sizes = chunkSizes(random(2, 32 * 2 ** 20))
    const inner = sizes.slice(0, -1)
    const mean = inner.reduce((sum, size) => sum + size, 0) / inner.length
    expect(mean).toBeGreaterThan(60_000)
    expect(mean).toBeLessThan(71_000)
    expect(Math.min(...inner)).toBeGreaterThan(chunkBytesMin)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(chunkBytesMax)
  })

  test.each([
    ['a byte is put in front', (c: Buffer) => Buffer.concat([Buffer.of(1), c])],
    [
      'a part is cut out of the middle',
      (c: Buffer) => Buffer.concat([c.subarray(0, 2_000_000), c.subarray(2_070_000)]),
    ],
    [
      'a byte changes',
      (c: Buffer) => Buffer.concat([c.subarray(0, 99), Buffer.of(c[99]! ^ 1), c.subarray(100)]),
    ],
  ])('most chunks stay when %s', (_, edit) => {
    const content = random(3, 4 * 2 ** 20)
    const hashes = (bytes: Buffer): string[] => {
      const chunker = new Chunker()
      const found: string[] = []
      const emit = (chunk: Buffer): void => void found.push(sha256(chunk, 0, chunk.length))
      chunker.push(bytes, emit)
      chunker.finish(emit)
      return found
    }
    const before = new Set(hashes(content))
    const after = hashes(edit(content))
    expect(after.filter((hash) => !before.has(hash)).length).toBeLessThanOrEqual(4)
  })

  test('no content has no chunks, and a used chunker starts afresh', () => {
    expect(chunkSizes(Buffer.alloc(0))).toEqual([])
    const chunker = new Chunker()
    const content = random(4, 300_000)
    const rounds = [0, 1].map(() => {
      const sizes: number[] = []
      chunker.push(content, (chunk) => void sizes.push(chunk.length))
      chunker.finish((chunk) => void sizes.push(chunk.length))
      return sizes
    })
    expect(rounds[0]).toEqual(rounds[1])
  })
})
