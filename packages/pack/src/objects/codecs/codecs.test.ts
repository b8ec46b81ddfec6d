import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MalformedBody } from '../malformed-body.ts'
import { hexToRaw, rawToHex } from '../raw-hash.ts'
import { type CommitFields, decodeCommit, encodeCommit } from './commit-codec.ts'
import { decodeMeta, encodeMeta, type MetaFields, metaTable } from './meta-codec.ts'
import { decodeTouch, encodeTouch } from './touch-codec.ts'

const hash = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'))
const offset = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 8, 2 ** 53 - 8))
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const kind = fc.constantFrom(1, 2, 3, 4)
const ones = '\x11'.repeat(32)
const twos = '\x22'.repeat(32)

/** Whatever is decoded, it is decoded from the middle of other bytes. */
function embedded(body: Buffer): { buf: Buffer; start: number; end: number } {
  return {
    buf: Buffer.concat([Buffer.alloc(3, 0xff), body, Buffer.alloc(5, 0xff)]),
    start: 3,
    end: 3 + body.length,
  }
}

function expectMalformed(decode: () => unknown): void {
  expect(decode).toThrow(MalformedBody)
}

describe('commits', () => {
  const decode = (body: Buffer): CommitFields => {
    const { buf, start, end } = embedded(body)
    return decodeCommit(buf, start, end)
  }
  const commits: fc.Arbitrary<CommitFields> = fc.record({
    tree: fc.record({ hash, offset }),
    parents: fc.array(hash, { maxLength: 10 }),
    author: text,
    date: fc.oneof(fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.constantFrom(-8.64e15, 8.64e15, 0, -1)),
    message: text,
    extra: fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '10', '9')), text, {
      noNullPrototype: true,
    }),
  })

  test('what goes in comes out', () => {
    fc.assert(
      fc.property(commits, (commit) => {
        const { body, referenceCount } = encodeCommit(commit)
        expect(referenceCount).toBe(1)
        const { extra, ...rest } = decode(body)
        const { extra: given, ...expected } = commit
        expect(rest).toEqual(expected)
        expect(Object.entries(extra).sort()).toEqual(Object.entries(given).sort())
      }),
    )
  })

  test('the hash is of the content: not of the order of extra keys, nor of where the tree is', () => {
    const base = { parents: [ones], author: 'a', date: 0, message: 'm', tree: { hash: twos, offset: 8 } }
    const one = encodeCommit({ ...base, extra: { a: '1', b: '2' } })
    const two = encodeCommit({ ...base, extra: { b: '2', a: '1' }, tree: { hash: twos, offset: 16 } })
    expect(two.hash).toBe(one.hash)
    expect(encodeCommit({ ...base, extra: { a: '12', b: '' } }).hash).not.toBe(one.hash)
  })

  test('a vector', () => {
    const { body, hash: found } = encodeCommit({
      tree: { hash: ones, offset: 0x1234_5678_9ab8 },
      parents: [twos],
      author: 'Ann',
      date: -1,
      message: 'é',
      extra: { k: 'v' },
    })
    const [tree, parent] = ['11'.repeat(32), '22'.repeat(32)]
    const texts = '03416e6e02c3a901016b0176'
    const expected = `01${tree}ffffffffffffffff01${parent}${texts}b89a785634120000`
    expect(body.toString('hex')).toBe(expected)
    // sha256sum of 'varve commit 1\n' and the canonical bytes
    expect(rawToHex(found)).toBe('08f91c055451fb13fff93266fe46132a91442d1008ea4851db2551aad530200e')
  })

  test('every truncation, and every number made too large, is refused', () => {
    const { body } = encodeCommit({
      tree: { hash: ones, offset: 8 },
      parents: [twos],
      author: 'author',
      date: 1,
      message: 'message',
      extra: { a: '1', b: '2' },
    })
    for (let size = 0; size < body.length; size++) {
      expectMalformed(() => decodeCommit(body, 0, size))
      expectMalformed(() => decodeCommit(body.subarray(0, size), 0, size))
    }
    for (const [at, byte] of [
      [0, 2],
      [40, 0x7f],
      [41, 0xff],
      [74, 0xff],
      [body.length - 1, 0xff],
    ] as const) {
      const bytes = Buffer.from(body)
      bytes[at] = byte
      expectMalformed(() => decodeCommit(bytes, 0, bytes.length))
    }
  })

  test('any bytes are a commit or malformed', () => {
    fc.assert(
      fc.property(commits, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1 }), (commit, changes) => {
        const { body } = encodeCommit(commit)
        for (const [at, byte] of changes) body[at % body.length] = byte
        try {
          decode(body)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBody)
        }
      }),
    )
  })

  test('text that is no UTF-8 and extra keys out of order are refused', () => {
    const { body } = encodeCommit({
      tree: { hash: ones, offset: 8 },
      parents: [],
      author: 'ab',
      date: 0,
      message: '',
      extra: { a: '', b: '' },
    })
    const withByte = (at: number, byte: number): Buffer => {
      const bytes = Buffer.from(body)
      bytes[at] = byte
      return bytes
    }
    const author = 42
    expect(body.toString('latin1', author + 1, author + 3)).toBe('ab')
    expectMalformed(() => decode(withByte(author + 1, 0xff)))
    const firstKey = body.lastIndexOf('a')
    expectMalformed(() => decode(withByte(firstKey, 0x62)))
    expectMalformed(() => decode(withByte(firstKey, 0x63)))
  })

  test.each([0.5, 8.64e15 + 1, Number.NaN])('the date %d is a mistake of the caller', (date) => {
    const commit = { tree: { hash: ones, offset: 8 }, parents: [], author: '', date, message: '', extra: {} }
    expect(() => encodeCommit(commit)).toThrow('must hold')
  })
})

