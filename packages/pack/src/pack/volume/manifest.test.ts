import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadXxh64, xxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { NodeFileSystem } from '../../fs/index.ts'
import { fileNumberMax, volumeIdMax } from '../../layout/index.ts'
import { flipBit, zeroRange } from '../../testing/index.ts'
import { encodeTwofold, InvalidPayload } from '../control/index.ts'
import {
  decodeManifest,
  emptyManifest,
  encodeManifest,
  manifestSum,
  type VolumeManifest,
  volumeOf,
} from './manifest.ts'

beforeAll(loadXxh64)

const storeId = '30313233343536373839616263646566'
const nonce = '6e6f6e63652d312d6e6f6e63652d312d'
const name = 'volume-1/manifest-3'
const full: VolumeManifest = {
  ...{ format: 1, storeId, id: 1, sequence: 3, nonce, low: 0, high: 16_384 },
  chunks: [
    { number: 1, base: 0, length: 5000 },
    { number: 4, base: 8192, length: 8192 },
  ],
  segments: [{ number: 7, low: 64, high: 4000, bytes: 900, objects: 12 }],
}

const decode = (bytes: Buffer): VolumeManifest => decodeManifest(bytes, name)
const corrupt = expect.objectContaining({ code: 'CORRUPT', details: expect.objectContaining({ file: name }) })

/** A manifest file whose two copies say this, under right checksums. */
function fileWith(payload: object | string, header: { sequence?: number; second?: number } = {}): Buffer {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  return encodeTwofold({ magic: 'VMAN', sequence: 3, second: 1, ...header, payload: Buffer.from(text) })
}

/** Manifests that a writer may write. */
const manifests: fc.Arbitrary<VolumeManifest> = fc
  .record({
    id: fc.integer({ min: 1, max: volumeIdMax }),
    sequence: fc.integer({ min: 1, max: fileNumberMax }),
    start: fc.nat({ max: 2 ** 36 }),
    chunks: fc.array(fc.record({ gap: fc.nat({ max: 3 }), length: fc.integer({ min: 64, max: 2 ** 32 }) })),
    segments: fc.array(
      fc.record({ low: fc.nat({ max: 2 ** 30 }), bytes: fc.integer({ min: 64, max: 2 ** 28 }) }),
    ),
    id16: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  })
  .map(({ id, sequence, start, chunks, segments, id16 }) => {
    let number = 0
    let end = start * 4096
    const listed = chunks.map(({ gap, length }) => {
      const base = (Math.ceil(end / 4096) + gap) * 4096
      end = base + length
      return { number: ++number, base, length }
    })
    const packed = segments.map(({ low, bytes }) => {
      const from = low * 8
      return { number: ++number, low: from, high: from + 8, bytes, objects: low }
    })
    const high = packed.reduce((highest, segment) => Math.max(highest, segment.high), end)
    const ofStore = Buffer.from(id16).toString('hex')
    const range = { low: start * 4096, high }
    return { format: 1, storeId: ofStore, id, sequence, nonce, ...range, chunks: listed, segments: packed }
  })

describe('a manifest', () => {
  it('brings back every field, in one form only', () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        const bytes = encodeManifest(manifest)
        expect(decode(bytes)).toEqual(manifest)
        expect(encodeManifest(decode(bytes)).equals(bytes)).toBe(true)
        const reversed = Object.fromEntries(Object.entries(manifest).reverse()) as unknown as VolumeManifest
        expect(encodeManifest(reversed).equals(bytes)).toBe(true)
      }),
    )
  })

  it('of a new volume is empty', () => {
    const empty = emptyManifest({ storeId, id: 2, at: 8192, nonce })
    expect(decode(encodeManifest(empty))).toEqual(empty)
    expect(volumeOf(empty, [])).toEqual({
      ...{ id: 2, low: 8192, high: 8192, manifest: 1, checksum: manifestSum(empty), bytes: 0, filters: [] },
    })
  })

  it('is what control says of its volume', () => {
    const bytes = encodeManifest(full)
    const payload = bytes.subarray(32, 32 + bytes.readUInt32LE(4))
    const sum = xxh64(payload, 0, payload.length, 0).toString(16).padStart(16, '0')
    expect(volumeOf(full, [8, 9])).toEqual({
      ...{
        id: 1,
        low: 0,
        high: 16_384,
        manifest: 3,
        checksum: sum,
        bytes: 5000 + 8192 + 900,
        filters: [8, 9],
      },
    })
  })

  it('differs in its sum with every field', () => {
    const others: VolumeManifest[] = [
      { ...full, storeId: `${'0'.repeat(31)}1` },
      { ...full, id: 2 },
      { ...full, sequence: 4 },
      { ...full, high: 16_392 },
      { ...full, chunks: full.chunks.slice(1) },
      { ...full, chunks: full.chunks.map((chunk) => ({ ...chunk, length: chunk.length - 8 })) },
      { ...full, segments: [] },
    ]
    expect(new Set([full, ...others].map(manifestSum)).size).toBe(others.length + 1)
  })
})

