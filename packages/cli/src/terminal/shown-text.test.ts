import { expect, test } from 'vitest'
import { firstLine, shownLines, shownName } from './shown-text.ts'

test.each([
  ['plain', 'plain'],
  ['with space', 'with space'],
  ['gr\u00fc\u00dfe \u65e5\u672c', 'gr\u00fc\u00dfe \u65e5\u672c'],
  ['line\nbreak', '"line\\nbreak"'],
  ['tab\t', '"tab\\t"'],
  ['"quoted"', '"\\"quoted\\""'],
  ['back\\slash', '"back\\\\slash"'],
  ['\u001b[31mred', '"\\033[31mred"'],
  ['\u0085', '"\\302\\205"'],
  [Buffer.from([0x63, 0xe9]), '"c\\351"'],
])('a name is told apart from every other: %j', (name, shown) => {
  expect(shownName(Buffer.from(name as string))).toBe(shown)
})

test('text gives no commands to a terminal', () => {
  expect(shownLines('a\u001b]0;title\u0007b\nc\td\u009b')).toBe('a\ufffd]0;title\ufffdb\nc\td\ufffd')
  expect(firstLine('one\ttwo\u001b\nthree')).toBe('one two\ufffd')
  expect(firstLine('')).toBe('')
})
