import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadXxh64, xxh64 } from '../../base/index.ts'
import { FaultFileSystem, flipBit, MemoryFileSystem, truncateTo, zeroRange } from '../../testing/index.ts'
import { decodeControl, encodeControl } from './control-codec.ts'
import { readControl, replaceControl } from './control-file.ts'
import { type ControlState, type ControlVolume, firstControl } from './control-state.ts'

beforeAll(loadXxh64)

const storeId = '000102030405060708090a0b0c0d0e0f'
const first = firstControl({ storeId, chunk: { number: 1, base: 0 } })
const full: ControlState = {
  ...{
    ...first,
    format: 2,
    sequence: 9,
    writerTerm: 3,
    fileCounter: 20,
    epoch: 2,
    lower: '/mnt/ältere Schichten',
  },
  ...{ retire: 8192, retireTime: 1_700_000_000_000 },
  chunks: [
    { number: 11, base: 8192, length: 5000 },
    { number: 12, base: 16_384, length: null },
  ],
  segments: [
    { number: 13, low: 120, high: 4000, bytes: 900, objects: 7 },
    { number: 14, low: 64, high: 8000, bytes: 300, objects: 1 },
  ],
  checkpoint: { number: 15, position: 8192 },
  volumes: [
    { id: 1, low: 0, high: 4096, manifest: 2, checksum: '0123456789abcdef', bytes: 9, filters: [5, 6] },
  ],
  target: { hash: 'ab'.repeat(32), offset: 7000 },
}

/** A file whose two copies hold this text as their payload, under right checksums. */
function fileWith(payload: string, sequence = 1): Buffer {
  const text = Buffer.from(payload, 'utf8')
  const copy = Buffer.alloc(32 + text.length)
  copy.write('VCTL')
  copy.writeUInt32LE(text.length, 4)
  copy.writeUInt32LE(sequence, 8)
  copy.writeUInt32LE(1, 16)
  text.copy(copy, 32)
  const checked = Buffer.concat([copy.subarray(0, 24), text])
  copy.writeBigUInt64LE(xxh64(checked, 0, checked.length, 0), 24)
  return Buffer.concat([copy, Buffer.alloc(4096 - (copy.length % 4096)), copy])
}

function payloadWith(change: object, base: ControlState = first): string {
  return JSON.stringify({ ...base, ...change })
}

