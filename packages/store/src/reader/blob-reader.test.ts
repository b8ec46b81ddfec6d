/** Content of blobs, in part and whole, with the file operations counted that it takes. */
import { VarveError } from '@varve/pack/errors'
import { type BlobRef, Chunker, ChunkListBuilder } from '@varve/pack/objects'
import {
  InterceptedFileSystem,
  type MemoryFileSystem,
  type Operation,
  SeededRandom,
} from '@varve/pack/testing'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { emptyDisk, MemoryRooms } from '../assembly/testing/memory-rooms.ts'

const size = 1_500_000
const content = new SeededRandom(11).bytes(size)
/** A chunk has at most this many bytes; a range touches at most one chunk more at each end. */
const chunkBytesMax = 256 * 1024

let disk: MemoryFileSystem
let store: MemoryRooms
let reads: Operation[]
let blob: BlobRef
let isOpen: boolean

/** A store with one large blob, opened again so that nothing of it is in memory. */
beforeEach(async () => {
  disk = await emptyDisk()
  const written = await MemoryRooms.open({ disk })
  const { hash } = written.rooms.writer.putBlob(content)
  await written.close()
  reads = []
  const through = new InterceptedFileSystem(disk, {
    before: (operation) => {
      if (operation.kind === 'read') reads.push(operation)
      return undefined
    },
  })
  store = await MemoryRooms.open({ disk, through, options: { cacheBytes: 0 } })
  isOpen = true
  blob = store.rooms.blobs.find(hash) as BlobRef
  reads.length = 0
})

afterEach(async () => {
  if (isOpen) await store.close()
})

async function read(from: number, to: number, signal?: AbortSignal): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of store.rooms.blobs.pieces(blob, { from, to, signal })) pieces.push(piece)
  return Buffer.concat(pieces)
}

function bytesRead(): number {
  return reads.reduce((sum, { length = 0 }) => sum + length, 0)
}

describe('a large blob', () => {
  test('is found with its size, and read whole at once and in turns', async () => {
    expect(blob.size).toBe(size)
    expect(Buffer.compare(store.rooms.blobs.bytes(blob), content)).toBe(0)
    expect(Buffer.compare(await store.rooms.blobs.bytesAsync(blob, undefined), content)).toBe(0)
    expect(store.rooms.blobs.openCount).toBe(0)
  })

  test('gives every range, empty ones too, in pieces that are copies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(size), fc.nat(size), async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        expect(Buffer.compare(await read(from, to), content.subarray(from, to))).toBe(0)
      }),
      {
        numRuns: 25,
        examples: [
          [0, 0],
          [size, size],
          [0, 1],
          [size - 1, size],
        ],
      },
    )
    const { value } = await store.rooms.blobs.pieces(blob, { from: 0, to: 9, signal: undefined }).next()
    value?.fill(0)
    expect(Buffer.compare(await read(0, 9), content.subarray(0, 9))).toBe(0)
  })

  test('reads for a range only the chunks that hold it', async () => {
    // The record of the blob itself is the only other thing that is needed.
    await read(700_000, 700_010)
    expect(bytesRead()).toBeGreaterThan(0)
    expect(bytesRead()).toBeLessThan(2 * chunkBytesMax)
    const ofOne = reads.length
    reads.length = 0
    await read(0, 0)
    expect(bytesRead()).toBeLessThan(chunkBytesMax)
    reads.length = 0
    await read(0, size)
    expect(bytesRead()).toBeGreaterThan(size - 2 * chunkBytesMax)
    expect(reads.length).toBeGreaterThan(4 * ofOne)
  })

  test('reads no chunk before it is asked for', async () => {
    const pieces = store.rooms.blobs.pieces(blob, { from: 0, to: size, signal: undefined })
    await pieces.next()
    expect(bytesRead()).toBeLessThan(2 * chunkBytesMax)
    expect(store.rooms.blobs.openCount).toBe(1)
    await pieces.return()
    expect(store.rooms.blobs.openCount).toBe(0)
  })
})

describe('a stream', () => {
  test('ends at its next turn when its signal does', async () => {
    const controller = new AbortController()
    const pieces = store.rooms.blobs.pieces(blob, { from: 0, to: size, signal: controller.signal })
    expect((await pieces.next()).done).toBe(false)
    controller.abort()
    await expect(pieces.next()).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(read(0, 9, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
    expect(store.rooms.blobs.openCount).toBe(0)
  })

  test('ends with STORE_CLOSED when the store does, and keeps no file open', async () => {
    const pieces = store.rooms.blobs.pieces(blob, { from: 0, to: size, signal: undefined })
    await pieces.next()
    await store.close()
    isOpen = false
    expect(disk.openHandles()).toEqual([])
    await expect(pieces.next()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
  })

  test('meets a damaged chunk as CORRUPT, and goes on where the same content is put again', async () => {
    const [name] = (await disk.list(store.rooms.folder)).filter((each) => /^suffix-\d+\.pack$/.test(each))
    // Opening may have left the place in the cache.
    await store.close()
    disk.damage(`${store.rooms.folder}/${name}`, (bytes) => {
      const at = bytes.indexOf(content.subarray(900_000, 900_032))
      bytes[at] = (bytes[at] as number) ^ 1
      return bytes
    })
    store = await MemoryRooms.open({ disk, options: { cacheBytes: 0 } })
    expect(Buffer.compare(await read(0, 500_000), content.subarray(0, 500_000))).toBe(0)
    const failure = await read(0, size).catch((error: unknown) => error)
    expect(VarveError.is(failure, 'CORRUPT') && failure.details.file).toBe(name)
    expect(store.rooms.blobs.openCount).toBe(0)
    // The blob's own record is whole, so the blob counts as there: its chunks are put one by one.
    const put = (chunk: Buffer): void => void store.rooms.writer.putChunk(chunk)
    const chunker = new Chunker()
    chunker.push(content, put)
    chunker.finish(put)
    expect(Buffer.compare(await read(0, size), content)).toBe(0)
    expect(Buffer.compare(store.rooms.blobs.bytes(blob), content)).toBe(0)
    expect(store.told('healed')).toHaveLength(1)
  })
})

describe('a small blob', () => {
  test('is one piece, a copy, and no piece where the range is empty', async () => {
    const { blobs, writer } = store.rooms
    blob = writer.putBlob(Buffer.from('a small one'))
    expect(String(await read(2, 7))).toBe('small')
    const { value } = await blobs.pieces(blob, { from: 0, to: 1, signal: undefined }).next()
    value?.fill(0)
    expect(String(await read(0, 11))).toBe('a small one')
    expect(await blobs.pieces(blob, { from: 3, to: 3, signal: undefined }).next()).toMatchObject({
      done: true,
    })
  })
})

test('a chunk that is not as long as its list says is CORRUPT', async () => {
  const { blobs, writer } = store.rooms
  const chunk = writer.putBlob(Buffer.from('twelve bytes'))
  const lists = new ChunkListBuilder(writer)
  lists.add({ ...chunk, length: 11 })
  const { hash, offset } = writer.putBigBlob(blob.hash.replace(/^./s, 'x'), { ...lists.finish(), flags: 0 })
  expect(() => blobs.bytes({ hash, offset, size: 11 })).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
})
