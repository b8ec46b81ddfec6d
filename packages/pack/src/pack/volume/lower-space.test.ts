import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadXxh64, xxh64 } from '../../base/index.ts'
import type { VarveError } from '../../errors/index.ts'
import { fileName } from '../../layout/index.ts'
import { indexKind } from '../../objects/index.ts'
import {
  flipBit,
  ManualClock,
  type TracedOperation,
  traceFileSystem,
  zeroRange,
} from '../../testing/index.ts'
import { Location } from '../read/index.ts'
import type { TestRecord } from '../testing/packed-records.ts'
import { encodeFilters } from './filter-file.ts'
import type { LowerSpace, LowerView } from './lower-space.ts'
import { departures } from './testing/departures.ts'
import { lowerDirectory, smallVolumeFolder } from './testing/small-volume.ts'
import {
  bodyAt,
  codeOf,
  lowerFolder,
  offsetsOf,
  TestLayers,
  type TestVolume,
  upperFolder,
} from './testing/test-layers.ts'

beforeAll(loadXxh64)

const absent = 'no such hash, 32 bytes long .....'.slice(0, 32)

let layers: TestLayers
/** Of three volumes, the last of which is empty. */
let volumes: TestVolume[]
let clock: ManualClock
let damages: VarveError[]
let space: LowerSpace
let view: LowerView

/**
 * Volume 1: chunks 1 and 2, and a segment of both. Volume 2: chunk 3, and a segment with what it refers to in
 * volume 1. Each has its filters in one file, or two.
 */
beforeEach(async () => {
  layers = await TestLayers.create()
  const one = await layers.write(1, {
    ...{ filters: 30, chunks: [{ number: 1, base: 0, bodyLengths: [100, 3000, 20, 70_000] }] },
  })
  const segments = [{ number: 5, runs: [layers.run(1, 0, 1)] }]
  const chunks = [{ number: 2, base: 81_920, bodyLengths: [50, 60, 70, 80, 90] }]
  const two = await layers.write(1, { chunks, segments, filters: 31 }, one)
  const three = await layers.write(2, {
    ...{ filters: 32, chunks: [{ number: 3, base: 90_112, bodyLengths: [500, 600, 700] }] },
    segments: [{ number: 6, runs: [layers.run(1, 1, 2), layers.run(2, 3, 4)] }],
  })
  volumes = [two, three, await layers.write(3, {})]
  clock = new ManualClock()
  damages = []
  space = layers.space({ clock, onFilterDamage: (error) => damages.push(error) })
  view = space.view(named())
})

function named(): TestVolume['named'][] {
  return volumes.map((volume) => volume.named)
}

function record(number: number, i: number): TestRecord {
  return layers.records.get(number)?.[i] as TestRecord
}

function chunkRecords(): TestRecord[] {
  return [1, 2, 3].flatMap((number) => layers.records.get(number) ?? [])
}

/** The files that the view's calls open, below the root. */
function openedBy(call: (traced: LowerView) => unknown): string[] {
  const operations: TracedOperation[] = []
  const fs = traceFileSystem(layers.disk, (operation) => operations.push(operation))
  const traced = layers.space({ fs, directory: lowerDirectory(fs) })
  call(traced.view(named()))
  traced.close()
  return operations.filter(({ kind }) => kind === 'open').map(({ path }) => path)
}