describe('the codec', () => {
  it('brings back every field', () => {
    for (const state of [first, full]) {
      expect(decodeControl(encodeControl(state))).toEqual({ state, wholeCopies: 2 })
      expect(JSON.stringify(decodeControl(encodeControl(state)).state)).toBe(JSON.stringify(state))
    }
  })

  it('puts the copies at multiples of 4 KiB, whatever their length', () => {
    for (const count of [1, 60, 100, 2000]) {
      const chunks = Array.from({ length: count }, (_, i) => ({
        number: i + 1,
        base: i * 4096,
        length: i + 1 === count ? null : 100,
      }))
      const state = { ...first, fileCounter: count, chunks }
      const bytes = encodeControl(state)
      const second = bytes.lastIndexOf('VCTL')
      expect(second % 4096).toBe(0)
      expect(bytes.subarray(0, bytes.length - second)).toEqual(bytes.subarray(second))
      expect(decodeControl(bytes).state).toEqual(state)
    }
  })

  it('does not depend on the order in which a caller wrote the fields', () => {
    const reversed = Object.fromEntries(Object.entries(full).reverse()) as unknown as ControlState
    expect(encodeControl(reversed)).toEqual(encodeControl(full))
  })

  it('survives any single flipped bit', () => {
    const bytes = encodeControl(full)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      // Between the copies there is nothing to read.
      if (bit > 1000 * 8 && bit < 4090 * 8 && bit % 64 !== 0) continue
      const { state } = decodeControl(flipBit(bit)(Buffer.from(bytes)))
      expect(state.sequence).toBe(9)
    }
  })

  it('reads one whole copy wherever it is, and none out of less', () => {
    const bytes = encodeControl(full)
    expect(decodeControl(zeroRange(0, 4096)(Buffer.from(bytes)))).toEqual({ state: full, wholeCopies: 1 })
    expect(decodeControl(bytes.subarray(0, 4096))).toEqual({ state: full, wholeCopies: 1 })
    const copyLength = bytes.length - 4096
    for (let length = 0; length < copyLength; length++) {
      expect(() => decodeControl(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'CORRUPT' }),
      )
    }
  })

  it('takes the newer of two copies', () => {
    const old = encodeControl({ ...full, sequence: 8 })
    const mixed = Buffer.concat([old.subarray(0, 4096), encodeControl(full).subarray(4096)])
    expect(decodeControl(mixed)).toEqual({ state: full, wholeCopies: 1 })
  })

  it('never throws anything but its errors, nor accepts, garbage', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 5000 }), (payload, garbage) => {
        for (const bytes of [fileWith(payload), Buffer.from(garbage)]) {
          expect(() => decodeControl(bytes)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
        }
      }),
    )
  })

  it('says which format it does not know, whatever else that says', () => {
    expect(() => decodeControl(fileWith('{"format":3,"news":true}'))).toThrow(
      expect.objectContaining({ code: 'NEWER_FORMAT', details: { found: 3, supported: 2 } }),
    )
  })

  it.each([
    ['another order', `{"storeId":"${storeId}",${payloadWith({}).slice(1)}`],
    ['a space', payloadWith({}).replace(':', ': ')],
    ['an exponent', payloadWith({}).replace('"epoch":0', '"epoch":0e0')],
    ['an unknown field', payloadWith({ extra: 1 })],
    ['a missing field', payloadWith({ epoch: undefined })],
    ['a field of its prototype', payloadWith({ epoch: undefined }).replace('{', '{"__proto__":{"epoch":0},')],
    ['a text for a number', payloadWith({ epoch: '0' })],
    ['a negative number', payloadWith({ retireTime: -1 })],
    ['a fraction', payloadWith({ retireTime: 0.5 })],
    ['2^53', payloadWith({ retireTime: 2 ** 53 })],
    ['upper-case digits', payloadWith({ storeId: storeId.toUpperCase() })],
    ['a short id', payloadWith({ storeId: '00' })],
    ['another hash', payloadWith({ hashAlgorithm: 'md5' })],
    ['format 0', payloadWith({ format: 0 })],
    ['another sequence than its header', payloadWith({ sequence: 2 })],
    ['another term than its header', payloadWith({ writerTerm: 2 })],
    ['a lower layer in format 1', payloadWith({ lower: '/mnt' })],
    ['format 2 without a lower layer', payloadWith({ format: 2 })],
    ['no chunk', payloadWith({ chunks: [] })],
    ['a list for an object', payloadWith({ chunks: [[]] })],
    ['a sealed last chunk', payloadWith({ chunks: [{ number: 1, base: 0, length: 64 }] })],
    ['a base between', payloadWith({ chunks: [{ number: 1, base: 8, length: null }] })],
    ['a number over the counter', payloadWith({ fileCounter: 0 })],
    ['null where a list is', payloadWith({ segments: null })],
    ['an object for a list', payloadWith({ segments: {} })],
    ['a checkpoint over the counter', payloadWith({ checkpoint: { number: 9, position: 0 } })],
    ['an array', '[]'],
    ['null', 'null'],
    ['nothing', ''],
  ])('refuses %s', (_, payload) => {
    expect(() => decodeControl(fileWith(payload))).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })

  it('refuses to write what it would refuse to read', () => {
    const open = { number: 12, base: 16_384, length: null }
    const wrong: Partial<ControlState>[] = [
      { chunks: [{ number: 11, base: 8192, length: null }, open] },
      { chunks: [{ number: 11, base: 8192, length: 9000 }, open] },
      { chunks: [{ number: 11, base: 8192, length: 63 }, open] },
      { chunks: [{ number: 12, base: 8192, length: 64 }, open] },
      { chunks: [{ number: 11, base: 4096, length: 64 }, open] },
      { segments: [{ number: 13, low: 120, high: 9000, bytes: 900, objects: 7 }] },
      { segments: [{ number: 13, low: 120, high: 120, bytes: 900, objects: 7 }] },
      { segments: [{ number: 13, low: 121, high: 4000, bytes: 900, objects: 7 }] },
      { segments: [{ number: 11, low: 120, high: 4000, bytes: 900, objects: 7 }] },
      { volumes: [{ ...(full.volumes[0] as ControlVolume), manifest: 0 }] },
      { volumes: [{ ...(full.volumes[0] as ControlVolume), manifest: 2 ** 32 }] },
      { volumes: [{ ...(full.volumes[0] as ControlVolume), id: 0 }] },
      { volumes: [{ ...(full.volumes[0] as ControlVolume), id: 2 ** 19 }] },
      { volumes: [{ ...(full.volumes[0] as ControlVolume), low: 8000 }] },
      { volumes: [{ ...(full.volumes[0] as ControlVolume), high: 8200 }] },
      { volumes: [{ ...(full.volumes[0] as ControlVolume), filters: [21] }] },
      { volumes: [full.volumes[0] as ControlVolume, full.volumes[0] as ControlVolume] },
      { format: 1 },
      { format: 3 },
      { fileCounter: 2 ** 32 },
      { sequence: 0 },
    ]
    for (const change of wrong)
      expect(() => encodeControl({ ...full, ...change }), JSON.stringify(change)).toThrow()
  })
})

