/** Which files are open, over a disk in memory: switches, captured spaces, and the last user of a file. */
import { loadXxh64 } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { fileName } from '@varve/pack/layout'
import { indexKind, type RawHash, recordKind, sha256 } from '@varve/pack/objects'
import {
  type AddressSpace,
  BlockCache,
  Chunk,
  type ControlState,
  createChunkFile,
  encodeRecord,
  FileRetirer,
  firstControl,
  IndexBuilder,
  IndexFile,
  PackFile,
  packHeaderSize,
  RecordReader,
  readControl,
  recordSize,
  replaceControl,
  Segment,
  SegmentWriter,
} from '@varve/pack/pack'
import { FaultFileSystem, MemoryFileSystem } from '@varve/pack/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HashIndex } from '../hash-index/index.ts'
import { FileSet, type Generation } from './file-set.ts'

const folder = '/store'
const storeId = Buffer.from('0123456789abcdef', 'latin1')
const chunkSpan = 4_096
const stalls = { section: <T>(work: () => T): T => work() }

interface Placed {
  readonly hash: RawHash
  readonly offset: number
  readonly bytes: Buffer
}

/** The record of a blob that says at which offset it lies. */
function recordAt(offset: number): Placed {
  const body = Buffer.from(`record ${offset}`)
  const hash = sha256(body, 0, body.length)
  const bytes = Buffer.alloc(recordSize(body.length))
  encodeRecord(bytes, 0, offset, recordKind.blob, 0, hash, 0, body, 0, body.length)
  return { hash, offset, bytes }
}

/** Two sealed chunks and an open one, each with one record; files have numbers 1, 2, 3. */
class SmallSet {
  readonly disk = new MemoryFileSystem()
  readonly faults = new FaultFileSystem(this.disk)
  readonly cache = new BlockCache({ bytesMax: 1 << 20 })
  readonly retirer = new FileRetirer(this.disk, (path, error) => {
    throw new Error(`cannot dispose of ${path}`, { cause: error })
  })
  readonly placed: Placed[] = [0, 1, 2].map((at) => recordAt(at * chunkSpan + packHeaderSize))
  lockError: VarveError | undefined
  files!: FileSet

  static async open(): Promise<SmallSet> {
    const set = new SmallSet()
    await set.disk.mkdir(folder)
    const chunks: Chunk[] = []
    for (const at of set.placed.keys()) chunks.push(await set.#chunk(at + 1, at * chunkSpan, at < 2))
    const length = packHeaderSize + (set.placed[0]?.bytes.length ?? 0)
    const first = firstControl({ storeId: storeId.toString('hex'), chunk: { number: 1, base: 0 } })
    const control: ControlState = {
      ...first,
      fileCounter: 3,
      chunks: [0, 1, 2].map((at) => ({
        number: at + 1,
        base: at * chunkSpan,
        length: at < 2 ? length : null,
      })),
    }
    await replaceControl(set.disk, folder, control)
    const index = new HashIndex(new RecordReader(set.cache, () => set.files.space))
    for (const number of [1, 2]) index.attach(await set.#chunkIndex(number))
    index.beginTable(3, 2 * chunkSpan, 1)
    set.files = new FileSet({
      ...{ fs: set.faults, folder, control, chunks, segments: [], index, lower: undefined },
      openChunk: (opened) => set.#openGrowing(opened),
      verifyLock: async () => {
        if (set.lockError !== undefined) throw set.lockError
      },
    })
    return set
  }

  /** What is read at the offset in a space; its error code where that fails. */
  read(space: AddressSpace, { offset, hash }: Placed): string {
    try {
      return new RecordReader(this.cache, () => space).record(offset).hash === hash ? 'whole' : 'another'
    } catch (error) {
      return VarveError.is(error) ? error.code : String(error)
    }
  }

  /** What a collection makes that retires chunks 1 and 2 and keeps these records of them. */
  async generation(kept: readonly Placed[], retire = 2 * chunkSpan): Promise<Generation> {
    const { disk: fs, cache, retirer } = this
    const nextNumber = (): number => this.files.nextFileNumber()
    const writer = new SegmentWriter({ fs, folder, storeId, nextNumber, newNonce: () => Buffer.alloc(16, 1) })
    for (const { offset, bytes } of kept) writer.addRun(offset, bytes, 0, bytes.length)
    const infos = await writer.finish()
    const segments: Segment[] = []
    const indexes: IndexFile[] = []
    for (const info of infos) {
      segments.push(await Segment.open(fs, { folder, info, storeId, cache, retirer }))
      const name = fileName.segmentIndex(info.number)
      const index = await IndexFile.open(fs, { folder, name, number: info.number, storeId, cache, retirer })
      indexes.push(index as IndexFile)
    }
    const checkpoint = { number: nextNumber(), position: retire }
    return { retire, segments, indexes, checkpoint, target: undefined, retireTime: 7, volume: undefined }
  }

  async #chunk(number: number, base: number, isSealed: boolean): Promise<Chunk> {
    const record = this.placed[number - 1] as Placed
    const header = { number, base, nonce: Buffer.alloc(16, number), storeId }
    const handle = await createChunkFile(this.disk, folder, header)
    handle.writeSync(record.bytes, 0, record.bytes.length, packHeaderSize)
    await handle.close()
    const end = packHeaderSize + record.bytes.length
    return this.#open({ number, base }, isSealed ? { length: end } : { growsFrom: end })
  }

  #openGrowing(opened: { readonly number: number; readonly base: number }): Chunk {
    return this.#open(opened, { growsFrom: packHeaderSize })
  }