describe('offsets in the lower layer', () => {
  it('are found in the chunks and segments of all volumes', () => {
    for (const { offset, body } of chunkRecords())
      expect(bodyAt(layers, view, offset).equals(body)).toBe(true)
    const at = new Location()
    for (const { offset } of layers.records.get(1) ?? []) {
      expect(view.locate(offset, at)).toBe(true)
      expect(view.volumeOf(offset, at)).toBe(offset === record(1, 1).offset ? 2 : 1)
    }
  })

  it('are absent where no volume holds them', () => {
    const end = Math.max(...named().map(({ high }) => high))
    for (const offset of [81_912, 90_104, end, 2 ** 50]) {
      expect(view.locate(offset, new Location())).toBe(false)
      expect(view.volumeOf(offset, new Location())).toBeUndefined()
    }
    expect(space.view([]).locate(64, new Location())).toBe(false)
  })

  it('lead to the newest copy: one in a newer volume counts before a damaged one', () => {
    const { offset, body } = record(2, 3)
    layers.disk.damage(`${smallVolumeFolder}/suffix-2.pack`, zeroRange(offset - 81_920, 9000))
    expect(bodyAt(layers, view, offset).equals(body)).toBe(true)
    expect(codeOf(() => bodyAt(layers, view, record(2, 4).offset))).toBe('CORRUPT')
  })

  it('are found in one volume while another is away', async () => {
    const away = `${lowerFolder}/volume-2`
    await layers.disk.rename(away, '/aside')
    for (const { offset, body } of layers.records.get(1) ?? [])
      expect(bodyAt(layers, view, offset).equals(body)).toBe(true)
    expect(codeOf(() => view.locate(record(3, 0).offset, new Location()))).toBe('LOWER_UNAVAILABLE')
    // It might hold any offset below its end.
    expect(codeOf(() => view.locate(81_912, new Location()))).toBe('LOWER_UNAVAILABLE')
    expect(view.locate(volumes[1]?.named.high as number, new Location())).toBe(false)
    await layers.disk.rename('/aside', away)
    expect(bodyAt(layers, view, record(3, 0).offset).equals(record(3, 0).body)).toBe(true)
    expect(view.locate(81_912, new Location())).toBe(false)
  })

  it('that only a damaged map could tell are CORRUPT, not absent', async () => {
    await layers.disk.remove(`${lowerFolder}/volume-2/gen-6.map`)
    expect(codeOf(() => view.locate(81_912, new Location()))).toBe('CORRUPT')
    for (const { offset, body } of chunkRecords())
      expect(bodyAt(layers, view, offset).equals(body)).toBe(true)
  })
})

describe('hashes in the lower layer', () => {
  it('lead to every copy, those of the newest volume first', () => {
    for (const { hash, offset } of chunkRecords()) {
      const { found, failure } = offsetsOf(view, hash)
      const copies = [5, 6].filter((n) => layers.records.get(n)?.some((one) => one.hash === hash)).length
      expect(found.map(({ offsets }) => offsets)).toEqual(Array.from({ length: 1 + copies }, () => [offset]))
      expect(failure).toBeUndefined()
    }
    expect(offsetsOf(view, record(1, 1).hash).found.map(({ volume }) => volume)).toEqual([2, 1])
    expect(offsetsOf(view, record(1, 0).hash, indexKind.tree).found).toEqual([])
    expect(offsetsOf(view, absent)).toEqual({ found: [], failure: undefined })
  })

  it('are looked for in the files alone whose filters do not rule them out', () => {
    const filters = [30, 31, 32].map((n) => `${upperFolder}/${fileName.filter(n)}`)
    expect(openedBy((traced) => offsetsOf(traced, absent)).sort()).toEqual(filters)
    const opened = openedBy((traced) => offsetsOf(traced, record(3, 1).hash))
    expect(opened.filter((path) => path.endsWith('.idx'))).toEqual([`${lowerFolder}/volume-2/suffix-3.idx`])
    expect(opened.some((path) => path.includes('volume-1/'))).toBe(false)
  })

  it('are found without any filter', () => {
    view = space.view(named().map((volume) => ({ ...volume, filters: [] })))
    for (const { hash, offset } of chunkRecords())
      expect(offsetsOf(view, hash).found.map(({ offsets }) => offsets)).toContainEqual([offset])
    expect(offsetsOf(view, absent)).toEqual({ found: [], failure: undefined })
  })

  it.each([
    ['missing', async (path: string) => layers.disk.remove(path)],
    ['damaged', async (path: string) => layers.disk.damage(path, flipBit(70 * 8))],
    ['empty', async (path: string) => layers.disk.damage(path, (bytes) => bytes.subarray(0, 0))],
    [
      'newer than known',
      async (path: string) =>
        layers.disk.damage(path, (bytes) => {
          bytes.writeUInt32LE(2, 8)
          bytes.writeBigUInt64LE(xxh64(bytes, 0, 56, 0), 56)
          return bytes
        }),
    ],
    [
      "another volume's",
      async (path: string) => {
        const place = { folder: upperFolder, number: 31, storeId: layers.storeId, volume: 2 }
        layers.disk.damage(path, () => encodeFilters(place, []))
      },
    ],
  ])('are found by the index when a filter file is %s, which is told once', async (_, damage) => {
    await damage(`${upperFolder}/filter-31.bloom`)
    for (const { hash, offset } of chunkRecords())
      expect(offsetsOf(view, hash).found.map(({ offsets }) => offsets)).toContainEqual([offset])
    expect(offsetsOf(view, absent)).toEqual({ found: [], failure: undefined })
    expect(damages.map(({ code, details }) => [code, details])).toEqual([
      ['CORRUPT', expect.objectContaining({ file: 'filter-31.bloom' })],
    ])
    // Who has not opened the index by then cannot say that it holds nothing.
    await layers.disk.rename(lowerFolder, '/x')
    const late = layers.space().view(named())
    expect(offsetsOf(late, absent)).toEqual({ found: [], failure: 'LOWER_UNAVAILABLE' })
  })

  it('are not absent when the disk does not give a filter', () => {
    const fault = { kind: 'error', code: 'EIO' } as const
    layers.faults.setPlan([{ fault, path: 'filter-32', times: 'always' }])
    expect(offsetsOf(view, record(3, 0).hash).found).toEqual([{ volume: 2, offsets: [record(3, 0).offset] }])
    expect(damages.map(({ code }) => code)).toEqual(['CORRUPT'])
  })

  it('come from the other files when one index is damaged; then that is said', () => {
    // Without filters every index is asked.
    view = space.view(named().map((volume) => ({ ...volume, filters: [] })))
    layers.disk.damage(`${smallVolumeFolder}/suffix-2.idx`, flipBit(8 * 40))
    const { hash, offset } = record(1, 3)
    expect(offsetsOf(view, hash)).toEqual({ found: [{ volume: 1, offsets: [offset] }], failure: 'CORRUPT' })
    expect(offsetsOf(view, absent)).toEqual({ found: [], failure: 'CORRUPT' })
  })

  it('are CORRUPT in an index that is not the one whose filter is known', async () => {
    const other = await TestLayers.create({ disk: layers.disk, seed: 7 })
    await layers.disk.rename(lowerFolder, '/x')
    await layers.disk.mkdir(lowerFolder)
    const chunks = [{ number: 3, base: 90_112, bodyLengths: [500, 600, 700] }]
    const segments = [{ number: 6, runs: [layers.run(1, 1, 2), layers.run(2, 3, 4)] }]
    await other.write(2, { chunks, segments })
    const { hash } = record(3, 0)
    expect(offsetsOf(view, hash)).toEqual({ found: [], failure: 'CORRUPT' })
  })
})

