import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../testing/index.ts'
import { BloomFilter } from './bloom-filter.ts'

describe('BloomFilter', () => {
  test('never says no to what is in it, and yes to less than one in 100 others', () => {
    for (const count of [0, 1, 40, 1000, 300_000]) {
      const random = new SeededRandom(count)
      const words = Uint32Array.from({ length: count * 2 }, () => random.uint32())
      const filled = BloomFilter.for(count)
      for (let i = 0; i < count; i++) filled.add(words[i * 2] as number, words[i * 2 + 1] as number)
      const filter = BloomFilter.ofBytes(Buffer.from(filled.toBytes())) as BloomFilter
      for (let i = 0; i < count; i++) {
        if (!filter.has(words[i * 2] as number, words[i * 2 + 1] as number)) expect.fail(`${i} of ${count}`)
      }
      let passed = 0
      for (let i = 0; i < 50_000; i++) if (filter.has(random.uint32(), random.uint32())) passed++
      expect(passed).toBeLessThan(500)
      expect(filter.bytes).toBeLessThanOrEqual(64 + count * 1.5)
    }
  })

  test('its bits are where docs/format.md says', () => {
    const filter = BloomFilter.for(100)
    filter.add(0x0123_4567, 0x89ab_cdef)
    filter.add(0xffff_ffff, 0)
    const words = filter.toBytes()
    const bits: number[] = []
    for (let bit = 0; bit < words.length * 8; bit++) {
      if (((words[bit >> 3] as number) >> (bit & 7)) & 1) bits.push(bit)
    }
    expect(bits).toMatchInlineSnapshot(`
      [
        8,
        67,
        79,
        382,
        458,
        479,
        1075,
        1334,
        1381,
        1415,
        1416,
        1447,
      ]
    `)
  })

  test('bytes that cannot be one', () => {
    expect(BloomFilter.ofBytes(Buffer.alloc(0))).toBeUndefined()
    expect(BloomFilter.ofBytes(Buffer.alloc(65))).toBeUndefined()
    expect(BloomFilter.ofBytes(Buffer.alloc(66).subarray(1, 65))?.has(1, 2)).toBe(false)
  })
})
