import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { MalformedBody, rawToHex, sha256 } from '../../objects/index.ts'
import { FaultFileSystem, flipBit, MemoryFileSystem, SeededRandom, truncateTo } from '../../testing/index.ts'
import { testStoreId as storeId } from '../testing/packed-records.ts'
import { compareEntries, entryOf, type MetaEntry, referencesOf } from './meta-entry.ts'
import { MetaState } from './meta-state.ts'
import { mergeEntries, readCheckpoint } from './read-checkpoint.ts'
import { writeCheckpoint } from './write-checkpoint.ts'

beforeAll(loadXxh64)

const place = { folder: '/s', number: 9, storeId, position: 4096 }

interface Change {
  readonly table: number
  readonly key: string
  readonly value: string
  readonly isDeleted: boolean
  readonly references: readonly number[]
}

function bodyOf(change: Change): Buffer {
  const key = Buffer.from(change.key, 'latin1')
  const value = Buffer.from(change.value)
  const head = Buffer.alloc(8)
  head[0] = change.table
  head[1] = change.isDeleted ? 1 : 0
  head.writeUInt16LE(key.length, 2)
  head.writeUInt32LE(value.length, 4)
  const names = change.references.map((n) => Buffer.concat([Buffer.from([(n % 4) + 1]), Buffer.alloc(32, n)]))
  const offsets = change.references.map((n) => {
    const offset = Buffer.alloc(8)
    offset.writeBigUInt64LE(BigInt(n) * 8n)
    return offset
  })
  return Buffer.concat([head, key, value, ...names, ...offsets])
}

function recordOf(change: Change, offset: number) {
  const body = bodyOf(change)
  const buf = Buffer.concat([Buffer.alloc(5, 0xee), body, Buffer.alloc(3, 0xee)])
  return { buf, bodyStart: 5, bodyEnd: 5 + body.length, referenceCount: change.references.length, offset }
}

const change: fc.Arbitrary<Change> = fc.record({
  table: fc.integer({ min: 1, max: 5 }),
  key: fc
    .array(fc.constantFrom('a', 'b', '/', '\u00ff', '\u0000'), { maxLength: 3 })
    .map((parts) => parts.join('')),
  value: fc.string({ maxLength: 20 }),
  isDeleted: fc.boolean(),
  references: fc.array(fc.nat(200), { maxLength: 3 }),
})

/** By table and key, the last change of each. */
function modelOf(changes: readonly Change[]): [Change, number][] {
  const model = new Map<string, [Change, number]>()
  for (const [i, c] of changes.entries()) model.set(`${c.table} ${c.key}`, [c, (i + 1) * 8])
  return [...model.values()].sort(
    ([a], [b]) =>
      a.table - b.table || Buffer.compare(Buffer.from(a.key, 'latin1'), Buffer.from(b.key, 'latin1')),
  )
}

function expectEntries(found: readonly MetaEntry[], expected: readonly [Change, number][]): void {
  expect(found.map((e) => [e.table, e.key, e.offset, e.isDeleted, e.body.toString('hex')])).toEqual(
    expected.map(([c, offset]) => [c.table, c.key, offset, c.isDeleted, bodyOf(c).toString('hex')]),
  )
}

async function collect(entries: AsyncIterable<MetaEntry>): Promise<MetaEntry[]> {
  const found: MetaEntry[] = []
  for await (const entry of entries) found.push(entry)
  return found
}

async function newFolder(): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem()
  await fs.mkdir('/s')
  return fs
}

async function codeOf(action: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await action()
  } catch (error) {
    if (VarveError.is(error)) return error.code
    throw error
  }
  return undefined
}

function entries(count: number, random: SeededRandom): MetaEntry[] {
  const state = new MetaState()
  for (let i = 0; i < count; i++) {
    const key = `${random.below(1e9)}`.padStart(9, '0')
    const value = random.bytes(random.below(100)).toString('hex')
    state.apply(
      recordOf({ table: 1 + random.below(3), key, value, isDeleted: false, references: [i] }, (i + 1) * 8),
    )
  }
  return [...state.entries()]
}

