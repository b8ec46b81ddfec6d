import { describe, expect, test } from 'vitest'
import { checkName, rawNameBytes, rawNameText, toRawName } from './raw-name.ts'

describe('raw names', () => {
  test.each(['a', '__proto__', 'é', 'e\u0301', '日本', '💀'])('%j is text, bytes, and back', (text) => {
    const name = toRawName(text)
    expect(rawNameBytes(name)).toEqual(Buffer.from(text))
    expect(toRawName(Buffer.from(text))).toBe(name)
    expect(rawNameText(name)).toBe(text)
  })

  test('order is the order of bytes, not of UTF-16', () => {
    const [fullwidth, skull] = ['\uff5e', '💀'].map((text) => toRawName(text)) as [string, string]
    expect('\uff5e' < '💀').toBe(false)
    expect(fullwidth < skull).toBe(true)
  })

  test('bytes that are no UTF-8 stay what they are, and read as U+FFFD', () => {
    const name = toRawName(Uint8Array.of(0xe9))
    expect(rawNameBytes(name)).toEqual(Buffer.of(0xe9))
    expect(rawNameText(name)).toBe('\ufffd')
  })

  test.each(['', '.', '..', 'a/b', '/', 'a\0', 'x'.repeat(1_024)])('%j is no name', (name) => {
    expect(() => checkName(name)).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }))
  })

  test.each(['...', '.a', 'a.', '\xff', ' ', 'x'.repeat(1_023)])('%j is a name', (name) => {
    checkName(name)
  })
})