describe('a damaged manifest', () => {
  it('heals when one copy is damaged, by any bit', () => {
    const bytes = encodeManifest(full)
    const sum = manifestSum(full)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      // Between the copies there is nothing to read.
      if (bit > 1000 * 8 && bit < 4090 * 8 && bit % 64 !== 0) continue
      if (manifestSum(decode(flipBit(bit)(Buffer.from(bytes)))) !== sum) expect.fail(`bit ${bit}`)
    }
    expect(decode(zeroRange(0, 4096)(Buffer.from(bytes)))).toEqual(full)
  })

  it('is CORRUPT when both are, by any byte of each', () => {
    const bytes = encodeManifest(full)
    const length = bytes.length - 4096
    fc.assert(
      fc.property(
        fc.tuple(fc.nat(length - 1), fc.nat(length - 1), fc.integer({ min: 1, max: 255 })),
        ([first, second, change]) => {
          const damaged = Buffer.from(bytes)
          damaged[first] = (damaged[first] as number) ^ change
          damaged[4096 + second] = (damaged[4096 + second] as number) ^ change
          expect(() => decode(damaged)).toThrow(corrupt)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('is CORRUPT when it is cut inside its first copy, and whole when only behind it', () => {
    const bytes = encodeManifest(full)
    const length = bytes.length - 4096
    for (let size = 0; size < bytes.length; size++) {
      if (size < length) expect(() => decode(bytes.subarray(0, size))).toThrow(corrupt)
      else if (size % 16 === 0) expect(decode(bytes.subarray(0, size))).toEqual(full)
    }
  })

  it('allocates nothing for a length that the file does not have', () => {
    for (const length of [0xffff_ffff, 64 * 1024 * 1024, 0]) {
      const bytes = Buffer.alloc(8192)
      bytes.write('VMAN', 0, 'latin1')
      bytes.writeUInt32LE(length, 4)
      expect(() => decode(bytes)).toThrow(corrupt)
    }
  })
})

describe('a manifest that no writer writes', () => {
  const wrong: readonly [what: string, manifest: VolumeManifest][] = [
    ['an older format than the first', { ...full, format: 0 }],
    ['id 0, which stands for the upper layer', { ...full, id: 0 }],
    ['an id over the limit', { ...full, id: volumeIdMax + 1 }],
    ['sequence 0', { ...full, sequence: 0 }],
    ['a sequence that makes no name', { ...full, sequence: fileNumberMax + 1 }],
    ['a range that ends before it begins', { ...full, low: 20_000 }],
    ['a base between two pages', { ...full, chunks: [{ number: 1, base: 8, length: 64 }] }],
    ['a chunk without a header', { ...full, chunks: [{ number: 1, base: 0, length: 63 }] }],
    [
      'a chunk that is too long',
      { ...full, high: 2 ** 40, chunks: [{ number: 1, base: 0, length: 2 ** 33 }] },
    ],
    ['a chunk below the range', { ...full, low: 4096 }],
    ['a chunk above the range', { ...full, high: 16_376 }],
    ['chunks in the wrong order', { ...full, chunks: full.chunks.toReversed() }],
    [
      'chunks that overlap',
      {
        ...full,
        chunks: [
          { number: 1, base: 0, length: 5000 },
          { number: 2, base: 4096, length: 100 },
        ],
      },
    ],
    ['a file number that makes no name', { ...full, chunks: [{ number: 2 ** 32, base: 0, length: 64 }] }],
    ['a number used twice', { ...full, segments: [{ number: 4, low: 64, high: 72, bytes: 64, objects: 1 }] }],
    ['an empty segment', { ...full, segments: [{ number: 7, low: 64, high: 64, bytes: 64, objects: 0 }] }],
    [
      'a segment between records',
      { ...full, segments: [{ number: 7, low: 65, high: 80, bytes: 64, objects: 1 }] },
    ],
    [
      'a segment above the range',
      { ...full, segments: [{ number: 7, low: 0, high: 16_392, bytes: 64, objects: 1 }] },
    ],
    [
      'a segment without a header',
      { ...full, segments: [{ number: 7, low: 0, high: 64, bytes: 9, objects: 1 }] },
    ],
  ]

  it.each(wrong)('is neither written nor read: %s', (_, manifest) => {
    expect(() => encodeManifest(manifest)).toThrow(InvalidPayload)
    const { sequence, id: second } = manifest
    expect(() => decode(fileWith(manifest, { sequence, second }))).toThrow(corrupt)
  })

  it('is refused when header and payload say different things', () => {
    expect(decode(fileWith(full))).toEqual(full)
    expect(() => decode(fileWith(full, { sequence: 4 }))).toThrow(corrupt)
    expect(() => decode(fileWith(full, { second: 2 }))).toThrow(corrupt)
  })

  it.each([
    ['another order', JSON.stringify(Object.fromEntries(Object.entries(full).reverse()))],
    ['spaces', JSON.stringify(full, undefined, 1)],
    ['an unknown field', JSON.stringify({ ...full, more: 1 })],
    ['a missing field', JSON.stringify({ ...full, segments: undefined })],
    ['a fraction', JSON.stringify({ ...full, low: 0.5 })],
    ['a negative number', JSON.stringify({ ...full, low: -8 })],
    ['a number of 2^53', JSON.stringify({ ...full, high: 2 ** 53 })],
    ['a text for a number', JSON.stringify({ ...full, id: '1' })],
    ['a store id of other digits', JSON.stringify({ ...full, storeId: storeId.toUpperCase() })],
    ['no list', JSON.stringify({ ...full, chunks: {} })],
    ['no object', '[]'],
    ['no JSON', '{'],
    ['nothing', ''],
  ])('is refused in any other form: %s', (_, payload) => {
    expect(() => decode(fileWith(payload === JSON.stringify(full) ? '' : payload))).toThrow(corrupt)
  })

  it('is newer, not damaged, when its format is', () => {
    const newer = fileWith({ format: 2, anything: 'else' })
    expect(() => decode(newer)).toThrow(
      expect.objectContaining({ code: 'NEWER_FORMAT', details: { found: 2, supported: 1 } }),
    )
  })

  it('is no other error than a typed one, whatever the bytes', () => {
    const copies = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    const texts = fc.json().map((text) => fileWith(text))
    fc.assert(
      fc.property(fc.oneof(copies, texts), (bytes) => {
        try {
          decode(bytes)
        } catch (error) {
          expect(VarveError.is(error)).toBe(true)
        }
      }),
    )
  })
})

describe('docs/format.md', () => {
  it('shows a manifest as it is written', async () => {
    const path = fileURLToPath(new URL('../../../../../docs/format.md', import.meta.url))
    const page = (await new NodeFileSystem().readFile(path)).toString('utf8')
    const [, dump = ''] = page.split('```text manifest-2\n')
    const hex = (dump.split('```')[0] as string)
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(6, 54).replaceAll(' ', ''))
    const copy = Buffer.from(hex.join(''), 'hex')
    const shown = encodeManifest({
      ...{ format: 1, storeId, id: 1, sequence: 2, nonce, low: 0, high: 4096 },
      ...{ chunks: [{ number: 1, base: 0, length: 264 }], segments: [] },
    })
    expect(copy.toString('hex')).toBe(shown.subarray(4096).toString('hex'))
    expect(shown.indexOf(copy)).toBe(0)
  })
})
