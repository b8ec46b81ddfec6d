import { loadXxh64 } from '@varve/pack/base'
import { MemoryFileSystem, SeededRandom } from '@varve/pack/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { RegionBits, regionBytes, slotsPerRegion } from './region-bits.ts'
import { SlotTable } from './slot-table.ts'
import { SpillFile } from './spill-file.ts'

beforeAll(loadXxh64)

const path = '/spill-1.tmp'

function newTable(bytesMax: number): { table: SlotTable; fs: MemoryFileSystem } {
  const fs = new MemoryFileSystem()
  return {
    fs,
    table: new SlotTable({ bytesMax: () => bytesMax, openSpill: () => SpillFile.create(fs, path) }),
  }
}

/** All offsets, region by region from high to low, ascending within each. */
function contents(table: SlotTable): number[] {
  const found: number[] = []
  const bits = new RegionBits()
  for (let r = table.highestRegionBelow(Number.MAX_SAFE_INTEGER); r >= 0; r = table.highestRegionBelow(r)) {
    expect(table.has(r)).toBe(true)
    bits.clear()
    table.load(r, bits)
    for (let s = bits.highestBelow(slotsPerRegion); s >= 0; s = bits.highestBelow(s))
      found.push(r * regionBytes + s * 8)
  }
  return found
}

const descending = (offsets: Iterable<number>): number[] => [...offsets].sort((a, b) => b - a)

describe('a table of slots', () => {
  test('gives back what was added, highest first, each once', () => {
    const { table } = newTable(1 << 20)
    const offsets = [8, 16, 8, regionBytes - 8, regionBytes, 2 ** 52, 2 ** 53 - 8, 300 * regionBytes + 64]
    for (const offset of offsets) table.add(offset)
    expect(contents(table)).toEqual(descending(new Set(offsets)))
  })

  test('a list that outgrows every class becomes a bitmap', () => {
    const { table } = newTable(1 << 20)
    const random = new SeededRandom(1)
    const offsets = new Set<number>()
    for (let i = 0; i < 9000; i++) {
      const offset = random.below(slotsPerRegion) * 8
      offsets.add(offset)
      table.add(offset)
      if (i === 15 || i === 16 || i === 64 || i === 257 || i === 1025 || i === 4097) {
        expect(contents(table)).toEqual(descending(offsets))
      }
    }
    expect(contents(table)).toEqual(descending(offsets))
    // A bitmap and its predecessors, not two bytes for each of 9,000 marks and their repetitions.
    expect(table.bytesUsed).toBeLessThan(3 * 64 * 1024)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('against a set, with spilling (seed %i)', async (seed) => {
    const random = new SeededRandom(seed)
    const bytesMax = random.below(3) === 0 ? 0 : random.below(6000)
    const { table } = newTable(bytesMax)
    const model = new Set<number>()
    for (let step = 0; step < 400; step++) {
      const region = random.below(6) * (random.chance(0.3) ? 1000 : 1)
      const choice = random.below(10)
      if (choice < 6) {
        for (let i = random.below(60); i >= 0; i--) {
          const offset = region * regionBytes + random.below(slotsPerRegion) * 8
          if (offset === 0) continue
          model.add(offset)
          table.add(offset)
        }
      } else if (choice === 6) {
        table.remove(region)
        expect(table.has(region)).toBe(false)
        for (const offset of model) if (Math.floor(offset / regionBytes) === region) model.delete(offset)
      } else if (choice === 7) {
        const bits = new RegionBits()
        for (const offset of model) if (Math.floor(offset / regionBytes) === region) model.delete(offset)
        for (let i = random.below(3000); i > 0; i--) {
          const slot = random.below(slotsPerRegion)
          bits.set(slot)
          model.add(region * regionBytes + slot * 8)
        }
        table.replace(region, bits)
      } else if (choice === 8 && random.chance(0.1)) {
        table.clear()
        model.clear()
      } else {
        await table.relieve()
      }
    }
    expect(contents(table)).toEqual(descending(model))
    expect(table.isEmpty).toBe(model.size === 0)
  })

  test('spills only what exceeds its memory, and stays within it', async () => {
    const { table, fs } = newTable(64 * 1024)
    for (let i = 1; i <= 1000; i++) table.add(i * 8)
    await table.relieve()
    expect(await fs.stat(path)).toBeUndefined()
    for (let region = 0; region < 4000; region++) {
      for (let i = 1; i <= 10; i++) table.add(region * regionBytes + i * 800)
      await table.relieve()
      expect(table.bytesUsed).toBeLessThan(64 * 1024 + 256 * 1024)
    }
    expect((await fs.stat(path))?.size).toBeGreaterThan(10_000)
    expect(contents(table).length).toBe(1000 + 4000 * 10 - 10)
  })

  test('damage in the spill file is met with an error, never with a missing mark', async () => {
    const { table, fs } = newTable(0)
    for (let i = 1; i <= 100; i++) table.add(i * 80)
    await table.relieve()
    const size = (await fs.stat(path))?.size as number
    const handle = await fs.open(path, 'write')
    for (let at = 8; at < size; at += 7) {
      const byte = Buffer.alloc(1)
      handle.readSync(byte, 0, 1, at)
      handle.writeSync(Buffer.from([(byte[0] as number) ^ 16]), 0, 1, at)
      expect(() => contents(table)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
      handle.writeSync(byte, 0, 1, at)
    }
    await handle.truncate(size - 8)
    expect(() => contents(table)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })
})

describe('the bits of a region', () => {
  test('the highest below a limit, at every border of a word', () => {
    const bits = new RegionBits()
    const slots = [0, 1, 31, 32, 33, 63, 64, 4095, 4096, slotsPerRegion - 32, slotsPerRegion - 1]
    for (const slot of slots) bits.set(slot)
    for (const limit of [0, 1, 2, 31, 32, 33, 34, 64, 65, 4096, 4097, slotsPerRegion - 1, slotsPerRegion]) {
      expect(bits.highestBelow(limit)).toBe(slots.findLast((slot) => slot < limit) ?? -1)
    }
    expect(bits.count()).toBe(slots.length)
  })

  test('sets are added and taken away', () => {
    const random = new SeededRandom(7)
    const [a, b] = [new RegionBits(), new RegionBits()]
    const [inA, inB] = [new Set<number>(), new Set<number>()]
    for (let i = 0; i < 5000; i++) {
      const slot = random.below(slotsPerRegion)
      ;(i % 2 === 0 ? a : b).set(slot)
      ;(i % 2 === 0 ? inA : inB).add(slot)
    }
    a.subtract(b)
    for (const slot of [...inA, ...inB]) expect(a.has(slot)).toBe(inA.has(slot) && !inB.has(slot))
    a.add(b)
    expect(a.count()).toBe(new Set([...inA, ...inB]).size)
  })
})
