import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VarintReader, varintBytesMax, varintLength, writeVarint } from './varint.ts'

describe('varints', () => {
  test.each([
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [16_384, '808001'],
    [2 ** 53 - 1, 'ffffffffffffff0f'],
  ])('%d is written as %s', (value, hex) => {
    const bytes = Buffer.alloc(varintBytesMax)
    const end = writeVarint(bytes, value, 0)
    expect(bytes.toString('hex', 0, end)).toBe(hex)
  })

  test('come back in order, each as long as announced', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.maxSafeNat(), fc.nat(300))), (values) => {
        const bytes = Buffer.alloc(values.length * varintBytesMax)
        let end = 0
        for (const value of values) {
          const next = writeVarint(bytes, value, end)
          expect(next - end).toBe(varintLength(value))
          end = next
        }
        const reader = new VarintReader(bytes, 0, end)
        expect(values.map(() => reader.next())).toEqual(values)
        expect(reader.position).toBe(end)
        expect(reader.next()).toBeUndefined()
      }),
    )
  })

  test('every truncation is refused and leaves the reader in its place', () => {
    const bytes = Buffer.alloc(varintBytesMax)
    const end = writeVarint(bytes, 2 ** 53 - 1, 0)
    for (let length = 0; length < end; length++) {
      const reader = new VarintReader(bytes, 0, length)
      expect(reader.next()).toBeUndefined()
      expect(reader.position).toBe(0)
    }
  })

  test.each(['8000', 'ffffffffffffff10', 'ffffffffffffffff01', '80808080808080808001'])(
    '%s is refused',
    (hex) => {
      const bytes = Buffer.from(hex, 'hex')
      expect(new VarintReader(bytes, 0, bytes.length).next()).toBeUndefined()
    },
  )

  test('whatever bytes are accepted are written back the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (array) => {
        const bytes = Buffer.from(array)
        const reader = new VarintReader(bytes, 0, bytes.length)
        const value = reader.next()
        if (value === undefined) return
        const again = Buffer.alloc(varintBytesMax)
        const end = writeVarint(again, value, 0)
        expect(again.subarray(0, end)).toEqual(bytes.subarray(0, reader.position))
      }),
    )
  })
})
