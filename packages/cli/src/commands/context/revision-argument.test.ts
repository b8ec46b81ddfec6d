import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shownName } from '../../terminal/index.ts'
import { parsePath, parseRevisionPath } from './revision-argument.ts'

function names(path: readonly Uint8Array[]): string[] {
  return path.map((name) => Buffer.from(name).toString('latin1'))
}

describe('REV:PATH', () => {
  test.each([
    ['main', 'main', [], false],
    ['main:', 'main', [], true],
    ['main:a', 'main', ['a'], true],
    ['main:a/b/c', 'main', ['a', 'b', 'c'], true],
    ['main:a/b/', 'main', ['a', 'b'], true],
    ['main:a:b', 'main', ['a:b'], true],
    ['main~2:a', 'main~2', ['a'], true],
    ['git:0123abc', 'git:0123abc', [], false],
    ['git:0123abc:a', 'git:0123abc', ['a'], true],
    ['main:"a\\tb"', 'main', ['a\tb'], true],
  ])('%s', (text, revision, path, hasPath) => {
    const parsed = parseRevisionPath(text)
    expect(parsed).toMatchObject({ revision, hasPath })
    expect(names(parsed.path)).toEqual(path)
  })

  test('needs a revision', () => {
    expect(() => parseRevisionPath(':a')).toThrow('no revision')
    expect(() => parseRevisionPath('')).toThrow('no revision')
  })
})

test('what is wrong with a path is left for the store to say', () => {
  expect(names(parsePath('/a'))).toEqual(['', 'a'])
  expect(names(parsePath('a//b'))).toEqual(['a', '', 'b'])
  expect(names(parsePath('/'))).toEqual([''])
})

test('names come back as ls shows them', () => {
  const byte = fc.integer({ min: 1, max: 255 }).filter((b) => b !== 47)
  const name = fc.array(byte, { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (path) => {
      const bytes = Buffer.from(path.flatMap((part, at) => (at === 0 ? part : [47, ...part])))
      expect(parsePath(shownName(bytes)).map((part) => [...part])).toEqual(path)
    }),
  )
})
