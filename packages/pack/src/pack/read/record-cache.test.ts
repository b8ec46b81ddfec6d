import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { recordHeaderSize } from '../frame/index.ts'
import { RecordCache } from './record-cache.ts'

const slabBytes = 1 << 20

/** Of all a record's fields, the cache asks for the length of the body only. */
function recordOf(size: number, fill: number): Buffer {
  const record = Buffer.alloc(size, fill)
  record.writeUInt32LE(size - recordHeaderSize, 12)
  return record
}

describe('a cache of records', () => {
  test('finds what was added, under its own file and position only', () => {
    const cache = new RecordCache({ bytesMax: 8 * slabBytes })
    expect(cache.find(1, 64)).toBe(false)
    expect(cache.add(1, 64, Buffer.concat([Buffer.alloc(40), recordOf(104, 7)]), 40)).toBe(true)
    expect(cache.find(1, 64)).toBe(true)
    expect(cache.buf.subarray(cache.start, cache.start + 104)).toEqual(recordOf(104, 7))
    expect(cache.find(2, 64)).toBe(false)
    expect(cache.find(1, 72)).toBe(false)
  })

  test('keeps within its bound and forgets the oldest first', () => {
    const cache = new RecordCache({ bytesMax: 4 * slabBytes })
    const size = 1024
    const count = (6 * slabBytes) / size
    for (let i = 0; i < count; i++) cache.add(1, i * size, recordOf(size, i & 255), 0)
    expect(cache.find(1, 0)).toBe(false)
    expect(cache.find(1, (count - 1) * size)).toBe(true)
    expect(cache.bytes).toBeLessThan(5 * slabBytes)
  })

  test('a record that is old and read again can be kept by adding it again', () => {
    const cache = new RecordCache({ bytesMax: 4 * slabBytes })
    const size = 1024
    cache.add(9, 8, recordOf(size, 9), 0)
    for (let i = 0; i < (20 * slabBytes) / size; i++) {
      cache.add(1, i * size, recordOf(size, 1), 0)
      expect(cache.find(9, 8)).toBe(true)
      if (cache.isOld()) cache.add(9, 8, cache.buf, cache.start)
    }
    expect(cache.find(9, 8)).toBe(true)
    expect(cache.buf[cache.start]).toBe(9)
  })

  test('refuses what is too large, and a view outlives its slab', () => {
    const cache = new RecordCache({ bytesMax: 4 * slabBytes })
    expect(cache.add(1, 8, recordOf(slabBytes, 1), 0)).toBe(false)
    cache.add(1, 16, recordOf(512, 5), 0)
    const { buf, start } = cache
    for (let i = 1; i < 6000; i++) cache.add(2, i * 1024, recordOf(1024, 6), 0)
    expect(cache.find(1, 16)).toBe(false)
    expect(buf.subarray(start, start + 512)).toEqual(recordOf(512, 5))
  })

  test('says when it takes more memory', () => {
    const told: number[] = []
    const cache = new RecordCache({ bytesMax: 4 * slabBytes, onGrown: (bytes) => told.push(bytes) })
    const size = slabBytes / 8 - 8
    for (let i = 0; i < 100; i++) cache.add(1, i * 8, recordOf(size, 1), 0)
    expect(told).toHaveLength(4)
    expect(told.at(-1)).toBe(cache.bytes)
  })

  test('never gives a record that is not the one asked for', () => {
    const operation = fc.record({
      file: fc.integer({ min: 0, max: 3 }),
      position: fc.integer({ min: 0, max: 3000 }).map((unit) => unit * 8),
      size: fc.integer({ min: 6, max: 8000 }).map((unit) => unit * 8),
    })
    fc.assert(
      fc.property(fc.array(operation, { minLength: 200, maxLength: 1500 }), (operations) => {
        const cache = new RecordCache({ bytesMax: 4 * slabBytes })
        const truth = new Map<string, { size: number; fill: number }>()
        for (const [i, { file, position, size }] of operations.entries()) {
          const key = `${file} ${position}`
          const known = truth.get(key)
          if (cache.find(file, position)) {
            expect(known).toBeDefined()
            expect(cache.buf[cache.start]).toBe(known?.fill)
            expect(cache.buf[cache.start + (known?.size ?? 0) - 1]).toBe(known?.fill)
          } else {
            const fill = i & 255
            if (cache.add(file, position, recordOf(size, fill), 0)) truth.set(key, { size, fill })
          }
        }
      }),
      { numRuns: 30 },
    )
  })
})