describe('metadata', () => {
  const metas: fc.Arbitrary<MetaFields> = fc.record({
    table: fc.constantFrom(...Object.values(metaTable)),
    isDeleted: fc.boolean(),
    key: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    value: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    references: fc.array(fc.record({ kind: kind as fc.Arbitrary<1 | 2 | 3 | 4>, hash, offset }), {
      maxLength: 4,
    }),
  })

  test('what goes in comes out, and no truncation passes', () => {
    fc.assert(
      fc.property(metas, (meta) => {
        const { buf, start, end } = embedded(encodeMeta(meta))
        const count = meta.references.length
        expect(decodeMeta(buf, start, end, count)).toEqual(meta)
        for (let size = 0; size < end - start; size++) {
          expectMalformed(() => decodeMeta(buf.subarray(0, start + size), start, start + size, count))
        }
        expectMalformed(() => decodeMeta(buf, start, end, count + 1))
      }),
    )
  })

  test('a vector', () => {
    const body = encodeMeta({
      table: metaTable.refs,
      isDeleted: false,
      key: Buffer.from('heads/main'),
      value: Buffer.from('{"at":1}'),
      references: [{ kind: 3, hash: ones, offset: 0x1238 }],
    })
    const head = '01000a0008000000'
    const texts = Buffer.from('heads/main{"at":1}').toString('hex')
    expect(body.toString('hex')).toBe(`${head}${texts}03${'11'.repeat(32)}3812000000000000`)
  })

  test.each([
    ['an unknown table', 0, 6],
    ['no table', 0, 0],
    ['an unknown flag', 1, 2],
    ['a reference to something unknown', 8 + 1 + 1, 5],
    ['an offset of 2^53 and more', 8 + 1 + 1 + 33 + 7, 1],
  ])('%s is refused', (_, at, byte) => {
    const references = [{ kind: 1 as const, hash: ones, offset: 8 }]
    const body = encodeMeta({
      table: 1,
      isDeleted: false,
      key: Buffer.from('k'),
      value: Buffer.from('v'),
      references,
    })
    expect(decodeMeta(body, 0, body.length, 1).references).toEqual(references)
    body[at] = at === body.length - 1 ? 0xff : byte
    expectMalformed(() => decodeMeta(body, 0, body.length, 1))
  })
})

describe('touches', () => {
  test('what goes in comes out, and no truncation passes', () => {
    fc.assert(
      fc.property(kind, hash, offset, (of, name, at) => {
        const touch = { kind: of as 1 | 2 | 3 | 4, hash: name, offset: at }
        const { buf, start, end } = embedded(encodeTouch(touch))
        expect(decodeTouch(buf, start, end)).toEqual(touch)
        for (let size = 0; size < end - start; size++)
          expectMalformed(() => decodeTouch(buf, start, start + size))
      }),
    )
  })

  test('a vector, and what is refused', () => {
    const body = encodeTouch({ kind: 2, hash: hexToRaw('ab'.repeat(32)), offset: 16 })
    expect(body.toString('hex')).toBe(`0200000000000000${'ab'.repeat(32)}1000000000000000`)
    for (const [at, byte] of [
      [0, 0],
      [0, 5],
      [3, 1],
      [47, 0xff],
    ] as const) {
      const bytes = Buffer.from(body)
      bytes[at] = byte
      expectMalformed(() => decodeTouch(bytes, 0, bytes.length))
    }
  })
})
