/** Files whose checksums are right and that no writer wrote: `inspect` says so, and builds them again. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadXxh64, Xxh64Stream, xxh64 } from '@varve/pack/base'
import { magic } from '@varve/pack/layout'
import { encodeList, recordKind, sha256 } from '@varve/pack/objects'
import {
  BloomFilter,
  encodeFilters,
  encodePackHeader,
  encodeRecord,
  encodeTwofold,
  IndexBuilder,
  packHeaderSize,
  recordFlag,
  recordSize,
} from '@varve/pack/pack'
import { SeededRandom } from '@varve/pack/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'
import { withControlFormat, withVersion } from '../support/newer-format.ts'
import { frozenStore } from '../support/stored-files.ts'

interface Line {
  readonly type: string
  readonly [field: string]: unknown
}

let folder = ''

beforeAll(loadXxh64)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-forged-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Inspects it, both ways, and asserts that its lines make the same bytes again. */
async function inspected(name: string, bytes: Buffer): Promise<{ exit: number; lines: Line[] }> {
  const path = join(folder, name)
  const copy = join(folder, 'copy')
  writeFileSync(path, bytes)
  const told = await varve(['inspect', path, '--json'], { folder })
  expect(told.stderr).toBe('')
  const built = await varve(['inspect', '-', '--rebuild', copy], { folder, input: told.stdoutBytes })
  expect(built).toMatchObject({ exit: 0, stderr: '' })
  expect(readFileSync(copy).equals(bytes)).toBe(true)
  rmSync(copy)
  const shown: CommandOutcome = await varve(['inspect', path], { folder })
  expect(shown).toMatchObject({ exit: told.exit, stderr: '' })
  const lines = told.stdout.trimEnd().split('\n')
  return { exit: told.exit, lines: lines.map((line) => JSON.parse(line) as Line) }
}

function frozen(name: string): Buffer {
  return readFileSync(join(frozenStore, name))
}

interface Sum {
  readonly at: number
  readonly from: number
  readonly to: number
  readonly seed: number
}

/** Puts the right sum over what is there. */
function forge(bytes: Buffer, { at, from, to, seed }: Sum): void {
  bytes.writeBigUInt64LE(xxh64(bytes, from, to, seed), at)
}

const sums: readonly (readonly [file: string, what: string, sum: Sum])[] = [
  ['gen-3.map', 'the header of a map', { at: 64, from: 0, to: 64, seed: 0 }],
  ['gen-3.map', 'a page of a map', { at: 4096, from: 4104, to: 8192, seed: 0 }],
  ['suffix-259.idx', 'the header of an index', { at: 240, from: 0, to: 240, seed: 0 }],
  ['suffix-259.idx', 'a page of an index', { at: 4096, from: 4104, to: 8192, seed: 0 }],
  ['meta-2.ckpt', 'the header of a checkpoint', { at: 56, from: 0, to: 56, seed: 0 }],
  ['meta-2.ckpt', 'a block', { at: 64, from: 72, to: 552, seed: 0 }],
  ['suffix-259.pack', 'the header of a chunk', { at: 56, from: 0, to: 56, seed: 0 }],
  ['suffix-259.pack', 'a record', { at: 120, from: 128, to: 193, seed: 311_416 }],
  ['gen-3.pack', 'the header of a segment', { at: 56, from: 0, to: 56, seed: 0 }],
]

