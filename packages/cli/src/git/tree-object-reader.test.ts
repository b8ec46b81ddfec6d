import { describe, expect, test } from 'vitest'
import { MalformedTree, TreeObjectReader } from './tree-object-reader.ts'

const id = Buffer.alloc(20, 7)

function entry(mode: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), id])
}

function readerOf(...entries: readonly Buffer[]): TreeObjectReader {
  const bytes = Buffer.concat([Buffer.from('before'), ...entries])
  return new TreeObjectReader(bytes, { start: 6, end: bytes.length }, 20)
}

function read(reader: TreeObjectReader): string[] {
  const found: string[] = []
  while (reader.next()) found.push(`${reader.kind} ${reader.name.toString('latin1')}`)
  return found
}

test('gives kind, name, and id of each entry', () => {
  const reader = readerOf(
    entry('100644', 'a'),
    entry('100755', 'b'),
    entry('120000', 'c'),
    entry('40000', 'd'),
  )
  expect(reader.next()).toBe(true)
  expect(reader.id).toBe(id.toString('hex'))
  expect(read(reader)).toEqual(['executable b', 'symlink c', 'directory d'])
  expect(reader).toMatchObject({ isPlain: true, isAscending: true })
})

describe('what Git would not write today makes a tree odd', () => {
  test.each([
    ['a group-writable file', [entry('100664', 'a')], ['file a']],
    ['a zero in front of the mode', [entry('040000', 'a')], ['directory a']],
    ['an executable of old', [entry('100775', 'a')], ['executable a']],
    ['a mode of no kind', [entry('644', 'a')], ['submodule a']],
    ['a name twice', [entry('100644', 'a'), entry('100644', 'a')], ['file a', 'file a']],
    ['another order', [entry('100644', 'b'), entry('100644', 'a')], ['file b', 'file a']],
    [
      'byte order where a directory sorts otherwise',
      [entry('40000', 'a'), entry('100644', 'a.b')],
      ['directory a', 'file a.b'],
    ],
    ['a slash in a name', [entry('100644', 'a/b')], ['file a/b']],
    ['a name that is no name', [entry('100644', '..')], ['file ..']],
    ['a name of 1,024 bytes', [entry('100644', 'x'.repeat(1_024))], [`file ${'x'.repeat(1_024)}`]],
  ])('%s', (_, entries, expected) => {
    const reader = readerOf(...entries)
    expect(read(reader)).toEqual(expected)
    expect(reader.isPlain).toBe(false)
  })
})

test("Git's order is not byte order: a directory sorts as if its name ended in a slash", () => {
  const reader = readerOf(
    entry('100644', 'a-b'),
    entry('100644', 'a.b'),
    entry('40000', 'a'),
    entry('100644', 'a0'),
  )
  expect(read(reader)).toHaveLength(4)
  expect(reader).toMatchObject({ isPlain: true, isAscending: false })
})

test('names are bytes', () => {
  const reader = readerOf(entry('100644', '\u00e9\u00ff'))
  reader.next()
  expect([...reader.name]).toEqual([0xe9, 0xff])
  expect(reader).toMatchObject({ isNameLegal: true, isPlain: true })
})

test('a tree cut off anywhere is malformed, or ends between two entries', () => {
  const whole = Buffer.concat([entry('100644', 'a'), entry('40000', 'b')])
  for (let end = 1; end < whole.length; end++) {
    const reader = new TreeObjectReader(whole, { start: 0, end }, 20)
    if (end === entry('100644', 'a').length) expect(read(reader)).toEqual(['file a'])
    else expect(() => read(reader)).toThrow(MalformedTree)
  }
})

test.each(['x00644 a', ' a', '10064444444444 a'])('a mode that is none is malformed: %s', (text) => {
  expect(() => read(readerOf(Buffer.concat([Buffer.from(`${text}\0`), id])))).toThrow(MalformedTree)
})
