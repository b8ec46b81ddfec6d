import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NodeFileSystem } from '@varve/pack/fs'
import { FaultFileSystem } from '@varve/pack/testing'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Kv, type KvEntry, type KvOperation, type KvRange, openKv, openMemoryKv } from './index.ts'
import { type LevelDatabase, type LevelDoor, loadLevel } from './level-door.ts'

const storeId = '00112233445566778899aabbccddeeff'
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'varve-kv-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const put = (space: string, key: string, value: string): KvOperation => ({ kind: 'put', space, key, value })

function openLevelKv(door: LevelDoor = loadLevel, id: string = storeId): Promise<Kv> {
  return openKv({ fileSystem: new NodeFileSystem(), path: join(root, 'db'), storeId: id, door })
}

async function entries(kv: Kv, space: string, range?: KvRange): Promise<KvEntry[]> {
  const found: KvEntry[] = []
  for await (const entry of kv.range(space, range)) found.push(entry)
  return found
}

describe.each(['level', 'memory'] as const)('projections (%s)', (kind) => {
  const open = (): Promise<Kv> => (kind === 'level' ? openLevelKv() : Promise.resolve(openMemoryKv(storeId)))

  it('give back what was put, by space and key', async () => {
    const kv = await open()
    expect([kv.kind, kv.reason, kv.damage]).toEqual([kind, undefined, undefined])
    expect([kv.storeId(), kv.projectedTo()]).toEqual([undefined, undefined])
    await kv.batch([put('labels', 'a', '1'), put('refs', 'a', '2'), put('labels', '', 'empty')], 64)
    expect(await kv.get('labels', 'a')).toBe('1')
    expect(kv.getSync('refs', 'a')).toBe('2')
    expect(kv.getSync('labels', '')).toBe('empty')
    expect(await kv.get('labels', 'b')).toBeUndefined()
    await kv.batch([{ kind: 'delete', space: 'labels', key: 'a' }, put('refs', 'a', '')], 128)
    expect(kv.getSync('labels', 'a')).toBeUndefined()
    expect(await kv.get('refs', 'a')).toBe('')
    expect([kv.storeId(), kv.projectedTo(), kv.damage]).toEqual([storeId, 128, undefined])
    await kv.clear()
    expect([kv.getSync('refs', 'a'), kv.storeId(), kv.projectedTo()]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    await kv.close()
    await kv.close()
    await expect(kv.get('refs', 'a')).rejects.toThrow('must hold')
  })

  it('list a range as it stood when the iteration began', async () => {
    const kv = await open()
    await kv.batch(
      ['a', 'b', 'c'].map((key) => put('labels', key, key)),
      8,
    )
    const seen: string[] = []
    for await (const { key } of kv.range('labels')) {
      seen.push(key)
      await kv.batch([{ kind: 'delete', space: 'labels', key: 'b' }, put('labels', 'd', 'd')], 16)
    }
    expect(seen).toEqual(['a', 'b', 'c'])
    expect((await entries(kv, 'labels')).map(({ key }) => key)).toEqual(['a', 'c', 'd'])
    await kv.close()
  })

  it('refuse text that would not come back', async () => {
    const kv = await open()
    await expect(kv.batch([put('labels', '\ud800', 'x')], 8)).rejects.toThrow('well-formed')
    await expect(kv.batch([put('labels', 'x', 'a\udc00')], 8)).rejects.toThrow('well-formed')
    await expect(kv.batch([put('Bad space', 'x', '')], 8)).rejects.toThrow('must hold')
    expect(await entries(kv, 'labels')).toEqual([])
    await kv.close()
  })

  it('do what a sorted map would, whatever the order of changes', async () => {
    const anyText = fc.string({
      unit: fc.constantFrom('a', 'b', '\0', '\x01', 'ä', '\uffff', '😀'),
      maxLength: 3,
    })
    const anyChange = fc.record({
      space: fc.constantFrom('one', 'one-b'),
      key: anyText,
      value: fc.option(anyText),
    })
    const anyRange = fc.record(
      { gte: anyText, lt: anyText, prefix: anyText, limit: fc.nat({ max: 5 }) },
      { requiredKeys: [] },
    )
    const kv = await open()
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(anyChange), { maxLength: 5 }), anyRange, async (batches, range) => {
        await kv.clear()
        const model = new Map<string, string>()
        for (const [i, changes] of batches.entries()) {
          await kv.batch(
            changes.map(({ space, key, value }) =>
              value === null ? { kind: 'delete', space, key } : put(space, key, value),
            ),
            i,
          )
          for (const { key, value } of changes.filter((change) => change.space === 'one')) {
            if (value === null) model.delete(key)
            else model.set(key, value)
          }
        }
        for (const { key } of batches.flat()) expect(kv.getSync('one', key)).toBe(model.get(key))
        expect(await entries(kv, 'one', range)).toEqual(expectedEntries(model, range))
      }),
      { numRuns: 150 },
    )
    await kv.close()
  })
})

