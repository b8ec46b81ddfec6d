import { VarveError } from '@varve/pack/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Path } from '../../api/index.ts'
import { formatPath, parsePath } from './path.ts'

function hintOf(path: unknown): string {
  try {
    parsePath(path as Path)
  } catch (error) {
    if (VarveError.is(error, 'INVALID_PATH')) return error.details.hint
    throw error
  }
  return 'accepted'
}

describe('parsePath', () => {
  it('takes the empty text and the empty array for the tree itself', () => {
    expect(parsePath('')).toEqual([])
    expect(parsePath([])).toEqual([])
  })

  it('splits text at every slash and nowhere else', () => {
    expect(parsePath('a/b/c')).toEqual(['a', 'b', 'c'])
    expect(parsePath('a\\/b c')).toEqual(['a\\', 'b c'])
    expect(parsePath('__proto__/10/9')).toEqual(['__proto__', '10', '9'])
  })

  it('gives names as their bytes', () => {
    expect(parsePath('ä')).toEqual(['\xc3\xa4'])
    expect(parsePath(['ä', new Uint8Array([0xe4])])).toEqual(['\xc3\xa4', '\xe4'])
    expect(parsePath('\u00e9')).not.toEqual(parsePath('e\u0301'))
    expect(parsePath(['a', 'b'])).toEqual(parsePath('a/b'))
  })

  it('refuses odd paths and says why', () => {
    expect(hintOf('/a')).toBe("a path does not begin with '/'")
    expect(hintOf('/')).toBe("a path does not begin with '/'")
    expect(hintOf('a/')).toBe("a path does not end in '/'")
    expect(hintOf('a//b')).toBe("a name between two '/' is empty")
    expect(hintOf(['a', ''])).toBe('a name is empty')
    expect(hintOf(['a/b'])).toBe("a name in an array holds '/'")
    expect(hintOf([new Uint8Array([0x61, 0x2f])])).toBe("a name in an array holds '/'")
    expect(hintOf('a/./b')).toContain("'.' is no name")
    expect(hintOf('..')).toContain("'..' is no name")
    expect(hintOf('a\0b')).toBe('a name holds a NUL byte')
    expect(hintOf('a/\ud800')).toBe('a name holds half of a surrogate pair')
    expect(hintOf(7)).toBe('a path is a string or an array of names')
    expect(hintOf(undefined)).toBe('a path is a string or an array of names')
    expect(hintOf([7])).toBe('a name is text or bytes')
  })

  it('counts the length of a name in bytes', () => {
    expect(hintOf('x'.repeat(1023))).toBe('accepted')
    expect(hintOf('x'.repeat(1024))).toBe('a name is longer than 1023 bytes')
    expect(hintOf('ä'.repeat(511))).toBe('accepted')
    expect(hintOf('ä'.repeat(512))).toBe('a name is longer than 1023 bytes')
  })

  it('carries any legal names there and back, and orders them by their bytes', () => {
    const name = fc
      .uint8Array({ minLength: 1, maxLength: 8 })
      .filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f))
      .filter((bytes) => !/^\.\.?$/.test(Buffer.from(bytes).toString('latin1')))
    fc.assert(
      fc.property(name, name, (a, b) => {
        const [keyA, keyB] = parsePath([a, b]) as [string, string]
        expect([...Buffer.from(keyA, 'latin1')]).toEqual([...a])
        expect(Math.sign(Buffer.compare(a, b))).toBe(keyA < keyB ? -1 : keyA > keyB ? 1 : 0)
      }),
    )
  })
})

describe('formatPath', () => {
  it('joins names as text and replaces what is no UTF-8', () => {
    expect(formatPath(parsePath('a/ö/c'))).toBe('a/ö/c')
    expect(formatPath(['\xe4'])).toBe('\ufffd')
  })
})
