import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { copyOfBytes, readU64, tryReadU64, Views, writeU64 } from './bytes.ts'

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

describe('copies of bytes', () => {
  const sizes = [0, 1, 64, 65, 100, 1024, 1025, 5000]

  test('are plain arrays with the right bytes, whatever is done to the others', () => {
    const source = Buffer.from(Array.from({ length: 6000 }, (_, i) => (i * 7) & 255))
    const expected = sizes.map((size) => [...source.subarray(9, 9 + size)])
    const copies = sizes.map((size) => copyOfBytes(source, 9, 9 + size))
    for (const [i, copy] of copies.entries()) {
      expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype)
      expect([...copy]).toEqual(expected[i])
    }
    source.fill(1)
    for (const [i, copy] of copies.entries()) {
      expect([...copy]).toEqual(expected[i])
      copy.fill(2)
    }
    expect([...source.subarray(0, 10)]).toEqual(new Array(10).fill(1))
  })

  test('small ones that lie beside each other cannot be taken away together', () => {
    const source = Buffer.alloc(200, 3)
    const first = copyOfBytes(source, 0, 100)
    const second = copyOfBytes(source, 100, 200)
    // Newer versions of Node.js refuse, older ones copy.
    try {
      structuredClone(first, { transfer: [first.buffer] })
    } catch (error) {
      expect(error).toMatchObject({ name: 'DataCloneError' })
    }
    expect([...first]).toEqual(new Array(100).fill(3))
    expect([...second]).toEqual(new Array(100).fill(3))
    expect([...structuredClone(first)]).toEqual(new Array(100).fill(3))
  })
})

test('views of one place are made once for each length', () => {
  const bytes = Buffer.from('0123456789')
  const views = new Views(bytes, 2)
  expect(views.of(3).toString()).toBe('234')
  expect(views.of(0).length).toBe(0)
  expect(views.of(8).toString()).toBe('23456789')
  bytes.write('x', 2)
  expect(views.of(3).toString()).toBe('x34')
  expect(views.of(3)).toBe(views.of(3))
})
