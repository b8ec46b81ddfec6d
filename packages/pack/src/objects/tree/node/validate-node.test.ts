import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MalformedBody } from '../../malformed-body.ts'
import { rawToHex } from '../../raw-hash.ts'
import { MemoryNodeStore } from '../../testing/memory-node-store.ts'
import {
  blobTarget,
  buildDirectory,
  type DirectoryModel,
  edits,
  modelOf,
  testShapes,
} from '../../testing/tree-model.ts'
import { entryMode } from '../entry.ts'
import { treeShape } from '../tree-shape.ts'
import { validateNode } from './validate-node.ts'

/** True for a valid body, false for a malformed one; anything else that is thrown comes out. */
function isValid(bytes: Buffer, referenceCount: number, shape = treeShape): boolean {
  try {
    validateNode({ buf: bytes, start: 0, end: bytes.length, referenceCount }, shape)
    return true
  } catch (error) {
    if (error instanceof MalformedBody) return false
    throw error
  }
}

describe('vectors', () => {
  const store = new MemoryNodeStore()
  const target = (text: string, mode: 0 | 1 | 2 | 3 = entryMode.file) => blobTarget(store, text, mode)

  test('the empty directory', () => {
    const root = buildDirectory(store, treeShape, new Map())
    expect(store.bodyOf(root).toString('hex')).toBe('01000000')
    // printf 'varve tree 1\n\001\000\000\000' | sha256sum
    expect(rawToHex(root.hash)).toBe('de91d9f5edc39514468ed75fdc09c87331a36998522453ded071850acc9dca75')
  })

  test('a leaf', () => {
    const child = store.putBlob(Buffer.from('stands for a directory'))
    const inside = { ...child, mode: entryMode.directory, size: 70_000, count: 300, draft: undefined }
    const model: DirectoryModel = new Map([
      ['read', target('hello')],
      ['ready', target('', entryMode.executable)],
      ['rest', inside],
    ])
    const body = store.bodyOf(buildDirectory(store, treeShape, model))
    const expected = [
      '01 03 0200',
      '0400 0800 1000',
      '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      rawToHex(child.hash),
      hexOf('re'),
      `08 05 ${hexOf('ad')}`,
      `01 ${hexOf('ady')}`,
      `9c 701101 2c01 ${hexOf('st')}`,
    ]
    expect(body.subarray(0, -24).toString('hex')).toBe(expected.join('').replaceAll(' ', ''))
    expect(body.readBigUInt64LE(body.length - 8)).toBe(BigInt(child.offset))
  })

  test('an inner node', () => {
    const model: DirectoryModel = new Map()
    for (let i = 0; i < 40; i++) model.set(`file-${String(i).padStart(2, '0')}`, target('hello'))
    const body = store.bodyOf(buildDirectory(store, treeShape, model))
    const leaves = [0, 1, 2, 3].map((tens) => {
      const names = [...model].filter(([name]) => name.startsWith(`file-${tens}`))
      return rawToHex(buildDirectory(store, treeShape, new Map(names)).hash)
    })
    // Names differ in their sixth byte, 0x30 to 0x33, from bit 46 on: the split is at 45, over its last three
    // bits and two of the next byte, which are 0 for all digits.
    const expected = ['15 11 2d00 11110000', ...leaves, '0a0a0a0a', '32323232', hexOf('file-'), '30']
    expect(body.subarray(0, -32).toString('hex')).toBe(expected.join('').replaceAll(' ', ''))
  })
})

describe.each(testShapes)('leafMax $leafMax, bits $bits', (shape) => {
  test('every node that is written is valid, and none is when it is cut', () => {
    fc.assert(
      fc.property(edits, (writes) => {
        const store = new MemoryNodeStore()
        buildDirectory(store, shape, modelOf(store, writes))
        for (const { body, referenceCount } of store.nodes()) {
          expect(isValid(body, referenceCount, shape)).toBe(true)
          for (let size = 0; size < body.length; size++) {
            expect(isValid(body.subarray(0, size), referenceCount, shape)).toBe(false)
          }
        }
      }),
      { numRuns: 20 },
    )
  })

  test('any bytes are either valid or refused with a reason', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(edits, fc.array(flips, { minLength: 1, maxLength: 30 }), (writes, mutations) => {
        const store = new MemoryNodeStore()
        buildDirectory(store, shape, modelOf(store, writes))
        for (const { body, referenceCount } of store.nodes()) {
          for (const mutation of mutations) {
            const bytes = Buffer.from(body)
            for (const [at, bits] of mutation) bytes[at % bytes.length]! ^= bits
            isValid(bytes, referenceCount, shape)
          }
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('what the writer never makes is refused', () => {
  const store = new MemoryNodeStore()
  const model: DirectoryModel = new Map()
  for (let i = 0; i < 40; i++) model.set(`file-${String(i).padStart(2, '0')}`, blobTarget(store, 'hello'))
  const inner = store.bodyOf(buildDirectory(store, treeShape, model))
  const leaf = store.bodyOf(buildDirectory(store, treeShape, new Map([...model].slice(0, 3))))
  const records = 4 + 3 * 34 + 6

  test.each<[string, Buffer, number, (bytes: Buffer) => void]>([
    ['an unknown form', leaf, 3, (bytes) => bytes.fill(3, 0, 1)],
    ['another count of entries', leaf, 3, (bytes) => bytes.fill(2, 1, 2)],
    ['an unknown mode', leaf, 3, (bytes) => bytes.fill(0x0d, records, records + 1)],
    ['a count on a blob', leaf, 3, (bytes) => bytes.fill(0x40, records, records + 1)],
    ['a size of zero in a byte', leaf, 3, (bytes) => bytes.fill(0, records + 1, records + 2)],
    ['names that do not ascend', leaf, 3, (bytes) => bytes.fill(0x39, records + 2, records + 3)],
    ['a name with a slash', leaf, 3, (bytes) => bytes.fill(0x2f, records + 2, records + 3)],
    [
      'an offset that is no multiple of 8',
      leaf,
      3,
      (bytes) => bytes.fill(1, bytes.length - 8, bytes.length - 7),
    ],
    ['an offset of nothing', leaf, 3, (bytes) => bytes.fill(0, bytes.length - 8)],
    ['an offset of 2^53 and more', leaf, 3, (bytes) => bytes.fill(0xff, bytes.length - 1)],
    ['other bits than the shape has', inner, 4, (bytes) => bytes.fill(0x14, 0, 1)],
    ['a split between the multiples', inner, 4, (bytes) => bytes.fill(0x2e, 2, 3)],
    ['more slots than references', inner, 4, (bytes) => bytes.fill(0x01, 6, 7)],
    ['an empty child', inner, 4, (bytes) => bytes.fill(0, 8 + 128, 8 + 129)],
    ['fewer entries than a leaf may have', inner, 4, (bytes) => bytes.fill(1, 8 + 128, 8 + 132)],
    ['a prefix with a slash', inner, 4, (bytes) => bytes.fill(0x2f, 8 + 136, 8 + 137)],
    ['bits behind the prefix', inner, 4, (bytes) => bytes.fill(0x31, 8 + 141, 8 + 142)],
  ])('%s', (_, original, referenceCount, change) => {
    const bytes = Buffer.from(original)
    expect(isValid(bytes, referenceCount)).toBe(true)
    change(bytes)
    expect(isValid(bytes, referenceCount)).toBe(false)
  })
})

function hexOf(text: string): string {
  return Buffer.from(text).toString('hex')
}
