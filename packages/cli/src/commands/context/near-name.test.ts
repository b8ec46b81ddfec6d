import { expect, test } from 'vitest'
import { nearName } from './near-name.ts'

test.each([
  ['mian', ['main', 'topic'], 'main'],
  ['mai', ['main', 'topic'], 'main'],
  ['topics', ['main', 'topic'], 'topic'],
  ['maintenance', ['main'], undefined],
  ['x', ['y', 'z'], undefined],
  ['ab', ['ba', 'abc'], 'ba'],
  ['', ['a'], undefined],
  ['main', [], undefined],
])('%j among %j', (text, names, expected) => {
  expect(nearName(text, names)).toBe(expected)
})