  #open(
    { number, base }: { readonly number: number; readonly base: number },
    extent: { readonly length: number } | { readonly growsFrom: number },
  ): Chunk {
    const { cache, retirer } = this
    const place = { folder, name: fileName.chunk(number), number, kind: 'pack', cache, retirer } as const
    return new Chunk({ number, base, file: PackFile.openSync(this.disk, { ...place, ...extent }) })
  }

  async #chunkIndex(number: number): Promise<IndexFile> {
    const { hash, offset, bytes } = this.placed[number - 1] as Placed
    const builder = new IndexBuilder()
    builder.add(indexKind.blob, Buffer.from(hash, 'latin1'), 0, offset, bytes.length)
    const { disk, cache, retirer } = this
    const name = fileName.chunkIndex(number)
    await builder.write(disk, { path: `${folder}/${name}`, number, storeId, packLength: packHeaderSize })
    return (await IndexFile.open(disk, { folder, name, number, storeId, cache, retirer })) as IndexFile
  }
}

beforeAll(loadXxh64)

let set: SmallSet
let first: Placed
let second: Placed
let third: Placed
beforeEach(async () => {
  set = await SmallSet.open()
  ;[first, second, third] = set.placed as [Placed, Placed, Placed]
})

async function names(): Promise<string[]> {
  return (await set.disk.list(folder)).filter((name) => /\.(pack|map|idx)$/.test(name))
}

describe('a switch', () => {
  test('makes another space; who has captured the old one reads on in it', async () => {
    const { files } = set
    const before = files.space
    before.acquire()
    await files.switchOver(await set.generation([second]), { unlink: false, stalls })
    expect(files.space).not.toBe(before)
    const now = [first, second, third].map((record) => set.read(files.space, record))
    expect(now).toEqual(['COLLECTED', 'whole', 'whole'])
    expect([first, second, third].map((record) => set.read(before, record))).toEqual(Array(3).fill('whole'))
    before.release()
  })

  test('says what is live: the kept below the boundary, everything above it', async () => {
    const { files } = set
    const generation = await set.generation([second])
    const live = (): boolean[] => [first, second, third].map(({ offset }) => files.space.isLive(offset))
    expect(live()).toEqual([true, true, true])
    expect(files.space.isLive(files.space.end)).toBe(false)
    await files.switchOver(generation, { unlink: false, stalls })
    expect(live()).toEqual([false, true, true])
  })

  test('raises the epoch of the same opening, and moves the index with the files', async () => {
    const { files } = set
    const { instance } = files
    const generation = await set.generation([second])
    await files.switchOver(generation, { unlink: false, stalls })
    expect([files.epoch, files.space.epoch]).toEqual([1, 1])
    expect([files.instance, files.space.instance]).toEqual([instance, instance])
    expect(files.segments).toEqual(generation.segments)
    expect(files.index.files()).toEqual(generation.indexes)
    expect(files.index.findWhole(indexKind.blob, first.hash)).toBe(0)
    expect(files.index.findWhole(indexKind.blob, second.hash)).toBe(second.offset)
    expect((await SmallSet.open()).files.instance).not.toBe(instance)
  })

  test('raises the epoch when the new space is there, not before', async () => {
    const { files } = set
    let isDone = false
    const generation = await set.generation([second])
    const switching = files.switchOver(generation, { unlink: false, stalls }).then(() => {
      isDone = true
    })
    const seen = new Set<string>()
    // Nothing here waits for a disk: whatever is seen lies between two steps of the switch.
    for (let step = 0; !isDone && step < 10_000; step++) {
      seen.add(`${files.epoch} in ${files.space.epoch}`)
      await undefined
    }
    await switching
    expect([...seen]).toEqual(['0 in 0', '1 in 1'])
  })

  test('names in control what it has put in place, and keeps the latest target', async () => {
    const { files } = set
    const generation = await set.generation([second])
    const target = { hash: second.hash, offset: second.offset }
    await files.switchOver({ ...generation, target }, { unlink: true, stalls })
    const { state } = await readControl(set.disk, folder)
    expect(state).toEqual(files.control)
    expect(state).toMatchObject({ epoch: 1, retire: 2 * chunkSpan, retireTime: 7, sequence: 2 })
    expect(state.chunks.map(({ number }) => number)).toEqual([3])
    expect(state.segments).toEqual(generation.segments.map(({ info }) => info))
    expect(state.checkpoint).toEqual(generation.checkpoint)
    await files.switchOver(await set.generation([second]), { unlink: true, stalls })
    expect(files.control.target).toEqual({
      hash: Buffer.from(second.hash, 'latin1').toString('hex'),
      offset: second.offset,
    })
  })

  test('unlinks the old files when their last user lets go, not before', async () => {
    const { files } = set
    const before = files.space
    before.acquire()
    await files.switchOver(await set.generation([second]), { unlink: true, stalls })
    await set.retirer.drained()
    expect(await names()).toEqual([
      'gen-4.idx',
      'gen-4.map',
      'gen-4.pack',
      'suffix-1.pack',
      'suffix-2.pack',
      'suffix-3.pack',
    ])
    before.release()
    await set.retirer.drained()
    expect(await names()).toEqual(['gen-4.idx', 'gen-4.map', 'gen-4.pack', 'suffix-3.pack'])
    expect(set.disk.openHandles().filter((path) => /suffix-[12]/.test(path))).toEqual([])
  })

  test('leaves the old files where they are when it is told to', async () => {
    await set.files.switchOver(await set.generation([second]), { unlink: false, stalls })
    await set.retirer.drained()
    expect(await names()).toContain('suffix-1.pack')
    expect(set.disk.openHandles().filter((path) => /suffix-[12]/.test(path))).toEqual([])
  })

  test('retires the segments of the generation before, maps and indexes with them', async () => {
    const { files } = set
    await files.switchOver(await set.generation([first, second]), { unlink: true, stalls })
    await files.switchOver(await set.generation([second]), { unlink: true, stalls })
    await set.retirer.drained()
    expect((await set.disk.list(folder)).filter((name) => name.startsWith('gen-'))).toEqual([
      'gen-6.idx',
      'gen-6.map',
      'gen-6.pack',
    ])
    expect(files.index.files().map(({ number }) => number)).toEqual([6])
  })

  test('that fails leaves everything as it was', async () => {
    const { files } = set
    const before = files.space
    const generation = await set.generation([second])
    set.faults.setPlan([{ fault: { kind: 'error', code: 'EIO' }, kinds: ['rename'] }])
    await expect(files.switchOver(generation, { unlink: true, stalls })).rejects.toMatchObject({
      code: 'EIO',
    })
    expect(files.space).toBe(before)
    expect([files.epoch, files.control.sequence]).toEqual([0, 1])
    expect([first, second, third].map((record) => set.read(files.space, record))).toEqual(
      Array(3).fill('whole'),
    )
    expect(files.index.files().map(({ number }) => number)).toEqual([2, 1])
  })
})