describe('the file', () => {
  it('is replaced in one step, whatever a crash leaves of it', async () => {
    const fs = new MemoryFileSystem()
    await fs.mkdir('/s')
    await fs.syncFolder('/')
    await replaceControl(fs, '/s', first)
    const next = { ...first, sequence: 2 }
    const images: MemoryFileSystem[] = []
    const record = (): boolean => {
      for (const { fileSystem } of fs.crashImages(64)) images.push(fileSystem)
      return false
    }
    const watched = new FaultFileSystem(fs, [{ fault: { kind: 'lie' }, when: record }])
    await replaceControl(watched, '/s', next)
    expect(images.length).toBeGreaterThan(10)
    const seen = new Set<number>()
    for (const image of images) seen.add((await readControl(image, '/s')).state.sequence)
    expect([...seen].sort()).toEqual([1, 2])
    expect((await readControl(fs.crashImage({ keep: 'none' }), '/s')).state).toEqual(next)
  })

  it('is told apart: no folder, no store, a store being made, a store that lost it', async () => {
    const fs = new MemoryFileSystem()
    const noStore = { code: 'NO_STORE', details: { path: '/s' } }
    await expect(readControl(fs, '/s')).rejects.toMatchObject(noStore)
    await fs.mkdir('/s')
    await expect(readControl(fs, '/s')).rejects.toMatchObject(noStore)
    const make = async (name: string, size: number): Promise<void> => {
      const handle = await fs.open(`/s/${name}`, 'create')
      handle.writeSync(Buffer.alloc(size + 1), 0, size + 1, 0)
      await handle.truncate(size)
      await handle.close()
    }
    await make('README', 100)
    await make('control.tmp', 100)
    await make('suffix-1.pack', 64)
    await expect(readControl(fs, '/s')).rejects.toMatchObject(noStore)
    await expect(readControl(fs, '/s/README')).rejects.toMatchObject({ code: 'NO_STORE' })
    await make('suffix-2.pack', 65)
    await expect(readControl(fs, '/s')).rejects.toMatchObject({
      code: 'CORRUPT',
      details: { file: 'control' },
    })
    await fs.remove('/s/suffix-2.pack')
    await make('gen-3.pack', 0)
    await expect(readControl(fs, '/s')).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  it('is corrupt when it is empty', async () => {
    const fs = new MemoryFileSystem()
    await fs.mkdir('/s')
    await replaceControl(fs, '/s', first)
    fs.damage('/s/control', truncateTo(0))
    await expect(readControl(fs, '/s')).rejects.toMatchObject({ code: 'CORRUPT', details: { offset: 0 } })
  })

  it('passes on what the file system says', async () => {
    const fs = new FaultFileSystem(new MemoryFileSystem(), [
      { fault: { kind: 'error', code: 'EACCES' }, kinds: ['readFile'] },
    ])
    await expect(readControl(fs, '/s')).rejects.toMatchObject({ code: 'EACCES' })
  })
})
