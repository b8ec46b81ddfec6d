import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readU64, tryReadU64, writeU64 } from './bytes.ts'

describe('64-bit fields', () => {
  test('agree with the platform for every safe integer', () => {
    const safe = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1))
    fc.assert(
      fc.property(safe, fc.nat(9), (value, at) => {
        const bytes = Buffer.alloc(20, 0xaa)
        writeU64(bytes, value, at)
        expect(bytes.readBigUInt64LE(at)).toBe(BigInt(value))
        expect(readU64(bytes, at)).toBe(value)
        expect(tryReadU64(bytes, at)).toBe(value)
        expect(bytes.subarray(0, at).every((byte) => byte === 0xaa)).toBe(true)
        expect(bytes.subarray(at + 8).every((byte) => byte === 0xaa)).toBe(true)
      }),
    )
  })

  test.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('refuse to write %d', (value) => {
    expect(() => writeU64(Buffer.alloc(8), value, 0)).toThrow('must hold')
  })

  test('refuse to give an inexact number back', () => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(2n ** 53n)
    expect(() => readU64(bytes, 0)).toThrow('must hold')
    expect(tryReadU64(bytes, 0)).toBeUndefined()
  })

  test('do not reach beyond the buffer', () => {
    expect(() => readU64(Buffer.alloc(8), 1)).toThrow(RangeError)
    expect(() => writeU64(Buffer.alloc(8), 1, 1)).toThrow(RangeError)
  })
})
