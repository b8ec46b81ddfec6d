import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeName, encodeName } from './encode-name.ts'
import { isLegalName, toRawName } from './raw-name.ts'

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom('%', '/', '\0', '.', '2', 'F', 'u', 'h', 'é', '\ud800', '\udc80', '\udfff', '💀'),
    maxLength: 12,
  }),
)
const anyBytes = fc.uint8Array({ maxLength: 20 })

describe('encodeName', () => {
  test.each([
    ['', '%'],
    ['.', '%.'],
    ['..', '%..'],
    ['...', '...'],
    ['a', 'a'],
    ['a/b', '%a%2Fb'],
    ['50%', '50%'],
    ['%', '%%25'],
    ['%2F', '%%252F'],
    ['a\0b', '%a%00b'],
    ['\ud800', '%%uD800'],
    ['\udc41', '%%uDC41'],
    ['__proto__', '__proto__'],
    ['e\u0301', 'e\u0301'],
    ['x'.repeat(1_023), 'x'.repeat(1_023)],
    [Uint8Array.of(0xff, 0x41), '%%FFA'],
    [Uint8Array.of(0xc3, 0xa9), 'é'],
    [Uint8Array.of(0xc3, 0xa9, 0xc3), '%é%C3'],
  ])('%j becomes %j', (key, name) => {
    expect(encodeName(key)).toBe(name)
  })

  test('any text becomes a legal name and comes back', () => {
    fc.assert(
      fc.property(anyText, (key) => {
        const name = encodeName(key)
        expect(Buffer.from(name).toString()).toBe(name)
        expect(isLegalName(toRawName(name))).toBe(true)
        expect(decodeName(name)).toBe(key)
      }),
      { numRuns: 2_000 },
    )
  })

  test('different bytes have different names, and the name of the text that comes back is the same', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(encodeName(a) === encodeName(b)).toBe(Buffer.compare(a, b) === 0)
        expect(encodeName(decodeName(encodeName(a)))).toBe(encodeName(a))
      }),
      { numRuns: 2_000 },
    )
  })

  test('legal text keeps its order', () => {
    const legal = anyText.filter(
      (text) => Buffer.from(text).toString() === text && isLegalName(toRawName(text)),
    )
    fc.assert(
      fc.property(legal, legal, (a, b) => {
        const order = Buffer.compare(Buffer.from(a), Buffer.from(b))
        expect(Buffer.compare(Buffer.from(encodeName(a)), Buffer.from(encodeName(b)))).toBe(order)
      }),
      { numRuns: 2_000 },
    )
  })

  test('keys that are too long have different legal names of their own', () => {
    const keys = [
      'x'.repeat(1_024),
      `${'x'.repeat(1_024)}y`,
      '💀'.repeat(400),
      '/'.repeat(400),
      '%'.repeat(1_000),
    ]
    const names = keys.map((key) => encodeName(key))
    expect(new Set(names).size).toBe(keys.length)
    for (const name of names) {
      expect(isLegalName(toRawName(name))).toBe(true)
      expect(name).toMatch(/%h[0-9a-f]{64}$/)
      expect(() => decodeName(name)).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }))
    }
  })
})

test.each(['', '.', 'a/b', '%zz', '%a', '%a%2fb', '%%', '%%41', '%%uD83D%80', '\ud800', 'x'.repeat(1_024)])(
  'decodeName refuses %j, which stands for no key',
  (name) => {
    expect(() => decodeName(name)).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }))
  },
)