describe('with right sums', () => {
  test.each(sums)('in %s, %s may say anything', async (file, what, sum) => {
    const random = new SeededRandom(what.length)
    for (let round = 0; round < 40; round++) {
      const bytes = frozen(file)
      // The versions stay: a newer one is refused.
      const { from, to } = sum
      const start = from === 0 ? 12 : from
      const at = start + random.below(Math.min(to - start, 200))
      const count = Math.min(random.pick([1, 1, 8, 40]), to - at)
      if (random.chance(0.5)) random.bytes(count).copy(bytes, at)
      else bytes.fill(random.pick([0, 0xff, 0x7f]), at, at + count)
      forge(bytes, sum)
      await inspected(file, bytes)
    }
  })

  test.each(['gen-3.map', 'suffix-259.idx', 'meta-2.ckpt', 'suffix-259.pack', 'gen-3.pack', 'control'])(
    'a newer version of %s is told by its code',
    async (file) => {
      const bytes = file === 'control' ? withControlFormat(frozen(file), 9) : withVersion(frozen(file), 9)
      writeFileSync(join(folder, file), bytes)
      const told = await varve(['inspect', join(folder, file)], { folder })
      expect(told).toMatchObject({ exit: 16 })
      // What makes up a store can be read in any format.
      expect(told.stdout.includes('format=9')).toBe(file === 'control')
    },
  )

  test('control may say anything', async () => {
    const payloads = [
      '',
      '7',
      'null',
      '[]',
      '{}',
      '{"a":1e3}',
      '{ "a": 1 }',
      '{"__proto__":{"x":1},"a":[[[]]]}',
      '{"2":1,"1":2}',
      '{"chunks":7,"segments":[7,null,{"x":{}}],"target":"x"}',
      '"\\u001b]0;x"',
      '\ufeff{}',
      'no json',
      '9007199254740993',
      '-0',
      '['.repeat(50_000) + ']'.repeat(50_000),
    ]
    for (const payload of payloads) {
      const copy = Buffer.concat([Buffer.alloc(32), Buffer.from(payload)])
      copy.write('VCTL', 0)
      copy.writeUInt32LE(copy.length - 32, 4)
      copy[8] = copy[16] = 1
      const sum = new Xxh64Stream(0).update(copy, 0, 24).update(copy, 32, copy.length).digest()
      copy.writeBigUInt64LE(sum, 24)
      const { exit } = await inspected(
        'control',
        Buffer.concat([copy, Buffer.alloc(-copy.length & 4095), copy]),
      )
      expect(exit, payload).toBe(3)
    }
  })
})

describe('in files of the lower layer', () => {
  const storeId = Buffer.alloc(16, 3)

  /** Filters of three pack files. */
  function filters(): Buffer {
    const made = [5, 8, 9].map((number) => ({ number, filter: BloomFilter.for(number * 5_000) }))
    for (const { filter } of made) filter.add(0x1234_5678, 0x9abc_def0)
    return encodeFilters({ folder, number: 7, storeId, volume: 1 }, made)
  }

  test('filters are told whole', async () => {
    const { exit, lines } = await inspected('filter-7.bloom', filters())
    expect(exit).toBe(0)
    expect(lines.map(({ type }) => type)).toEqual([
      ...['inspected', 'filters', 'filter-table', 'gap'],
      ...Array.from({ length: 2 + 2 + 3 }, () => 'filter'),
    ])
    expect(lines[1]).toMatchObject({ number: 7, volume: 1, filters: 3, length: filters().length })
    expect(lines.filter((line) => 'raw' in line)).toEqual([])
  })

  test.each<[string, Sum]>([
    ['the header of filters', { at: 56, from: 0, to: 56, seed: 0 }],
    ['the table of filters', { at: 160, from: 64, to: 160, seed: 1 }],
  ])('%s may say anything', async (_, sum) => {
    const random = new SeededRandom(sum.at)
    for (let round = 0; round < 60; round++) {
      const bytes = filters()
      const at = Math.max(12, sum.from) + random.below(40)
      random.bytes(random.pick([1, 4, 8])).copy(bytes, at)
      forge(bytes, sum)
      await inspected('filter-7.bloom', bytes)
    }
  })

  test('a newer version of filters is told by its code', async () => {
    writeFileSync(join(folder, 'filter-7.bloom'), withVersion(filters(), 9))
    expect(await varve(['inspect', join(folder, 'filter-7.bloom')], { folder })).toMatchObject({ exit: 16 })
  })

  test.each([
    ['{"format":1}', 3],
    ['{"format":9}', 16],
    ['[1]', 3],
  ])('a manifest may say %s', async (payload, exit) => {
    const content = { magic: magic.manifest, sequence: 4, second: 1, payload: Buffer.from(payload) }
    const bytes = encodeTwofold(content)
    if (exit === 3) expect(await inspected('manifest-4', bytes)).toMatchObject({ exit })
    writeFileSync(join(folder, 'manifest-4'), bytes)
    expect(await varve(['inspect', join(folder, 'manifest-4')], { folder })).toMatchObject({ exit })
  })
})

