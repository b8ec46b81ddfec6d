import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadXxh64, xxh64 } from '../../base/index.ts'
import { magic } from '../../layout/index.ts'
import { recordKind, sha256 } from '../../objects/index.ts'
import { MemoryFileSystem, truncateTo } from '../../testing/index.ts'
import { BatchFrame } from './batch-frame.ts'
import { createChunkFile, openChunkFile } from './chunk-file.ts'
import { nextBase } from './chunk-tail.ts'
import { decodePackHeader, encodePackHeader } from './pack-header.ts'
import { bodyBytesMax, parseRecordHeader, recordFlag, recordHeaderSize, recordSize } from './record.ts'
import { encodeRecord, readRecordHash, recordSumMatches, verifyRecord } from './record-codec.ts'

beforeAll(loadXxh64)

const header = { kind: 0, flags: 0, referenceCount: 0, bodyLength: 0 }
const nonce = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const storeId = Buffer.from('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'hex')

function record(offset: number, body: Buffer, kind: number = recordKind.blob): Buffer {
  const bytes = Buffer.alloc(recordSize(body.length), 0xee)
  encodeRecord(bytes, 0, offset, kind, 0, sha256(body, 0, body.length), 0, body, 0, body.length)
  return bytes
}

describe('a record', () => {
  it('has the bytes of the format', () => {
    expect(record(120, Buffer.from('hello')).toString('hex')).toMatchInlineSnapshot(
      `"9a27db78251ddd8701000000050000002cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b982468656c6c6f000000"`,
    )
    const meta = Buffer.alloc(64, 0xee)
    const offset = 2 ** 52
    const body = Buffer.from('0807060504030201', 'hex')
    expect(encodeRecord(meta, 8, offset, recordKind.meta, 0, undefined, 1, body, 0, 8)).toBe(56)
    expect(meta.toString('hex')).toMatchInlineSnapshot(
      `"eeeeeeeeeeeeeeee7c25b8bfde7b3727100001000800000000000000000000000000000000000000000000000000000000000000000000000807060504030201"`,
    )
  })

  it('comes back, from any place, with any body, and nowhere else', () => {
    const kinds = [1, 2, 3, 4, 5, 16, 17]
    const arbitrary = fc.record({
      body: fc.uint8Array({ maxLength: 300 }),
      slot: fc.integer({ min: 1, max: 2 ** 49 }),
      at: fc.integer({ min: 0, max: 5 }),
      kind: fc.constantFrom(...kinds),
      flags: fc.constantFrom(0, recordFlag.healed, recordFlag.bare, recordFlag.healed | recordFlag.bare),
      references: fc.nat(40),
    })
    fc.assert(
      fc.property(arbitrary, ({ body, slot, at, kind, flags, references }) => {
        const bytes = Buffer.from(body)
        const hash = sha256(bytes, 0, bytes.length)
        const count = Math.min(references, Math.floor(bytes.length / 8))
        const target = Buffer.alloc(500)
        const offset = slot * 8
        const size = encodeRecord(target, at, offset, kind, flags, hash, count, bytes, 0, bytes.length)
        expect(size).toBe(recordSize(bytes.length))
        expect(size % 8).toBe(0)
        expect(verifyRecord(target, at, size, offset, header)).toBe(size)
        expect(header).toEqual({ kind, flags, referenceCount: count, bodyLength: bytes.length })
        expect(readRecordHash(target, at)).toBe(hash)
        expect(verifyRecord(target, at, size, offset + 8, header)).toBe(0)
        expect(verifyRecord(target, at, size, offset + 4, header)).toBe(0)
      }),
    )
  })

  it('is refused when any of its bits is turned over, but for its padding', () => {
    const body = Buffer.from('thirteen byte')
    const bytes = record(64, body)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const at = bit >> 3
      bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7))
      const isPadding = at >= recordHeaderSize + body.length
      expect(verifyRecord(bytes, 0, bytes.length, 64, header) > 0, `bit ${bit}`).toBe(isPadding)
      bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7))
    }
  })

  it('is refused at every length but its own', () => {
    const bytes = record(64, Buffer.alloc(20, 1))
    for (let length = 0; length < bytes.length; length++) {
      expect(verifyRecord(bytes, 0, length, 64, header)).toBe(0)
    }
    expect(verifyRecord(bytes, 0, bytes.length + 100, 64, header)).toBe(bytes.length)
  })

  it('is not understood with a reserved kind or flag, or a body out of bounds', () => {
    const wrong: [at: number, value: number, bytes: 1 | 2 | 4][] = [
      ...[0, 6, 7, 15, 18, 33, 255].map((kind): [number, number, 1] => [8, kind, 1]),
      ...[2, 4, 16, 128].map((flags): [number, number, 1] => [9, flags, 1]),
      [10, 3, 2],
      [12, bodyBytesMax + 1, 4],
    ]
    for (const [at, value, length] of wrong) {
      const bytes = record(64, Buffer.alloc(16))
      bytes.writeUIntLE(value, at, length)
      expect(parseRecordHeader(bytes, 0, header)).toBe(false)
    }
    expect(verifyRecord(Buffer.alloc(4096), 0, 4096, 64, header)).toBe(0)
  })

  it('proves itself only at its own offset', () => {
    const bytes = record(4096, Buffer.alloc(3))
    expect(recordSumMatches(bytes, 0, 3, 4096)).toBe(true)
    expect(recordSumMatches(bytes, 0, 3, 8192)).toBe(false)
  })
})

