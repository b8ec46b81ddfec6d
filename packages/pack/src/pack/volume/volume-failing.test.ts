import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import type { LazyDirectory } from '../../fs/index.ts'
import { indexKind } from '../../objects/index.ts'
import { flipBit, truncateTo } from '../../testing/index.ts'
import type { TestRecord } from '../testing/packed-records.ts'
import { HandlePool } from './handle-pool.ts'
import { encodeManifest } from './manifest.ts'
import { departures } from './testing/departures.ts'
import {
  bodyIn,
  lowerDirectory,
  openVolume,
  smallVolume,
  smallVolumeChunks,
  smallVolumeFolder,
} from './testing/small-volume.ts'
import { codeOf, lowerFolder, TestLayers, type TestVolume } from './testing/test-layers.ts'
import { Volume } from './volume.ts'

beforeAll(loadXxh64)

const folder = smallVolumeFolder
let layers: TestLayers
let second: TestVolume
let pool: HandlePool

beforeEach(async () => {
  const made = await smallVolume()
  layers = made.layers
  second = made.second
  pool = new HandlePool({ directory: lowerDirectory(layers.faults) })
})

function open(): Volume {
  return openVolume(layers, pool, second)
}

function records(number: number): readonly TestRecord[] {
  return layers.records.get(number) as readonly TestRecord[]
}

const unavailable = expect.objectContaining({
  ...{ code: 'LOWER_UNAVAILABLE', details: { path: lowerFolder } },
})

/** Every kind of call that reads a file of the volume. */
const calls: readonly [string, (volume: Volume) => unknown][] = [
  ['to read its manifest', (volume) => volume.assertThere()],
  ['to open a segment', (volume) => volume.segments().map(({ info }) => info)],
  ['to find an offset in a segment', (volume) => bodyIn(volume, records(3)[1] as TestRecord)],
  ['to read from a chunk', (volume) => bodyIn(volume, records(2)[1] as TestRecord)],
  [
    'to read from a chunk and wait',
    async (volume) => {
      const bytes = Buffer.alloc(64)
      await volume.chunks[0]?.file.handle.read(bytes, 0, 64, 0)
      return bytes
    },
  ],
  ['to ask for the size of a chunk', (volume) => volume.chunks[0]?.file.handle.sizeSync()],
  [
    'to look a hash up',
    (volume) => volume.index(2).candidates(indexKind.blob, (records(2)[3] as TestRecord).hash),
  ],
  ['to prove an index', (volume) => volume.index(1).verify()],
  ['to grow', (volume) => [volume.grow(second.named), volume.manifest]],
]

describe.each(departures)('while %s', (_, leave) => {
  it('a volume cannot be opened, and can be when it is back', async () => {
    const back = await leave(layers.disk)
    expect(() => open()).toThrow(unavailable)
    await back()
    open().close()
  })

  it.each(calls)(
    'an open volume says so to whoever asks %s, and answers when it is back',
    async (__, call) => {
      const volume = open()
      const expected = await call(open())
      pool.close()
      const back = await leave(layers.disk)
      await expect((async () => call(volume))()).rejects.toEqual(unavailable)
      await expect((async () => call(volume))(), 'again').rejects.toEqual(unavailable)
      expect(layers.disk.openHandles()).toEqual([])
      await back()
      expect(await call(volume)).toEqual(expected)
      volume.close()
    },
  )
})

describe('a volume whose files were opened before', () => {
  it("gives nothing of another copy's files, nor says that something is absent", async () => {
    const volume = open()
    for (const number of [1, 2, 3]) volume.index(number)
    volume.segments()
    for (const record of records(2)) bodyIn(volume, record)
    // A copy of this store that went its own way: the same id, numbers, lengths, and so the same manifest.
    await layers.disk.rename(lowerFolder, '/x')
    pool.close()
    const { second: twin } = await smallVolume({ disk: layers.disk, seed: 2 })
    expect(twin.named.checksum).toBe(second.named.checksum)
    for (const record of records(2)) expect(codeOf(() => bodyIn(volume, record))).toBe('CORRUPT')
    for (const record of records(2)) {
      const look = (): unknown => volume.index(2).candidates(indexKind.blob, record.hash)
      expect(codeOf(look)).toBe('CORRUPT')
    }
    volume.close()
  })
})

describe('an older copy of a volume', () => {
  it('serves the files that it has to whoever knows them, and nobody else', async () => {
    const volume = open()
    await layers.disk.rename(lowerFolder, '/x')
    const old = await TestLayers.create({ disk: layers.disk })
    await old.write(1, { chunks: smallVolumeChunks.slice(0, 1) })
    const at = (number: number, i: number): TestRecord => records(number)[i] as TestRecord
    expect(bodyIn(volume, at(1, 3)).equals(at(1, 3).body)).toBe(true)
    expect(() => bodyIn(volume, at(2, 0))).toThrow(unavailable)
    expect(() => volume.index(2)).toThrow(unavailable)
    expect(() => open()).toThrow(unavailable)
    volume.close()
  })
})

