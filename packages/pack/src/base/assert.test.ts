import { expect, test } from 'vitest'
import { AssertionFailed, assert, unreachable } from './assert.ts'

test('a false condition is a bug with a sentence', () => {
  expect(() => assert(false, 'offsets grow')).toThrow(new AssertionFailed('must hold: offsets grow'))
  assert(true, 'offsets grow')
})

test('an impossible value is named', () => {
  expect(() => unreachable('surprise' as never)).toThrow('unexpected value: surprise')
})