describe('a batch', () => {
  const place = { start: 1024, first: 64 }
  const fields = { sequence: 3, time: 1_700_000_000_000, start: 1024, length: 72 + 56, syncedTo: 512 }

  function batch(): Buffer {
    const frame = new BatchFrame(nonce)
    const one = record(1080, Buffer.from('hello'))
    frame.begin()
    frame.addRecord(one, 0)
    const head = Buffer.from(frame.encodeHeader(fields))
    return Buffer.concat([head, one, frame.encodeTrailer()])
  }

  it('has the bytes of the format', () => {
    expect(batch().toString('hex')).toMatchInlineSnapshot(
      `"564241540100000003000000000000000068e5cf8b010000000400000000000080000000000000000002000000000000adbb8e3bdce6ebdf55e78d6a2128dcb801000000050000002cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b982468656c6c6f00000056454e44000000006a8ce9f13c4fc3dd"`,
    )
  })

  it('comes back', () => {
    const frame = new BatchFrame(nonce)
    const bytes = batch()
    expect(frame.decodeHeader(bytes, 0, place)).toEqual({ ...fields, recordCount: 1 })
    frame.beginWith(bytes, 0)
    frame.addRecord(bytes, 56)
    expect(frame.trailerMatches(bytes, 112)).toBe(true)
  })

  it('is refused in another place, another chunk, and with any bit of header or trailer turned over', () => {
    const bytes = batch()
    const frame = new BatchFrame(nonce)
    const other = new BatchFrame(storeId)
    expect(frame.decodeHeader(bytes, 0, { start: 1032, first: 64 })).toBeUndefined()
    expect(other.decodeHeader(bytes, 0, place)).toBeUndefined()
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const at = bit >> 3
      bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7))
      const isHeader = frame.decodeHeader(bytes, 0, place) !== undefined
      expect(isHeader, `bit ${bit}`).toBe(at >= 56)
      frame.beginWith(bytes, 0)
      frame.addRecord(bytes, 56)
      // The hash and the body of a record are the record's own to prove.
      expect(frame.trailerMatches(bytes, 112), `bit ${bit}`).toBe(at >= 72 && at < 112)
      bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7))
    }
  })

  it('is refused when a bug wrote it: out of order, out of bounds', () => {
    const wrong = [{ sequence: 0 }, { syncedTo: 56 }, { syncedTo: 1032 }, { length: 64 }, { length: 2 ** 24 }]
    for (const change of [...wrong, { length: 127 }]) {
      const frame = new BatchFrame(nonce)
      frame.begin()
      frame.addRecord(record(1080, Buffer.from('hello')), 0)
      const bytes = Buffer.from(frame.encodeHeader({ ...fields, ...change }))
      expect(frame.decodeHeader(bytes, 0, place), JSON.stringify(change)).toBeUndefined()
    }
  })
})