describe('MetaState', () => {
  test('is what the last record of each key says, however reads and changes are mixed', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 60 }),
        fc.nat(5),
        fc.boolean(),
        (changes, readEvery, keepsDeleted) => {
          const state = new MetaState({ keepsDeleted })
          for (const [i, c] of changes.entries()) {
            state.apply(recordOf(c, (i + 1) * 8))
            if (readEvery > 0 && i % readEvery === 0) [...state.entries()]
          }
          const expected = modelOf(changes).filter(([c]) => keepsDeleted || !c.isDeleted)
          expectEntries([...state.entries()], expected)
          expect(state.size).toBe(expected.length)
          for (const prefix of ['', 'a', 'ab', '/', '\u00ff']) {
            const inTable = expected.filter(([c]) => c.table === 2 && c.key.startsWith(prefix))
            expectEntries([...state.iterate(2, prefix)], inTable)
          }
          for (const [c, offset] of expected) expect(state.get(c.table, c.key)?.offset).toBe(offset)
          expect(state.get(1, 'none')).toBeUndefined()
          expect([...state.references()].map((r) => r.offset / 8).sort()).toEqual(
            expected.flatMap(([c]) => c.references).sort(),
          )
        },
      ),
    )
  })

  test('gives kind, hash, and offset of what an entry refers to', () => {
    const body = bodyOf({ table: 1, key: 'heads/main', value: '{}', isDeleted: false, references: [2, 7] })
    const entry = entryOf(body, 2, 64)
    expect(referencesOf(entry)).toEqual([
      { kind: 3, hash: '\u0002'.repeat(32), offset: 16 },
      { kind: 4, hash: '\u0007'.repeat(32), offset: 56 },
    ])
  })

  test('an older record does not undo a newer one', () => {
    const state = new MetaState()
    const base = { table: 1, key: 'k', isDeleted: false, references: [] }
    state.apply(recordOf({ ...base, value: 'new' }, 80))
    state.apply(recordOf({ ...base, value: 'old' }, 16))
    expect(state.get(1, 'k')?.offset).toBe(80)
  })

  test('a body whose parts do not add up is refused, at every length', () => {
    const body = bodyOf({ table: 1, key: 'heads/main', value: 'value', isDeleted: false, references: [2] })
    for (let length = 0; length < body.length; length++)
      expect(() => entryOf(body.subarray(0, length), 1, 8)).toThrow(MalformedBody)
    for (const count of [0, 2]) expect(() => entryOf(body, count, 8)).toThrow(MalformedBody)
    expect(() =>
      new MetaState().apply({ buf: body, bodyStart: 0, bodyEnd: 20, referenceCount: 1, offset: 8 }),
    ).toThrow(MalformedBody)
  })

  test('100,000 keys, set and read in turn', () => {
    const state = new MetaState()
    for (let i = 0; i < 100_000; i++) {
      const key = `${(i * 7919) % 100_003}`
      state.apply(recordOf({ table: 3, key, value: '', isDeleted: false, references: [] }, (i + 1) * 8))
      if (i % 10_000 === 0) expect([...state.iterate(3)].length).toBe(i + 1)
    }
    expect(state.size).toBe(100_000)
  })
})