/** A segment of these records, which has no map. */
function segmentOf(
  records: readonly { kind: number; flags?: number; count: number; body: Buffer }[],
): Buffer {
  const header = { number: 7, nonce: Buffer.alloc(16, 1), storeId: Buffer.alloc(16, 2), base: 64 }
  const parts = [encodePackHeader(magic.segment, header)]
  let offset = packHeaderSize
  for (const { kind, flags = 0, count, body } of records) {
    const bytes = Buffer.alloc(recordSize(body.length))
    const hash = sha256(body, 0, body.length)
    encodeRecord(bytes, 0, offset, kind, flags, hash, count, body, 0, body.length)
    parts.push(bytes)
    offset += bytes.length
  }
  return Buffer.concat(parts)
}

describe('records', () => {
  test('of kinds that are rare', async () => {
    const entries = [1, 2].map((n) => ({ hash: sha256(Buffer.from([n]), 0, 1), offset: n * 64, length: n }))
    const list = encodeList(1, entries)
    const { lines } = await inspected(
      'gen-7.pack',
      segmentOf([{ kind: recordKind.bigBlob, flags: recordFlag.healed, count: 2, body: list }]),
    )
    expect(lines.find(({ type }) => type === 'record')).toMatchObject({
      kind: 'bigBlob',
      flags: ['healed'],
      offset: null,
      level: 1,
      entries: [{ length: 1 }, { length: 2 }],
    })
    expect(lines.filter((line) => 'raw' in line || 'body' in line)).toEqual([])
  })

  test.each([1, 2])('may have any body (seed %i)', async (seed) => {
    const random = new SeededRandom(seed)
    const bodies = Array.from({ length: 200 }, () => {
      const kind = random.pick([recordKind.meta, recordKind.touch, recordKind.bigBlob])
      const body = random.bytes(random.below(120))
      if (random.chance(0.5)) body.fill(0, 0, Math.min(8, body.length))
      if (body.length > 0) body[0] = random.below(6)
      return { kind, count: random.below(1 + Math.min(3, body.length >> 3)), body }
    })
    const { lines } = await inspected('gen-7.pack', segmentOf(bodies))
    expect(lines.filter(({ type }) => type === 'record')).toHaveLength(200)
  })
})

test('an index with everything in it', async () => {
  const random = new SeededRandom(5)
  const builder = new IndexBuilder()
  for (let i = 1; i <= 30_000; i++) builder.add(random.pick([1, 2, 3, 4]), random.bytes(32), 0, i * 64, 64)
  for (let i = 1; i <= 5_000; i++) builder.addMetadata(i * 8)
  builder.addTouched(64, 1_700_000_000_000)
  builder.addTouched(128, 9e15)
  builder.addHealed(192)
  const storeId = Buffer.alloc(16, 7)
  const { exit, lines } = await inspected(
    'suffix-9.idx',
    builder.encode({ number: 9, storeId, packLength: 4096 }),
  )
  expect(exit).toBe(0)
  expect(lines.filter((line) => 'raw' in line)).toEqual([])
  const count = (wanted: string): number => lines.filter(({ type }) => type === wanted).length
  expect([count('entries'), count('filter'), count('metadata')]).toEqual([118, 2, 2])
  expect(lines).toContainEqual(
    expect.objectContaining({
      type: 'touched',
      touches: [
        [64, 1_700_000_000_000],
        [128, 9e15],
      ],
    }),
  )
  expect(lines).toContainEqual(expect.objectContaining({ type: 'healed', offsets: [192] }))
})