describe('the header of a pack file', () => {
  const fields = { number: 7, nonce, storeId, base: 4096 * 5 }
  const expected = { ...fields, file: 'suffix-7.pack', magic: magic.chunk }

  it('has the bytes of the format, and comes back', () => {
    const bytes = encodePackHeader(magic.chunk, fields)
    expect(bytes.toString('hex')).toMatchInlineSnapshot(
      `"5641525645504b310100000007000000000102030405060708090a0b0c0d0e0ff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff0050000000000000538a3055b33fee7f"`,
    )
    expect(decodePackHeader(bytes, expected)).toEqual(fields)
  })

  it('tells what is wrong with any other file', () => {
    const bytes = encodePackHeader(magic.chunk, fields)
    const other = encodePackHeader(magic.segment, fields)
    const code = (b: Buffer, change: Partial<typeof expected>): unknown => {
      try {
        return decodePackHeader(b, { ...expected, ...change })
      } catch (error) {
        return (error as { details: unknown }).details
      }
    }
    const file = expected.file
    expect(code(other, {})).toEqual({ file, offset: 0 })
    expect(code(bytes, { number: 8 })).toEqual({ file, offset: 12 })
    expect(code(bytes, { storeId: nonce })).toEqual({ file, offset: 32 })
    expect(code(bytes, { base: 0 })).toEqual({ file, offset: 48 })
    for (let length = 0; length < 64; length++) {
      expect(code(bytes.subarray(0, length), {})).toEqual({ file, offset: length })
    }
    for (let bit = 0; bit < 64 * 8; bit++) {
      const damaged = Buffer.from(bytes)
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(() => decodePackHeader(damaged, expected), `bit ${bit}`).toThrow(
        expect.objectContaining({ code: 'CORRUPT' }),
      )
    }
  })

  it('names a newer format by its number', () => {
    const bytes = encodePackHeader(magic.chunk, fields)
    bytes.writeUInt32LE(2, 8)
    bytes.writeBigUInt64LE(xxh64(bytes, 0, 56, 0), 56)
    expect(() => decodePackHeader(bytes, expected)).toThrow(
      expect.objectContaining({ code: 'NEWER_FORMAT', details: { found: 2, supported: 1 } }),
    )
  })
})

describe('a chunk file', () => {
  const fields = { number: 1, nonce, storeId, base: 0 }

  it('is opened as what control names, or not at all', async () => {
    const fs = new MemoryFileSystem()
    await fs.mkdir('/s')
    const open = (change: object = {}): ReturnType<typeof openChunkFile> =>
      openChunkFile(fs, '/s', { ...fields, ...change }, 'read')
    await expect(open()).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('missing'),
    })
    const handle = await createChunkFile(fs, '/s', fields)
    await handle.close()
    const opened = await open()
    expect([opened.header, opened.size]).toEqual([fields, 64])
    await opened.handle.close()
    await expect(open({ length: 72 })).rejects.toMatchObject({ details: { offset: 64 } })
    await expect(open({ base: 4096 })).rejects.toMatchObject({ code: 'CORRUPT' })
    fs.damage('/s/suffix-1.pack', truncateTo(0))
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPT', details: { offset: 0 } })
    expect(fs.openHandles()).toEqual([])
    await expect(createChunkFile(fs, '/s', fields)).rejects.toMatchObject({ code: 'EEXIST' })
  })

  it('is followed by one above all its bytes', () => {
    expect(nextBase({ base: 0, end: 64, fileSize: 64 })).toBe(4096)
    expect(nextBase({ base: 4096, end: 8192, fileSize: 4096 })).toBe(8192)
    expect(nextBase({ base: 4096, end: 4200, fileSize: 4097 })).toBe(4096 + 8192)
  })
})