describe('a manifest', () => {
  it('is CORRUPT when no copy of it is whole, and read when one is', () => {
    const path = `${folder}/manifest-2`
    layers.disk.damage(path, flipBit(35 * 8))
    open().close()
    layers.disk.damage(path, flipBit((4096 + 35) * 8))
    const corrupt = { code: 'CORRUPT', details: { file: 'volume-1/manifest-2', offset: 0 } }
    expect(() => open()).toThrow(expect.objectContaining(corrupt))
    layers.disk.damage(path, truncateTo(0))
    expect(() => open()).toThrow(expect.objectContaining(corrupt))
    expect(layers.disk.openHandles()).toEqual([])
  })

  it.each([
    ['of a higher sequence than control says', { sequence: 3 }],
    ['of an older sequence', { sequence: 1 }],
    ['of another volume', { id: 2 }],
    ['of another store', { storeId: 'ab'.repeat(16) }],
    ['that lists something else', { segments: [] }],
  ])('is LOWER_UNAVAILABLE when it is one %s', (_, change) => {
    const bytes = encodeManifest({ ...second.manifest, ...change })
    layers.disk.damage(`${folder}/manifest-2`, () => bytes)
    expect(() => open()).toThrow(unavailable)
  })

  it.each(['EIO', 'EACCES', 'EMFILE'] as const)('is LOWER_UNAVAILABLE on %s', (code) => {
    for (const kind of ['open', 'size', 'read'] as const) {
      layers.faults.setPlan([{ fault: { kind: 'error', code }, kinds: [kind], path: 'manifest-2' }])
      expect(() => open()).toThrow(unavailable)
      expect(layers.faults.struck).toHaveLength(1)
    }
    layers.faults.setPlan([])
    open().close()
    expect(layers.disk.openHandles()).toEqual([])
  })

  it('is not read when it is larger than any', () => {
    const huge = { sizeSync: () => 2 ** 40, readSync: () => expect.fail('read'), closeSync: () => undefined }
    const directory = { path: lowerFolder, openSync: () => huge } as unknown as LazyDirectory
    const { storeId, cache, retirer } = layers
    const parts = { directory, pool, storeId, cache, retirer }
    expect(codeOf(() => new Volume(parts, second.named))).toBe('CORRUPT')
  })
})

describe('a file of a volume that is there', () => {
  const files: readonly [string, (volume: Volume) => unknown][] = [
    ['suffix-2.pack', (volume) => bodyIn(volume, records(2)[0] as TestRecord)],
    ['suffix-2.idx', (volume) => volume.index(2)],
    ['gen-3.pack', (volume) => volume.segments()],
    ['gen-3.map', (volume) => volume.segments()],
    ['gen-3.idx', (volume) => volume.index(3)],
  ]

  it.each(files)(
    'is CORRUPT when %s is missing, empty, or unreadable, by its name in the lower layer',
    async (name, call) => {
      const corrupt = expect.objectContaining({
        ...{ code: 'CORRUPT', details: expect.objectContaining({ file: `volume-1/${name}` }) },
      })
      const path = `${folder}/${name}`
      const volume = open()
      await layers.disk.rename(path, '/aside')
      expect(() => call(volume)).toThrow(corrupt)
      await (await layers.disk.open(path, 'create')).close()
      expect(() => call(volume)).toThrow(corrupt)
      await layers.disk.rename('/aside', path)
      for (const kind of ['open', 'read'] as const) {
        const fault = { kind: 'error', code: 'EIO' } as const
        layers.faults.setPlan([{ fault, kinds: [kind], path: name, times: 'always' }])
        expect(() => call(volume)).toThrow(corrupt)
      }
      layers.faults.setPlan([])
      expect(codeOf(() => call(volume))).toBeUndefined()
      volume.close()
      await layers.retirer.drained()
      expect([layers.disk.openHandles(), layers.cache.blockCount]).toEqual([[], 0])
    },
  )

  it.each(files)('is CORRUPT when %s is another file of the store', (name, call) => {
    const at = name.endsWith('.pack') ? 32 : 16
    for (const bit of [0, 12 * 8, at * 8]) {
      layers.disk.damage(`${folder}/${name}`, flipBit(bit))
      const volume = open()
      const failure = codeOf(() => call(volume))
      expect(failure).toBe('CORRUPT')
      volume.close()
      layers.disk.damage(`${folder}/${name}`, flipBit(bit))
    }
  })

  it('never gives wrong bytes or a wrong absence, whichever byte of an index is flipped', () => {
    const record = records(2)[0] as TestRecord
    const size = layers.disk.files().get(`${folder}/suffix-2.idx`)?.length as number
    let refused = 0
    for (let byte = 0; byte < size; byte += byte < 300 ? 1 : 13) {
      const flip = flipBit(byte * 8 + (byte % 8))
      layers.disk.damage(`${folder}/suffix-2.idx`, flip)
      const volume = open()
      try {
        expect(volume.index(2).candidates(indexKind.blob, record.hash)).toContain(record.offset)
      } catch (error) {
        if (!VarveError.is(error)) throw error
        refused++
      }
      volume.close()
      layers.disk.damage(`${folder}/suffix-2.idx`, flip)
    }
    expect(refused).toBeGreaterThan(200)
  })
})