describe('control', () => {
  test('is not replaced once the lock is lost, or when somebody else has replaced it', async () => {
    const { files } = set
    const generation = await set.generation([second])
    set.lockError = new VarveError('LOCK_LOST', {})
    await expect(files.switchOver(generation, { unlink: true, stalls })).rejects.toBe(set.lockError)
    set.lockError = undefined
    for (const stolen of [{ writerTerm: 2 }, { sequence: 5 }]) {
      await replaceControl(set.disk, folder, { ...files.control, ...stolen })
      await expect(files.switchOver(generation, { unlink: true, stalls })).rejects.toMatchObject({
        code: 'LOCK_LOST',
      })
      expect((await readControl(set.disk, folder)).state).toMatchObject(stolen)
    }
    expect(files.epoch).toBe(0)
  })

  test('gives a new chunk its place, and takes changes one after the other', async () => {
    const { files } = set
    const before = files.space
    const length = files.control.chunks[0]?.length as number
    const number = files.nextFileNumber()
    const base = 3 * chunkSpan
    await (
      await createChunkFile(set.disk, folder, { number, base, nonce: Buffer.alloc(16, 4), storeId })
    ).close()
    const sealed = { number: 3, base: 2 * chunkSpan, length }
    const [opened] = await Promise.all([
      files.roll({ sealed, opened: { number, base } }),
      files.switchOver(await set.generation([second]), { unlink: false, stalls }),
    ])
    expect(files.space.chunks.map((chunk) => chunk.number)).toEqual([3, 4])
    expect(files.control.chunks).toEqual([sealed, { number: 4, base, length: null }])
    expect(files.control).toMatchObject({ sequence: 3, fileCounter: 6, epoch: 1 })
    opened.grow(packHeaderSize + 8)
    expect(files.space.end).toBe(base + packHeaderSize + 8)
    expect(before.userCount).toBe(0)
  })

  test('has file numbers that nobody had', () => {
    const { files } = set
    expect(files.nextFileNumber()).toBe(4)
    expect(files.reserveFileNumbers(3)).toEqual({ from: 5, to: 8 })
    expect(files.nextFileNumber()).toBe(8)
  })
})

describe('closing', () => {
  test('refuses the space, and closes what nobody has captured', async () => {
    const { files } = set
    const { space } = files
    space.acquire()
    await files.close()
    expect(() => files.space).toThrow(expect.objectContaining({ code: 'STORE_CLOSED' }))
    expect(set.read(space, first)).toBe('whole')
    expect(set.disk.openHandles()).not.toEqual([])
    space.release()
    await set.retirer.drained()
    expect(set.disk.openHandles()).toEqual([])
    expect((await names()).length).toBe(5)
  })
})