function expectedEntries(model: Map<string, string>, { gte, lt, prefix, limit }: KvRange): KvEntry[] {
  const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
  return [...model]
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => compare(a.key, b.key))
    .filter(({ key }) => key.startsWith(prefix ?? ''))
    .filter(({ key }) => gte === undefined || compare(key, gte) >= 0)
    .filter(({ key }) => lt === undefined || compare(key, lt) < 0)
    .slice(0, limit ?? model.size)
}

it('keeps many entries in order in memory', async () => {
  const kv = openMemoryKv(storeId)
  const keys = Array.from({ length: 5_000 }, (_, i) => String((i * 7_919) % 5_000).padStart(5, '0'))
  await kv.batch(
    keys.map((key) => put('labels', key, key)),
    8,
  )
  await kv.batch(
    keys.filter((key) => Number(key) % 3 !== 0).map((key) => ({ kind: 'delete', space: 'labels', key })),
    16,
  )
  const left = [...keys].sort().filter((key) => Number(key) % 3 === 0)
  expect((await entries(kv, 'labels')).map(({ key }) => key)).toEqual(left)
  expect((await entries(kv, 'labels', { gte: '01000', limit: 3 })).map(({ key }) => key)).toEqual([
    '01002',
    '01005',
    '01008',
  ])
})