describe('checkpoint', () => {
  test('gives back what was written, in order', async () => {
    for (const count of [0, 1, 10, 3000]) {
      const fs = await newFolder()
      const written = entries(count, new SeededRandom(count))
      expect(await writeCheckpoint(fs, place, written)).toBe(written.length)
      const read = await collect(readCheckpoint(fs, place))
      expect(read).toEqual(written)
      expect(read.every((entry, i) => i === 0 || compareEntries(read[i - 1] as MetaEntry, entry) < 0)).toBe(
        true,
      )
    }
  })

  test('the bytes of format 1 stay what they are', async () => {
    const fs = await newFolder()
    await writeCheckpoint(fs, place, entries(1500, new SeededRandom(5)))
    const bytes = await fs.readFile('/s/meta-9.ckpt')
    expect([bytes.length, rawToHex(sha256(bytes, 0, bytes.length))]).toMatchInlineSnapshot(`
      [
        266872,
        "dfe4638ee521a6f9d626fab2bc24a15e477f51ff54a9e2bdd27d1d3ad7869ed2",
      ]
    `)
  })

  test('one entry of 8 MiB', async () => {
    const fs = await newFolder()
    const value = 'x'.repeat(8 * 2 ** 20 - 200)
    const body = bodyOf({ table: 2, key: 'k', value, isDeleted: false, references: [] })
    await writeCheckpoint(fs, place, [entryOf(body, 0, 8)])
    expect((await collect(readCheckpoint(fs, place)))[0]?.body.equals(body)).toBe(true)
  })

  test('changes laid over an older one are what both amount to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change), fc.array(change), async (before, after) => {
        const fs = await newFolder()
        const older = new MetaState()
        for (const [i, c] of before.entries()) older.apply(recordOf(c, (i + 1) * 8))
        await writeCheckpoint(fs, place, older.entries())
        const changes = new MetaState({ keepsDeleted: true })
        for (const [i, c] of after.entries()) changes.apply(recordOf(c, (before.length + i + 1) * 8))
        const next = { ...place, number: 10, position: 8192 }
        await writeCheckpoint(fs, next, mergeEntries(readCheckpoint(fs, place), changes.entries()))
        expectEntries(
          await collect(readCheckpoint(fs, next)),
          modelOf([...before, ...after]).filter(([c]) => !c.isDeleted),
        )
      }),
      { numRuns: 50 },
    )
  })

  test('every truncation is noticed before the iteration ends, as are added bytes', async () => {
    const fs = await newFolder()
    await writeCheckpoint(fs, place, entries(1200, new SeededRandom(1)))
    const size = (await fs.stat('/s/meta-9.ckpt'))?.size ?? 0
    expect(size).toBeGreaterThan(2 * 65_536)
    for (let length = 0; length <= size + 1; length += length < 300 || length > size - 50 ? 1 : 1009) {
      const image = fs.clone()
      image.damage('/s/meta-9.ckpt', truncateTo(length))
      const expected = length === size ? undefined : 'CORRUPT'
      expect(await codeOf(() => collect(readCheckpoint(image, place))), `length ${length}`).toBe(expected)
    }
  })

  test('a flipped bit is always noticed', async () => {
    const fs = await newFolder()
    await writeCheckpoint(fs, place, entries(200, new SeededRandom(2)))
    const size = (await fs.stat('/s/meta-9.ckpt'))?.size ?? 0
    await fc.assert(
      fc.asyncProperty(fc.nat(size * 8 - 1), async (bit) => {
        const image = fs.clone()
        image.damage('/s/meta-9.ckpt', flipBit(bit))
        expect(await codeOf(() => collect(readCheckpoint(image, place)))).toBe('CORRUPT')
      }),
      { numRuns: 300 },
    )
  })

  test('a missing one, and one of another number, store, or position is refused', async () => {
    const fs = await newFolder()
    await writeCheckpoint(fs, place, [])
    await fs.link('/s/meta-9.ckpt', '/s/meta-10.ckpt')
    for (const wrong of [{ number: 11 }, { number: 10 }, { storeId: Buffer.alloc(16) }, { position: 4104 }]) {
      expect(await codeOf(() => collect(readCheckpoint(fs, { ...place, ...wrong })))).toBe('CORRUPT')
    }
  })

  test('a failed operation leaves no file; it is synced once', async () => {
    for (const kind of ['write', 'sync', 'close'] as const) {
      const fs = await newFolder()
      const failing = new FaultFileSystem(fs, [{ fault: { kind: 'error', code: 'EIO' }, kinds: [kind] }])
      await expect(writeCheckpoint(failing, place, entries(20, new SeededRandom(1)))).rejects.toThrow('EIO')
      expect(failing.struck.length).toBe(1)
      expect(await fs.list('/s')).toEqual([])
    }
  })

  test('entries out of order or deleted are refused', async () => {
    const fs = await newFolder()
    const [one, two] = entries(2, new SeededRandom(1)) as [MetaEntry, MetaEntry]
    await expect(writeCheckpoint(fs, place, [two, one])).rejects.toThrow('ascend')
    await expect(writeCheckpoint(fs, place, [{ ...one, isDeleted: true }])).rejects.toThrow('deleted')
    expect(await fs.list('/s')).toEqual([])
  })
})
