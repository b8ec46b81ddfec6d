import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { rawToHex, sha256 } from '../../objects/index.ts'
import { MemoryFileSystem, SeededRandom } from '../../testing/index.ts'
import { BlockCache, FileRetirer, PackFile } from '../blocks/index.ts'
import { testStoreId as storeId } from '../testing/packed-records.ts'
import { MapFile } from './map-file.ts'
import type { Run } from './map-format.ts'
import { RunList } from './run-list.ts'

beforeAll(loadXxh64)

const retirer = new FileRetirer(new MemoryFileSystem(), () => {})

function mapOf(list: RunList, packLength: number): MapFile {
  const cache = new BlockCache({ bytesMax: 0 })
  const bytes = list.encode({ number: 5, storeId, packLength })
  const file = PackFile.ofBytes(bytes, {
    folder: '/s',
    name: 'gen-5.map',
    number: 5,
    kind: 'map',
    cache,
    retirer,
  })
  return new MapFile(file, cache, { number: 5, storeId })
}

/** Disjoint runs in ascending order; neighbours may touch. */
function makeRuns(random: SeededRandom, count: number): { start: number; length: number }[] {
  let at = 8 * random.below(2 ** 40)
  return Array.from({ length: count }, () => {
    at += 8 * random.below(3)
    const length = 8 * (1 + random.below(20))
    const run = { start: at, length }
    at += length
    return run
  })
}

describe('RunList and MapFile', () => {
  test('give back every offset, whatever order the runs came in', () => {
    const cases = fc.record({
      seed: fc.nat(1_000_000),
      count: fc.constantFrom(1, 2, 254, 255, 256, 511, 3000),
      region: fc.constantFrom(1, 7, 50, 5000),
      isShuffled: fc.boolean(),
    })
    fc.assert(
      fc.property(cases, ({ seed, count, region, isShuffled }) => {
        const random = new SeededRandom(seed)
        const runs = makeRuns(random, count)
        // Regions from high to low, ascending inside.
        const arriving: { start: number; length: number }[] = []
        for (let end = count; end > 0; end -= region)
          arriving.push(...runs.slice(Math.max(0, end - region), end))
        if (isShuffled) arriving.sort(() => random.below(3) - 1)
        const list = new RunList()
        const placed: Run[] = []
        let position = 64
        for (const run of arriving) {
          placed.push({ ...run, position })
          list.add({ ...run, position })
          position += run.length
        }
        const map = mapOf(list, position)
        const first = runs[0]?.start ?? 0
        expect(list.low).toBe(first)
        for (const run of placed) {
          for (const inside of [0, run.length - 8]) {
            expect(map.locate(run.start + inside)).toBe(run.position + inside)
          }
        }
        const starts = new Map(
          placed.flatMap((r) =>
            Array.from({ length: r.length / 8 }, (_, i) => [r.start + i * 8, r.position + i * 8]),
          ),
        )
        for (let offset = first - 80; offset < Math.min(list.high + 80, first + 4000); offset += 8) {
          expect(map.locate(offset)).toBe(starts.get(offset) ?? -1)
        }
        expect(map.locate(0)).toBe(-1)
        expect(map.locate(2 ** 53 - 8)).toBe(-1)
        const read = [...map.runs()]
        for (let i = 0; i < 20; i++) {
          const low = first - 100 + random.below(3000)
          const high = low + random.below(2000)
          const between = read.filter((run) => run.start < high && run.start + run.length > low)
          expect(map.runsBetween(low, high)).toEqual(between)
        }
        expect(read.length).toBe(list.count)
        expect(read.reduce((sum, run) => sum + run.length, 0)).toBe(position - 64)
        for (const [i, run] of read.entries()) expect(run.start).toBeGreaterThan(read[i - 1]?.start ?? -1)
      }),
      { numRuns: 60 },
    )
  })

  test('the bytes of format 1 stay what they are', () => {
    const list = new RunList()
    for (let i = 0; i < 300; i++) list.add({ start: 2 ** 40 + i * 64, position: 64 + i * 8, length: 8 })
    const bytes = list.encode({ number: 5, storeId, packLength: 2464 })
    expect([bytes.length, rawToHex(sha256(bytes, 0, bytes.length))]).toMatchInlineSnapshot(`
      [
        12304,
        "a8fb7c527f39fcc22ec9de22051c37751b0a25252dacd635bd26baad78942335",
      ]
    `)
  })

  test('neighbours in offsets and in the file become one run', () => {
    const list = new RunList()
    list.add({ start: 800, position: 64, length: 16 })
    list.add({ start: 816, position: 80, length: 8 })
    list.add({ start: 80, position: 88, length: 8 })
    list.add({ start: 88, position: 104, length: 8 })
    expect([...mapOf(list, 112).runs()]).toEqual([
      { start: 80, position: 88, length: 8 },
      { start: 88, position: 104, length: 8 },
      { start: 800, position: 64, length: 24 },
    ])
  })

  test('an offset that came twice is refused', () => {
    const list = new RunList()
    list.add({ start: 800, position: 64, length: 16 })
    list.add({ start: 80, position: 80, length: 8 })
    list.add({ start: 808, position: 88, length: 8 })
    expect(() => mapOf(list, 96)).toThrow('once')
  })

  test('a run outside its pack file is damage', () => {
    const list = new RunList()
    list.add({ start: 800, position: 64, length: 16 })
    expect(() => mapOf(list, 72).locate(800)).toThrow('damaged')
  })
})