describe('while a volume is away', () => {
  it('its filters say what it does not hold, and the others answer', async () => {
    await layers.disk.rename(`${lowerFolder}/volume-2`, '/aside')
    expect(offsetsOf(view, absent)).toEqual({ found: [], failure: undefined })
    expect(offsetsOf(view, record(1, 3).hash)).toEqual({
      ...{ found: [{ volume: 1, offsets: [record(1, 3).offset] }], failure: undefined },
    })
    expect(offsetsOf(view, record(3, 0).hash)).toEqual({ found: [], failure: 'LOWER_UNAVAILABLE' })
    const both = record(1, 1)
    expect(offsetsOf(view, both.hash)).toEqual({
      ...{ found: [{ volume: 1, offsets: [both.offset] }], failure: 'LOWER_UNAVAILABLE' },
    })
  })

  it('it may hold anything without filters, unless it is empty', async () => {
    await layers.disk.rename(lowerFolder, '/x')
    const [first, , empty] = named()
    expect(offsetsOf(space.view([{ ...(first as TestVolume['named']), filters: [] }]), absent).failure).toBe(
      'LOWER_UNAVAILABLE',
    )
    expect(offsetsOf(space.view([empty as TestVolume['named']]), absent).failure).toBeUndefined()
    expect(damages).toEqual([])
  })

  it('damage elsewhere is told rather than that', async () => {
    await layers.disk.rename(`${lowerFolder}/volume-2`, '/aside')
    await layers.disk.remove(`${smallVolumeFolder}/suffix-1.idx`)
    expect(offsetsOf(view, record(1, 1).hash)).toEqual({ found: [], failure: 'CORRUPT' })
  })

  it.each(departures)('the store says so for what it holds, and only for that: %s', async (_, leave) => {
    const { hash, offset, body } = record(1, 3)
    const back = await leave(layers.disk)
    for (let time = 0; time < 2; time++) {
      expect(codeOf(() => bodyAt(layers, view, offset))).toBe('LOWER_UNAVAILABLE')
      expect(offsetsOf(view, hash)).toEqual({ found: [], failure: 'LOWER_UNAVAILABLE' })
      expect(offsetsOf(view, absent)).toEqual({ found: [], failure: undefined })
      expect(() => view.opened()).toThrow(expect.objectContaining({ code: 'LOWER_UNAVAILABLE' }))
    }
    await back()
    expect(bodyAt(layers, view, offset).equals(body)).toBe(true)
    expect(offsetsOf(view, hash).found).toEqual([{ volume: 1, offsets: [offset] }])
    expect(view.opened().map((volume) => volume.named.id)).toEqual([3, 2, 1])
  })
})

