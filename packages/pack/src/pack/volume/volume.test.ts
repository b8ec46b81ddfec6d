import fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { indexKind } from '../../objects/index.ts'
import { ManualClock, zeroRange } from '../../testing/index.ts'
import { PackFile } from '../blocks/index.ts'
import { Location } from '../read/index.ts'
import type { TestRecord } from '../testing/packed-records.ts'
import { HandlePool } from './handle-pool.ts'
import { bodyIn, lowerDirectory, openVolume, smallVolume, smallVolumeFolder } from './testing/small-volume.ts'
import { lowerFolder, TestLayers, type TestVolume } from './testing/test-layers.ts'
import type { Volume } from './volume.ts'

beforeAll(loadXxh64)

const folder = smallVolumeFolder
let layers: TestLayers
let first: TestVolume
let second: TestVolume
let clock: ManualClock
let pool: HandlePool

beforeEach(async () => {
  const made = await smallVolume()
  layers = made.layers
  first = made.first
  second = made.second
  clock = new ManualClock()
  pool = new HandlePool({ directory: lowerDirectory(layers.faults), clock })
})

function open(which: TestVolume = second): Volume {
  return openVolume(layers, pool, which)
}

function records(number: number): readonly TestRecord[] {
  return layers.records.get(number) as readonly TestRecord[]
}

const unavailable = expect.objectContaining({
  ...{ code: 'LOWER_UNAVAILABLE', details: { path: lowerFolder } },
})

describe('a volume', () => {
  it('has what its manifest lists', () => {
    const volume = open()
    expect(volume.manifest).toEqual(second.manifest)
    expect(volume.named).toEqual(second.named)
    expect(volume.chunks.map(({ number, base, length }) => ({ number, base, length }))).toEqual(
      second.manifest.chunks,
    )
    expect(volume.segments().map(({ info }) => info)).toEqual(second.manifest.segments)
    expect(volume.packs()).toEqual([2, 1, 3])
    volume.close()
  })

  it('finds every record of chunks and segments, by offset and by hash', () => {
    const volume = open()
    for (const number of [1, 2, 3]) {
      for (const record of records(number)) {
        expect(bodyIn(volume, record).equals(record.body)).toBe(true)
        expect(volume.index(number).candidates(indexKind.blob, record.hash)).toEqual([record.offset])
      }
    }
    volume.close()
  })

  it('does not hold what lies between, below, or behind its files', () => {
    const volume = open()
    const at = new Location()
    const ends = second.manifest.chunks.map(({ base, length }) => base + length)
    for (const offset of [...ends, (ends[0] as number) + 8, 81_920 - 8, 2 ** 40])
      expect(volume.locate(offset, at)).toBe(false)
    expect(volume.locate((ends[1] as number) - 8, at)).toBe(true)
    volume.close()
  })

  it('finds an offset among any number of chunks', async () => {
    const lists = fc.array(fc.record({ gap: fc.nat(2), pages: fc.integer({ min: 1, max: 3 }) }))
    await fc.assert(
      fc.asyncProperty(lists, async (parts) => {
        const made = await TestLayers.create()
        let end = 0
        const listed = parts.map(({ gap, pages }, i) => {
          const base = end + gap * 4096
          end = base + pages * 4096
          return { number: i + 1, base, length: pages * 4096 - 8 }
        })
        const before = await made.write(1, {})
        const manifest = { ...before.manifest, high: end, chunks: listed }
        const volume = openVolume(made, pool, await made.write(1, {}, { ...before, manifest }))
        const at = new Location()
        for (let offset = 0; offset < end + 4096; offset += 2040) {
          const chunk = listed.find(({ base, length }) => offset >= base && offset < base + length)
          expect(volume.locate(offset, at)).toBe(chunk !== undefined)
          if (chunk !== undefined)
            expect([at.file?.number, at.position]).toEqual([chunk.number, offset - chunk.base])
        }
        volume.close()
      }),
    )
  })

  it('opens no file before it is asked for, and reads only the manifest', () => {
    const volume = open()
    expect(pool.openCount).toBe(0)
    expect(layers.disk.openHandles()).toEqual([])
    volume.locate(records(2)[0]?.offset as number, new Location())
    expect(pool.openCount, 'a chunk is located without its file').toBe(0)
    volume.close()
  })

  it('takes a record from a segment before a damaged one from its chunk', async () => {
    const runs = [layers.run(2, 2, 3)]
    const third = await layers.write(1, { segments: [{ number: 4, runs }] }, second)
    const record = records(2)[2] as TestRecord
    layers.disk.damage(`${folder}/suffix-2.pack`, zeroRange(record.offset - 81_920, 4096))
    const volume = open(third)
    expect(bodyIn(volume, record).equals(record.body)).toBe(true)
    volume.close()
  })

  it('takes a record from its chunk when the segment that may hold it cannot be asked', async () => {
    const runs = [layers.run(2, 0, 1), layers.run(2, 4, 5)]
    const third = await layers.write(1, { segments: [{ number: 4, runs }] }, second)
    await layers.disk.remove(`${folder}/gen-4.map`)
    const volume = open(third)
    for (const record of records(2)) expect(bodyIn(volume, record).equals(record.body)).toBe(true)
    volume.close()
  })

  it('leaves no handle when it is closed, and is closed once', async () => {
    const volume = open()
    for (const number of [1, 2, 3]) volume.index(number)
    for (const record of records(2)) bodyIn(volume, record)
    volume.segments()
    expect(pool.openCount).toBeGreaterThan(4)
    volume.close()
    volume.close()
    await layers.retirer.drained()
    expect([pool.openCount, layers.disk.openHandles()]).toEqual([0, []])
    expect(layers.cache.blockCount).toBe(0)
  })

  it('leaves no handle when nobody reads', async () => {
    const volume = open()
    for (const record of records(1)) bodyIn(volume, record)
    await clock.advance(2_000)
    expect(layers.disk.openHandles()).toEqual([])
    for (const record of records(1)) expect(bodyIn(volume, record).equals(record.body)).toBe(true)
    volume.close()
  })

  it('has blocks of its own beside those of an upper file with the same number', async () => {
    const { cache, retirer } = layers
    const upper = PackFile.ofBytes(Buffer.alloc(4096, 0xee), {
      ...{ folder: '/store', name: 'suffix-1.pack', number: 1, kind: 'pack', cache, retirer },
    })
    const volume = open()
    const [chunk] = volume.chunks
    const above = cache.block(upper, 0, 4096)
    const below = cache.block((chunk as { file: PackFile }).file, 0, 4096)
    expect(above.buf.subarray(0, 4096).equals(Buffer.alloc(4096, 0xee))).toBe(true)
    expect(below.buf.toString('latin1', 0, 8)).toBe('VARVEPK1')
    upper.release()
    expect(cache.peek((chunk as { file: PackFile }).file, 0, 4096)).toBe(below)
    volume.close()
  })
})

