import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { MemoryFileSystem, SeededRandom } from '../../testing/index.ts'
import { blockBytes, blockCost } from './block.ts'
import { BlockCache } from './block-cache.ts'
import { fileKey } from './file-key.ts'
import { FileRetirer } from './file-retirer.ts'
import { writeNewFile } from './new-file.ts'
import { PackFile } from './pack-file.ts'

beforeAll(loadXxh64)

const fs = new MemoryFileSystem()
const retirer = new FileRetirer(fs, (_, error) => {
  throw error
})

async function fileOf(content: Buffer, o: { number: number; cache: BlockCache; growsFrom?: number }) {
  await fs.mkdir('/s')
  const name = `f-${o.number}-${Math.floor(content.length)}-${counter++}`
  await writeNewFile(fs, `/s/${name}`, [content])
  const { number, cache, growsFrom } = o
  const grows = growsFrom === undefined ? {} : { growsFrom }
  const file = await PackFile.open(fs, { folder: '/s', name, number, kind: 'pack', cache, retirer, ...grows })
  return { file, name }
}
let counter = 0

const random = new SeededRandom(7)

describe('BlockCache', () => {
  test('gives every byte of a file, whatever the order of reads, within its bound', async () => {
    const content = random.bytes(blockBytes * 40 + 1000)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(40), { maxLength: 200 }),
        fc.integer({ min: 0, max: 40 }),
        async (reads, blocks) => {
          const cache = new BlockCache({ bytesMax: blocks * blockCost(blockBytes) })
          const { file } = await fileOf(content, { number: 1, cache })
          for (const index of reads) {
            const block = cache.block(file, index, 1)
            const expected = content.subarray(index * blockBytes, (index + 1) * blockBytes)
            expect(block.validTo).toBe(expected.length)
            expect(block.buf.subarray(0, block.validTo).equals(expected)).toBe(true)
            expect(cache.bytes).toBeLessThanOrEqual(cache.bytesMax)
          }
          file.release()
          expect(cache.bytes).toBe(0)
          expect(cache.blockCount).toBe(0)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('a block that is read again outlives a scan', async () => {
    const cache = new BlockCache({ bytesMax: 10 * blockCost(blockBytes) })
    const { file } = await fileOf(random.bytes(blockBytes * 60), { number: 1, cache })
    const hot = cache.block(file, 0, 1)
    for (let index = 1; index < 60; index++) {
      cache.block(file, index, 1)
      expect(cache.block(file, 0, 1)).toBe(hot)
    }
  })

  test('gives memory back at once when its bound is lowered, and takes it again', async () => {
    const cache = new BlockCache({ bytesMax: 40 * blockCost(blockBytes) })
    const { file } = await fileOf(random.bytes(blockBytes * 60), { number: 1, cache })
    const fill = () => {
      for (let index = 0; index < 60; index++) cache.block(file, index, 1)
      return cache.blockCount
    }
    const before = fill()
    cache.resize(20 * blockCost(blockBytes))
    expect(cache.bytes).toBeLessThanOrEqual(20 * blockCost(blockBytes))
    expect(fill()).toBeLessThanOrEqual(20)
    cache.resize(-1)
    expect(fill()).toBeGreaterThan(0)
    cache.resize(40 * blockCost(blockBytes))
    expect(fill()).toBe(before)
  })

  test('pinned blocks stay, above the bound too, and go when they are unpinned', async () => {
    const cache = new BlockCache({ bytesMax: 0 })
    const { file } = await fileOf(random.bytes(blockBytes * 60), { number: 3, cache, growsFrom: 0 })
    const pinned = Array.from({ length: 30 }, (_, i) => cache.adopt(3, i))
    for (const block of pinned) block.validTo = blockBytes
    expect(cache.bytes).toBeGreaterThan(cache.bytesMax)
    for (const [i, block] of pinned.entries()) expect(cache.block(file, i, blockBytes)).toBe(block)
    for (const block of pinned) cache.unpin(block)
    file.grow(blockBytes * 60)
    for (let i = 40; i < 60; i++) cache.block(file, i, 1)
    expect(cache.bytes).toBeLessThanOrEqual(cache.bytesMax)
    expect(() => cache.unpin(pinned[0] as never)).toThrow('pinned')
  })

  test('two users pin one block; bytes appended to it are read at once', async () => {
    const cache = new BlockCache({ bytesMax: 1 << 20 })
    const { file } = await fileOf(Buffer.alloc(0), { number: 4, cache, growsFrom: 0 })
    const block = cache.adopt(4, 0)
    expect(block.validTo).toBe(0)
    expect(cache.adopt(4, 0)).toBe(block)
    block.buf.write('varve')
    block.validTo = 5
    file.grow(5)
    expect(cache.block(file, 0, 5).buf.toString('latin1', 0, 5)).toBe('varve')
    cache.unpin(block)
    cache.unpin(block)
    expect(block.pins).toBe(0)
  })

  test('what the log writes and nobody reads does not fill the cache, nor take new memory', () => {
    const cache = new BlockCache({ bytesMax: 64 << 20 })
    const memory = new Set<ArrayBufferLike>()
    for (let index = 0; index < 600; index += 20) {
      const filled = Array.from({ length: 20 }, (_, i) => cache.adopt(8, index + i))
      for (const block of filled) {
        expect(block.validTo).toBe(0)
        expect(block.buf.subarray(block.size).every((byte) => byte === 0)).toBe(true)
        memory.add(block.buf.buffer)
        block.markVerified(64)
        block.validTo = blockBytes
      }
      for (const block of filled) cache.unpin(block)
    }
    expect(cache.blockCount).toBeLessThan(100)
    expect(memory.size).toBeLessThan(100)
    cache.forget(fileKey(8, 'pack'))
    expect([cache.blockCount, cache.bytes]).toEqual([0, 0])
  })

  test('a view into a block that was read never changes, however much is filled after it', async () => {
    const filling = fc.record({ count: fc.integer({ min: 1, max: 90 }), reads: fc.array(fc.nat(400)) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(filling, { minLength: 3, maxLength: 8 }),
        fc.constantFrom(0, 40, 1000),
        async (fillings, blocks) => {
          const cache = new BlockCache({ bytesMax: blocks * blockCost(blockBytes) })
          const { file } = await fileOf(Buffer.alloc(0), { number: 9, cache, growsFrom: 0 })
          const views: { readonly view: Buffer; readonly index: number }[] = []
          let end = 0
          for (const { count, reads } of fillings) {
            const filled = Array.from({ length: count }, (_, i) => cache.adopt(9, end + i))
            for (const [i, block] of filled.entries()) {
              block.buf.fill((end + i) % 251)
              block.validTo = blockBytes
            }
            end += count
            for (const index of reads) {
              if (index >= end) continue
              const block = cache.peek(file, index, blockBytes)
              if (block !== undefined) views.push({ view: block.buf.subarray(100, 116), index })
            }
            for (const block of filled) cache.unpin(block)
          }
          for (const { view, index } of views) expect(view.every((byte) => byte === index % 251)).toBe(true)
          file.release()
        },
      ),
      { numRuns: 60 },
    )
  })

  test('blocks that are adopted once more share no memory afterwards', async () => {
    const cache = new BlockCache({ bytesMax: 64 << 20 })
    const { file } = await fileOf(Buffer.alloc(0), { number: 12, cache, growsFrom: 0 })
    for (let start = 0; start < 300; start += 100) {
      const filled = Array.from({ length: 100 }, (_, i) => cache.adopt(12, start + i))
      for (const block of filled) {
        block.buf.writeUInt32LE(block.index)
        block.validTo = blockBytes
        cache.unpin(block)
      }
      // As a log does that is opened again.
      for (const block of filled) cache.unpin(cache.adopt(12, block.index))
    }
    const kept = Array.from({ length: 300 }, (_, index) => cache.peek(file, index, blockBytes))
    for (const [index, block] of kept.entries()) {
      if (block !== undefined) expect(block.buf.readUInt32LE()).toBe(index)
    }
    expect(kept.filter((block) => block !== undefined).length).toBeGreaterThan(100)
  })

  test('the last block of a growing file is read on, never past its end', async () => {
    const cache = new BlockCache({ bytesMax: 1 << 20 })
    const content = random.bytes(blockBytes + 5000)
    const { file } = await fileOf(content, { number: 5, cache, growsFrom: blockBytes + 100 })
    const before = cache.block(file, 1, 100)
    expect(before.validTo).toBe(100)
    before.markVerified(64)
    expect(cache.block(file, 1, 200).validTo).toBe(100)
    file.grow(blockBytes + 3000)
    const after = cache.block(file, 1, 200)
    expect(after.validTo).toBe(3000)
    expect(after.isVerified(64)).toBe(true)
    expect(after.buf.subarray(0, 3000).equals(content.subarray(blockBytes, blockBytes + 3000))).toBe(true)
  })

  test('a short last block is widened for the one who appends to it', async () => {
    const cache = new BlockCache({ bytesMax: 1 << 20 })
    const content = random.bytes(1000)
    const { file } = await fileOf(content, { number: 6, cache })
    const short = cache.block(file, 0, 1000)
    expect(short.size).toBe(1000)
    short.markVerified(8)
    const wide = cache.adopt(6, 0)
    expect([wide.size, wide.validTo, wide.isVerified(8), wide.isVerified(16)]).toEqual([
      blockBytes,
      1000,
      true,
      false,
    ])
    expect(wide.buf.subarray(0, 1000).equals(content)).toBe(true)
    expect(cache.blockCount).toBe(1)
  })

  test('a range is loaded ahead', async () => {
    const cache = new BlockCache({ bytesMax: 4 << 20 })
    const content = random.bytes(blockBytes * 12 + 77)
    const { file } = await fileOf(content, { number: 7, cache })
    const kept = cache.block(file, 3, 1)
    await Promise.all([
      cache.preload(file, { start: 70_000, end: blockBytes * 20 }),
      cache.preload(file, { start: 0, end: blockBytes * 5 }),
    ])
    expect(cache.blockCount).toBe(13)
    expect(cache.block(file, 3, 1)).toBe(kept)
    for (let i = 0; i <= 12; i++) {
      const block = cache.peek(file, i, 1)
      expect(
        block?.buf.subarray(0, block.size).equals(content.subarray(i * blockBytes, (i + 1) * blockBytes)),
      ).toBe(true)
    }
    expect(cache.peek(file, 13, 1)).toBeUndefined()
  })

  test('pack, map, and index of one number do not mix', () => {
    const keys = new Set([0, 1, 2].flatMap((n) => [fileKey(n, 'pack'), fileKey(n, 'map'), fileKey(n, 'idx')]))
    expect(keys.size).toBe(9)
  })
})

describe('PackFile', () => {
  test('the last user closes it, and unlinks it if it was retired', async () => {
    const cache = new BlockCache({ bytesMax: 1 << 20 })
    const kept = await fileOf(random.bytes(10), { number: 10, cache })
    const gone = await fileOf(random.bytes(10), { number: 11, cache })
    for (const { file } of [kept, gone]) file.acquire()
    gone.file.retire()
    for (const { file } of [kept, gone]) file.release()
    await retirer.drained()
    expect(await fs.list('/s')).toEqual(expect.arrayContaining([kept.name, gone.name]))
    expect(cache.block(gone.file, 0, 10).validTo).toBe(10)
    for (const { file } of [kept, gone]) file.release()
    await retirer.drained()
    expect(await fs.list('/s')).toContain(kept.name)
    expect(await fs.list('/s')).not.toContain(gone.name)
    expect(() => kept.file.release()).toThrow('released once')
    expect(() => kept.file.acquire()).toThrow('closed file')
  })

  test('what cannot be unlinked is told, and the next file is still done', async () => {
    const errors: string[] = []
    const telling = new FileRetirer(fs, (path) => errors.push(path))
    const cache = new BlockCache({ bytesMax: 1 << 20 })
    const names = ['lost', 'found']
    for (const name of names) await writeNewFile(fs, `/s/${name}`, [Buffer.alloc(10)])
    const files = await Promise.all(
      names.map((name, number) =>
        PackFile.open(fs, { folder: '/s', name, number, kind: 'pack', cache, retirer: telling }),
      ),
    )
    await fs.remove('/s/lost')
    for (const file of files) {
      file.retire()
      file.release()
    }
    await telling.drained()
    expect(errors).toEqual(['/s/lost'])
    expect(await fs.list('/s')).not.toContain('found')
  })
})