describe('a lower layer that grows', () => {
  it('keeps the files that it has opened, for views of before and after', async () => {
    const before = space.volume(named()[1] as TestVolume['named'])
    const [chunk] = before.chunks
    const chunks = [{ number: 8, base: 102_400, bodyLengths: [10, 20] }]
    const grown = await layers.write(2, { chunks, filters: 33 }, volumes[1])
    const after = space.view([named()[0] as TestVolume['named'], grown.named])
    expect(codeOf(() => bodyAt(layers, after, record(8, 1).offset))).toBeUndefined()
    expect(space.volume(grown.named)).toBe(before)
    expect(space.volume(named()[1] as TestVolume['named']), 'an older control').toBe(before)
    expect([before.chunks[0], before.chunks.length]).toEqual([chunk, 2])
    for (const { offset, body } of chunkRecords()) {
      expect(bodyAt(layers, view, offset).equals(body)).toBe(true)
      expect(bodyAt(layers, after, offset).equals(body)).toBe(true)
    }
    expect(offsetsOf(after, record(8, 0).hash).found).toEqual([{ volume: 2, offsets: [record(8, 0).offset] }])
    // What the older control does not name is above the end of its volume.
    expect(view.locate(record(8, 0).offset, new Location())).toBe(false)
  })

  it('is opened anew where a manifest does not go on with the one before', async () => {
    const before = space.volume(named()[1] as TestVolume['named'])
    const { manifest, named: old } = volumes[1] as TestVolume
    const without = { manifest: { ...manifest, segments: [] }, named: old }
    const other = await layers.write(2, {}, without)
    const after = space.volume(other.named)
    expect(after).not.toBe(before)
    expect(after.manifest).toEqual(other.manifest)
    const { offset, body } = record(3, 0)
    expect(bodyAt(layers, space.view([other.named]), offset).equals(body)).toBe(true)
  })

  it('can be read again when its newer manifest is there', async () => {
    space.volume(named()[1] as TestVolume['named'])
    const chunks = [{ number: 8, base: 102_400, bodyLengths: [10, 20] }]
    const grown = await layers.write(2, { chunks, filters: 33 }, volumes[1])
    const after = space.view([grown.named])
    await layers.disk.rename(`${lowerFolder}/volume-2/manifest-2`, '/aside')
    expect(codeOf(() => after.locate(record(8, 0).offset, new Location()))).toBe('LOWER_UNAVAILABLE')
    expect(view.locate(record(3, 0).offset, new Location())).toBe(true)
    await layers.disk.rename('/aside', `${lowerFolder}/volume-2/manifest-2`)
    expect(bodyAt(layers, after, record(8, 0).offset).equals(record(8, 0).body)).toBe(true)
  })
})

describe('handles', () => {
  it('are bounded, closed when nobody reads, and gone when the space is closed', async () => {
    space = layers.space({ clock, handlesMax: 2 })
    view = space.view(named())
    for (const { offset, hash, body } of chunkRecords()) {
      expect(bodyAt(layers, view, offset).equals(body)).toBe(true)
      expect(offsetsOf(view, hash).failure).toBeUndefined()
      expect(layers.disk.openHandles().length).toBeLessThanOrEqual(2)
    }
    await clock.advance(2_000)
    expect([layers.disk.openHandles(), space.pool.openCount]).toEqual([[], 0])
    bodyAt(layers, view, record(2, 0).offset)
    space.close()
    space.close()
    await layers.retirer.drained()
    expect([layers.disk.openHandles(), layers.cache.blockCount, clock.sleeperCount]).toEqual([[], 0, 0])
  })
})
