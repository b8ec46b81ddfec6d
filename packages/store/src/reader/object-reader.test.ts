/** Objects read by place and by hash, where copies are damaged, gone, or not what a reference says. */
import { loadXxh64 } from '@varve/pack/base'
import {
  encodeCommit,
  type IndexKind,
  indexKind,
  type RawHash,
  recordKind,
  sha256,
} from '@varve/pack/objects'
import { RecordReader } from '@varve/pack/pack'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hashOf, RecordChunks } from '../hash-index/testing/record-chunks.ts'
import { ObjectReader } from './object-reader.ts'

const { blob, tree, commit } = indexKind
const content = Buffer.from('some content')
const hash = sha256(content, 0, content.length)

beforeAll(loadXxh64)

let chunks: RecordChunks
let reader: ObjectReader
let healed: (readonly [IndexKind, RawHash])[]
beforeEach(async () => {
  chunks = await RecordChunks.create()
  healed = []
  reader = new ObjectReader({
    records: chunks.records,
    index: chunks.index,
    epoch: () => 3,
    onHealed: (kind, of) => void healed.push([kind, of]),
  })
})

function bodyAt(
  kind: IndexKind,
  of: RawHash,
  offset: number,
): { readonly offset: number; readonly text: string } {
  const record = reader.record(kind, of, offset)
  return { offset: record.offset, text: record.buf.toString('latin1', record.bodyStart, record.bodyEnd) }
}

function failureOf(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    return error
  }
}

const hex = Buffer.from(hash, 'latin1').toString('hex')

describe('a record', () => {
  test('that is whole is read where it is said to be, not where a newer copy is', () => {
    const first = chunks.put(recordKind.blob, hash, content)
    chunks.put(recordKind.blob, hash, content)
    expect(bodyAt(blob, hash, first)).toEqual({ offset: first, text: 'some content' })
    expect(healed).toEqual([])
  })

  test('that is damaged is read from another copy, which is told', () => {
    const first = chunks.put(recordKind.blob, hash, content)
    const copy = chunks.put(recordKind.blob, hash, content)
    chunks.damage(first)
    expect(bodyAt(blob, hash, first)).toEqual({ offset: copy, text: 'some content' })
    expect(healed).toEqual([[blob, hash]])
  })

  test('that is damaged like all its copies is CORRUPT, with its own place and hash', () => {
    const first = chunks.put(recordKind.blob, hash, content)
    const copy = chunks.put(recordKind.blob, hash, content)
    for (const offset of [first, copy]) chunks.damage(offset)
    const details = { file: 'suffix-1.pack', offset: 64, hash: hex }
    expect(failureOf(() => reader.record(blob, hash, first))).toMatchObject({ code: 'CORRUPT', details })
    expect(healed).toEqual([])
  })

  test('that was collected is read from a copy without a word, else it is COLLECTED', async () => {
    const gone = chunks.put(recordKind.blob, hash, content)
    await chunks.begin()
    const copy = chunks.put(recordKind.blob, hash, content)
    chunks.index.replace({ gone: new Set([1]), added: [] })
    chunks.drop(1)
    expect(bodyAt(blob, hash, gone).offset).toBe(copy)
    expect(healed).toEqual([])
    chunks.index.replace({ gone: new Set([2]), added: [] })
    chunks.drop(2)
    expect(failureOf(() => reader.record(blob, hash, gone))).toMatchObject({
      code: 'COLLECTED',
      details: { hash: hex },
    })
  })

  test('of another object at the place is no answer: a copy is, or the damage is told', () => {
    const other = chunks.put(recordKind.blob, hashOf('ab'), content)
    expect(failureOf(() => reader.record(blob, hash, other))).toMatchObject({
      code: 'CORRUPT',
      details: { hash: hex },
    })
    const node = chunks.put(recordKind.node, hash, content)
    expect(failureOf(() => reader.record(blob, hash, node))).toMatchObject({ code: 'CORRUPT' })
    const whole = chunks.put(recordKind.blob, hash, content)
    expect(bodyAt(blob, hash, other).offset).toBe(whole)
    expect(bodyAt(tree, hash, other).offset).toBe(node)
  })
})

describe('a node', () => {
  test('is read the short way when it is whole, by reference and by parent', () => {
    const offset = chunks.put(recordKind.node, hash, content)
    const parent = Buffer.concat([Buffer.alloc(5), Buffer.from(hash, 'latin1')])
    for (const body of [reader.node({ hash, offset }), reader.nodeAt(offset, parent, 5)]) {
      expect(body.buf.toString('latin1', body.start, body.end)).toBe('some content')
    }
  })

  test.each(['damaged', 'another node', 'no node'])('that is %s is read from a copy', (what) => {
    const kind = what === 'no node' ? recordKind.blob : recordKind.node
    const offset = chunks.put(kind, what === 'another node' ? hashOf('cd') : hash, content)
    if (what === 'damaged') chunks.damage(offset)
    const parent = Buffer.from(hash, 'latin1')
    expect(failureOf(() => reader.nodeAt(offset, parent, 0))).toMatchObject({ code: 'CORRUPT' })
    chunks.put(recordKind.node, hash, Buffer.from('the copy'))
    for (const read of [() => reader.node({ hash, offset }), () => reader.nodeAt(offset, parent, 0)]) {
      const body = read()
      expect(body.buf.toString('latin1', body.start, body.end)).toBe('the copy')
    }
    expect(healed).toEqual([
      [tree, hash],
      [tree, hash],
    ])
  })
})

describe('a commit', () => {
  test('is found by hash with the place it was found at, and absent without damage', () => {
    const fields = {
      tree: { hash, offset: 64 },
      parents: [hash],
      author: 'a',
      date: 1,
      message: 'm',
      extra: {},
    }
    const encoded = encodeCommit(fields)
    expect(reader.commit(encoded.hash)).toBeUndefined()
    const offset = chunks.put(recordKind.commit, encoded.hash, encoded.body, encoded.referenceCount)
    expect(reader.commit(encoded.hash)).toEqual({ hash: encoded.hash, offset, epoch: 3, ...fields })
    const copy = chunks.put(recordKind.commit, encoded.hash, encoded.body, encoded.referenceCount)
    chunks.damage(offset)
    expect(reader.commitAt({ hash: encoded.hash, offset })).toMatchObject({ offset: copy, epoch: 3 })
    chunks.damage(copy)
    expect(failureOf(() => reader.commit(encoded.hash))).toMatchObject({ code: 'CORRUPT' })
  })

  test('that is whole but no commit is CORRUPT at its place', () => {
    const offset = chunks.put(recordKind.commit, hash, Buffer.from('no commit at all'), 0)
    expect(reader.find(commit, hash)).toBe(offset)
    expect(failureOf(() => reader.commit(hash))).toMatchObject({ code: 'CORRUPT', details: { offset } })
  })
})

test('a reader over captured files reads what the store itself has let go of', () => {
  const offset = chunks.put(recordKind.blob, hash, content)
  const { space } = chunks
  space.acquire()

  const captured = reader.over(new RecordReader(chunks.cache, () => space))
  chunks.index.replace({ gone: new Set([1]), added: [] })
  chunks.drop(1)
  expect(captured.record(blob, hash, offset).offset).toBe(offset)
  expect(failureOf(() => reader.record(blob, hash, offset))).toMatchObject({ code: 'COLLECTED' })
  space.release()
})