describe('on a disk', () => {
  it('finds everything again', async () => {
    const first = await openLevelKv()
    await first.batch([put('labels', 'a', 'é😀')], 4096)
    await first.close()
    const second = await openLevelKv()
    expect([second.storeId(), second.projectedTo(), second.getSync('labels', 'a')]).toEqual([
      storeId,
      4096,
      'é😀',
    ])
    await second.close()
  })

  it('begins empty for another store', async () => {
    const first = await openLevelKv()
    await first.batch([put('labels', 'a', '1')], 4096)
    await first.close()
    const other = await openLevelKv(loadLevel, 'ff'.repeat(16))
    expect([other.storeId(), other.projectedTo(), other.getSync('labels', 'a')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(await entries(other, 'labels')).toEqual([])
    await other.close()
  })

  it('takes a value with a wrong checksum for absent and says so', async () => {
    let database: LevelDatabase | undefined
    const kv = await openLevelKv(
      spying((opened) => {
        database = opened
      }),
    )
    await kv.batch([put('labels', 'a', 'one'), put('labels', 'b', 'two'), put('labels', 'c', 'three')], 64)
    const sealed = (await database?.get('labels\0b')) as string
    // A flipped bit in the value; then the good value of another key.
    for (const wrong of [
      sealed.replace('two', 'twn'),
      (await database?.get('labels\0a')) as string,
      '',
      'x',
    ]) {
      await database?.put('labels\0b', wrong)
      expect(kv.getSync('labels', 'b')).toBeUndefined()
      expect(await kv.get('labels', 'b')).toBeUndefined()
      expect((await entries(kv, 'labels')).map(({ key }) => key)).toEqual(['a', 'c'])
    }
    expect(kv.damage?.what).toMatch('checksum')
    await kv.clear()
    expect([kv.kind, kv.damage, kv.projectedTo()]).toEqual(['level', undefined, undefined])
    await kv.batch([put('labels', 'b', 'two')], 64)
    expect(kv.getSync('labels', 'b')).toBe('two')
    await kv.close()
  })

  it('begins empty when the note is damaged', async () => {
    let database: LevelDatabase | undefined
    const door = spying((opened) => {
      database = opened
    })
    for (const wrong of ['', '0123456789abcdef64 00', 'nothing']) {
      const kv = await openLevelKv(door)
      await kv.batch([put('labels', 'a', 'one')], 64)
      await database?.put('\0note', wrong)
      await kv.close()
      const again = await openLevelKv(door)
      expect([again.kind, again.projectedTo(), again.getSync('labels', 'a')]).toEqual([
        'level',
        undefined,
        undefined,
      ])
      await again.close()
    }
  })

  it('makes a database anew that does not open', async () => {
    const first = await openLevelKv()
    await first.batch([put('labels', 'a', 'one')], 64)
    await first.close()
    for (const name of readdirSync(join(root, 'db'))) writeFileSync(join(root, 'db', name), 'no database')
    const again = await openLevelKv()
    expect([again.kind, again.reason, again.projectedTo()]).toEqual(['level', undefined, undefined])
    await again.batch([put('labels', 'a', 'two')], 64)
    expect(again.getSync('labels', 'a')).toBe('two')
    await again.close()
  })

  it('lives in memory when LevelDB does not load, and says why', async () => {
    const kv = await openLevelKv(async () => ({ kind: 'unavailable', reason: 'no prebuild for this system' }))
    expect([kv.kind, kv.reason]).toEqual(['memory', 'no prebuild for this system'])
    await kv.batch([put('labels', 'a', 'one')], 64)
    expect(kv.getSync('labels', 'a')).toBe('one')
    await kv.close()
  })

  it('lives in memory, and removes nothing, while somebody else has the database', async () => {
    const first = await openLevelKv()
    await first.batch([put('labels', 'a', 'one')], 64)
    const second = await openLevelKv()
    expect(second.kind).toBe('memory')
    expect(second.reason).toMatch(/lock/i)
    expect(first.getSync('labels', 'a')).toBe('one')
    await second.close()
    await first.close()
  })

  it('lives in memory where no folder can be made', async () => {
    const fileSystem = new FaultFileSystem(new NodeFileSystem(), [
      { fault: { kind: 'error', code: 'EROFS' }, kinds: ['mkdir'], times: 'always' },
    ])
    const kv = await openKv({ fileSystem, path: join(root, 'db'), storeId })
    expect([kv.kind, kv.reason?.slice(0, 5)]).toEqual(['memory', 'EROFS'])
    await kv.close()
  })

  it('reports what LevelDB cannot read or write, and is good again after it was cleared', async () => {
    let database: LevelDatabase | undefined
    const kv = await openLevelKv(
      spying((opened) => {
        database = opened
      }),
    )
    await kv.batch([put('labels', 'a', 'one')], 64)
    const broken = database as LevelDatabase
    broken.getSync = () => {
      throw new Error('LEVEL_IO_ERROR')
    }
    expect(kv.getSync('labels', 'a')).toBeUndefined()
    expect(kv.damage?.what).toBe('reading labels failed')
    broken.clear = () => Promise.reject(new Error('LEVEL_IO_ERROR'))
    await kv.clear()
    expect(database).not.toBe(broken)
    expect([kv.kind, kv.damage, kv.projectedTo(), kv.getSync('labels', 'a')]).toEqual([
      'level',
      undefined,
      undefined,
      undefined,
    ])
    await kv.close()
  })
})

/** The real door, and a look at the database behind it. */
function spying(onOpen: (database: LevelDatabase) => void): LevelDoor {
  return async () => {
    const level = await loadLevel()
    if (level.kind === 'unavailable') return level
    return {
      kind: 'loaded',
      open: async (path, options) => {
        const opening = await level.open(path, options)
        if (opening.kind === 'opened') onOpen(opening.database)
        return opening
      },
    }
  }
}