describe('a volume that grows', () => {
  it('keeps the files of its older manifest', () => {
    const volume = open(first)
    const [chunk] = volume.chunks
    const index = volume.index(1)
    expect(volume.locate(records(2)[0]?.offset as number, new Location())).toBe(false)
    expect(volume.grow(second.named)).toBe(true)
    expect(volume.chunks[0]).toBe(chunk)
    expect(volume.index(1)).toBe(index)
    expect([volume.named, volume.manifest]).toEqual([second.named, second.manifest])
    for (const number of [1, 2, 3])
      for (const record of records(number)) expect(bodyIn(volume, record).equals(record.body)).toBe(true)
    volume.close()
  })

  it.each([
    ['leaves a chunk out', { chunks: [], segments: [] }],
    ['lists another first', { chunks: [{ number: 9, base: 0, length: 64 }], segments: [] }],
    ['gives a chunk another length', { chunks: [{ number: 1, base: 0, length: 4096 }], segments: [] }],
  ])('does not go on with a manifest that %s', async (_, lists) => {
    const volume = open(first)
    const other = await layers.write(1, {}, { ...second, manifest: { ...second.manifest, ...lists } })
    expect(volume.grow(other.named)).toBe(false)
    expect([volume.named, volume.manifest]).toEqual([first.named, first.manifest])
    for (const record of records(1)) expect(bodyIn(volume, record).equals(record.body)).toBe(true)
    volume.close()
  })

  it('stays as it is when the newer manifest cannot be read', async () => {
    const volume = open(first)
    await layers.disk.remove(`${folder}/manifest-2`)
    expect(() => volume.grow(second.named)).toThrow(unavailable)
    expect(volume.named).toEqual(first.named)
    for (const record of records(1)) expect(bodyIn(volume, record).equals(record.body)).toBe(true)
    volume.close()
  })
})
