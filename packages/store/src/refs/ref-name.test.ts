/** Names of refs, and the text that a ref's record carries beside its target. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refKey, refNameOf } from './ref-name.ts'
import { decodeRefValue, encodeRefValue } from './ref-record.ts'

const refused = [
  ...['', '/', 'a/', '/a', 'a//b', 'a..b', '..', 'a.', 'a@{b', '.a', 'a/.b', 'a.lock', 'a.lock/b'],
  ...[' ', '~', '^', ':', '?', '*', '[', '\\', '\n', '\x7f', '\0', '\ud800'].map((odd) => `a${odd}b`),
  ...['\udc00', 'ä'.repeat(501), 'a'.repeat(1_001)],
]
const taken = [
  'a',
  'a/b/c',
  '@',
  '-',
  'a.b',
  'lock',
  'a.lock2',
  'heads/x',
  'é',
  '\u{1f600}',
  'ä'.repeat(500),
  '}{',
]

describe('a name', () => {
  test.each(refused)('%j is refused, with a hint', (name) => {
    for (const kind of ['heads', 'tags'] as const) {
      expect(() => refKey(kind, name)).toThrow(
        expect.objectContaining({ code: 'INVALID_PATH', details: { path: name, hint: expect.any(String) } }),
      )
    }
  })

  test.each(taken)('%j is taken, and is found in its key again', (name) => {
    expect(refKey('heads', name)).toBe(`heads/${name}`)
    expect(refNameOf(refKey('tags', name))).toBe(name)
  })

  test('that is taken survives UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (name) => {
        let key: string
        try {
          key = refKey('heads', name)
        } catch {
          return
        }
        expect(Buffer.from(key).toString()).toBe(key)
      }),
    )
  })
})

describe("a ref's value", () => {
  test('is read as it was written', () => {
    const annotation = { message: 'm\n"', author: 'a', date: 5 }
    for (const value of [
      { at: 7, annotation: undefined },
      { at: 7, annotation },
    ]) {
      expect(decodeRefValue(encodeRefValue(value))).toEqual(value)
    }
    expect(encodeRefValue({ at: 7, annotation: undefined }).toString()).toBe('{"at":7}')
  })

  test('that cannot be read is left out, never an error', () => {
    const none = { at: 0, annotation: undefined }
    for (const text of [
      '',
      '{',
      'null',
      '7',
      '[]',
      '"at"',
      '{"at":"7"}',
      '{"message":"m","author":"a"}',
      '\xff',
    ]) {
      expect(decodeRefValue(Buffer.from(text, 'latin1')), text).toEqual(none)
    }
    expect(decodeRefValue(Buffer.from('{"at":9,"message":1,"author":"a","date":1}'))).toEqual({
      ...none,
      at: 9,
    })
  })
})
