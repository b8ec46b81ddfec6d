import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { hasXxh64, loadXxh64, writeXxh64, Xxh64Stream, xxh64 } from './xxh64.ts'

beforeAll(loadXxh64)

describe('xxh64', () => {
  // Published results of the reference implementation for seed 0 and for the empty input.
  test.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
  ])('of %j is the published value', (text, expected) => {
    const bytes = Buffer.from(text)
    expect(xxh64(bytes, 0, bytes.length, 0)).toBe(expected)
  })

  test('depends on the range and on the seed, not on what lies around', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), fc.maxSafeNat(), (content, margin, seed) => {
        const alone = xxh64(content, 0, content.length, seed)
        const framed = Buffer.concat([Buffer.alloc(margin, 1), content, Buffer.alloc(margin, 2)])
        expect(xxh64(framed, margin, margin + content.length, seed)).toBe(alone)
        expect(xxh64(content, 0, content.length, seed === 0 ? 1 : seed - 1)).not.toBe(alone)
      }),
    )
  })

  test('is the same in pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), fc.maxSafeNat(), (pieces, seed) => {
        const stream = new Xxh64Stream(seed)
        for (const piece of pieces) stream.update(piece, 0, piece.length)
        const whole = Buffer.concat(pieces)
        expect(stream.digest()).toBe(xxh64(whole, 0, whole.length, seed))
      }),
    )
  })

  test('is the same for input longer than a piece, and two streams do not disturb each other', () => {
    const bytes = Buffer.alloc(3_000_001, 'varve')
    const [a, b] = [new Xxh64Stream(5), new Xxh64Stream(5)]
    a.update(bytes, 0, 1_000)
    b.update(bytes, 0, bytes.length)
    a.update(bytes, 1_000, bytes.length)
    expect(a.digest()).toBe(xxh64(bytes, 0, bytes.length, 5))
    expect(b.digest()).toBe(a.digest())
  })

  test('is written little-endian, and found again unless a bit has changed', () => {
    const sums = fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.maxSafeNat(), fc.nat(9), fc.nat(63))
    fc.assert(
      fc.property(sums, ([content, seed, at, bit]) => {
        const target = Buffer.alloc(at + 9, 7)
        writeXxh64(content, 0, content.length, seed, target, at)
        expect(target.readBigUInt64LE(at)).toBe(xxh64(content, 0, content.length, seed))
        expect([...target.subarray(0, at), target[at + 8]]).toEqual(new Array(at + 1).fill(7))
        expect(hasXxh64(content, 0, content.length, seed, target, at)).toBe(true)
        target[at + (bit >> 3)]! ^= 1 << (bit & 7)
        expect(hasXxh64(content, 0, content.length, seed, target, at)).toBe(false)
      }),
    )
  })

  test('refuses a range outside the buffer', () => {
    expect(() => xxh64(Buffer.alloc(4), 2, 5, 0)).toThrow('must hold')
    expect(() => xxh64(Buffer.alloc(4), 3, 2, 0)).toThrow('must hold')
  })
})
