import { beforeAll, describe, expect, it } from 'vitest'
import { Deferred, loadXxh64 } from '../../base/index.ts'
import { recordKind } from '../../objects/index.ts'
import {
  formatOperation,
  InterceptedFileSystem,
  MemoryFileSystem,
  SeededRandom,
  traceFileSystem,
} from '../../testing/index.ts'
import { LogStore, logFolder } from './testing/log-store.ts'

beforeAll(loadXxh64)

const text = (n: number): Buffer => Buffer.from(`body ${n}`)

/** A log over a file system that tells its writes and syncs. */
async function traced(
  options: Parameters<typeof LogStore.create>[1] = {},
): Promise<{ store: LogStore; trace: string[]; memory: MemoryFileSystem }> {
  const memory = new MemoryFileSystem()
  const trace: string[] = []
  const fs = traceFileSystem(memory, (operation) => {
    if (['create', 'write', 'datasync', 'sync', 'syncFolder', 'rename'].includes(operation.kind)) {
      trace.push(formatOperation(operation, logFolder))
    }
  })
  const store = await LogStore.create(fs, options)
  trace.length = 0
  return { store, trace, memory }
}

describe('appending', () => {
  it('gives ascending, aligned offsets, readable at once and again after reopening', async () => {
    const memory = new MemoryFileSystem()
    const store = await LogStore.create(memory)
    const random = new SeededRandom(1)
    const bodies = [0, 1, 7, 8, 9, 100, 65_000, 65_536, 262_144, 3, 70_000].map((length) =>
      random.bytes(length),
    )
    const offsets = bodies.map((body) => store.put(body))
    expect(offsets[0]).toBe(64 + 56)
    expect(offsets.every((offset, i) => offset % 8 === 0 && offset > (offsets[i - 1] ?? 0))).toBe(true)
    const isBody = (body: Buffer, i: number): boolean => body.equals(bodies[i] as Buffer)
    expect(offsets.map((offset) => store.read(offset)).every(isBody)).toBe(true)
    await store.close()
    const again = await LogStore.open(memory)
    expect(again.found.map(({ offset }) => offset)).toEqual(offsets)
    expect(again.found.map(({ body }) => body).every(isBody)).toBe(true)
    expect(again.recovered).toMatchObject({
      isClosed: true,
      bytesCut: 0,
      damageCount: 0,
      needsNewChunk: false,
    })
    expect(offsets.map((offset) => again.read(offset)).every(isBody)).toBe(true)
    const next = again.put(text(1))
    expect(next).toBeGreaterThan(offsets.at(-1) as number)
    expect(again.read(next)).toEqual(text(1))
    expect(again.read(offsets[4] as number)).toEqual(bodies[4])
    await again.close()
    expect(memory.openHandles()).toEqual([])
  })

  it('never changes or loses a record, whatever the sizes and wherever the blocks end', async () => {
    const memory = new MemoryFileSystem()
    let store = await LogStore.create(memory, { chunkBytes: 300_000 })
    const random = new SeededRandom(7)
    const put: { offset: number; body: Buffer }[] = []
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 25; i++) {
        while (store.log.isBlocked) await store.log.unblocked()
        const body = random.bytes(random.chance(0.1) ? random.below(200_000) : random.below(3000))
        put.push({ offset: store.put(body), body })
        const { offset, body: expected } = random.pick(put)
        expect(store.read(offset).equals(expected)).toBe(true)
        if (random.chance(0.1)) await store.log.write()
        if (random.chance(0.1)) await store.log.sync()
      }
      if (random.chance(0.5)) continue
      await store.close()
      store = await LogStore.open(memory, { chunkBytes: 300_000 })
      expect(store.found.map(({ offset }) => offset)).toEqual(put.map(({ offset }) => offset))
    }
    await store.close()
    expect(store.state.chunks.length).toBeGreaterThan(3)
    for (const { offset, body } of (await LogStore.open(memory)).found) {
      expect(put.find((one) => one.offset === offset)?.body.equals(body)).toBe(true)
    }
  })

  it('closes batches by itself at 8 MiB, and blocks over the bound of unwritten bytes', async () => {
    const { store, trace } = await traced()
    const body = Buffer.alloc(256 * 1024, 1)
    for (let i = 0; i < 70; i++) store.put(body)
    expect(store.log.isBlocked).toBe(true)
    expect(trace).toEqual([])
    await store.log.unblocked()
    expect(store.log.isBlocked).toBe(false)
    expect(store.log.writtenTo).toBe(store.log.end)
    await store.close()
    const again = await LogStore.open(store.fs)
    expect(again.found.length).toBe(70)
    expect(again.recovered.sequence).toBeGreaterThanOrEqual(4)
    await again.close()
  })

  it('keeps together what was asked to be in one batch', async () => {
    const memory = new MemoryFileSystem()
    const store = await LogStore.create(memory)
    for (let i = 0; i < 31; i++) store.put(Buffer.alloc(256 * 1024, 1))
    store.log.keepTogether(3 * (48 + 256 * 1024))
    const offsets = [1, 2, 3].map(() => store.put(Buffer.alloc(256 * 1024, 2)))
    expect((offsets[2] as number) - (offsets[0] as number)).toBe(2 * (48 + 256 * 1024))
    // Of the batch that the group began, its header stands directly before it.
    await store.log.write()
    const bytes = memory.files().get(`${logFolder}/suffix-1.pack`) as Buffer
    expect(bytes.toString('latin1', (offsets[0] as number) - 56, (offsets[0] as number) - 52)).toBe('VBAT')
    await store.close()
  })

  it('refuses what a record cannot be', async () => {
    const store = await LogStore.create(new MemoryFileSystem())
    const body = Buffer.alloc(8)
    const { log } = store
    expect(() => log.append(6, 0, undefined, 0, body, 0, 8)).toThrow('kind')
    expect(() => log.append(recordKind.blob, 256, undefined, 0, body, 0, 8)).toThrow('byte')
    expect(() => log.append(recordKind.node, 0, undefined, 2, body, 0, 8)).toThrow('references')
    expect(() => log.append(recordKind.blob, 0, 'short', 0, body, 0, 8)).toThrow('32 bytes')
    const large = Buffer.alloc(8 * 1024 * 1024)
    expect(() => log.append(recordKind.blob, 0, undefined, 0, large, 0, large.length)).toThrow('fits')
  })
})

describe('group commit', () => {
  it('serves all who ask in one turn with one batch and one sync', async () => {
    const { store, trace } = await traced()
    const syncs = [1, 2, 3, 4, 5].map(async (n) => {
      store.put(text(n))
      await store.log.sync()
    })
    await Promise.all(syncs)
    expect(trace).toEqual([expect.stringMatching(/^write suffix-1.pack @64\+/), 'datasync suffix-1.pack'])
    await store.close()
  })

  it('lets those who ask during a sync share the next one', async () => {
    const { store, trace } = await traced()
    store.put(text(1))
    const first = store.log.sync()
    const later: Promise<void>[] = []
    // From here on the first sync is under way.
    while (trace.length === 0) await Promise.resolve()
    for (let n = 2; n < 8; n++) {
      store.put(text(n))
      later.push(store.log.sync())
    }
    await Promise.all([first, ...later])
    expect(trace.filter((line) => line.startsWith('datasync'))).toHaveLength(2)
    expect(store.log.syncedTo).toBe(store.log.end)
    await store.log.sync()
    expect(trace.filter((line) => line.startsWith('datasync'))).toHaveLength(2)
    await store.close()
  })

  it('writes without a sync, and syncs later only once', async () => {
    const { store, trace } = await traced()
    store.put(text(1))
    await store.log.write()
    expect(trace).toHaveLength(1)
    expect(store.log.writtenTo).toBe(store.log.end)
    expect(store.log.syncedTo).toBe(64)
    await store.log.sync()
    expect(trace).toHaveLength(2)
    await store.close()
  })

  it('does not take for synced what was written while a sync was under way', async () => {
    const memory = new MemoryFileSystem()
    const gate = new Deferred()
    let isDelayed = false
    const fs = new InterceptedFileSystem(memory, {
      before: () => undefined,
      delay: async ({ kind }) => {
        if (kind === 'datasync' && isDelayed) await gate.promise
      },
    })
    const store = await LogStore.create(fs)
    isDelayed = true
    store.put(text(1))
    const synced = store.log.sync()
    await store.clock.turn()
    const end = store.log.writtenTo
    store.put(text(2))
    await store.log.write()
    expect([end > 64, store.log.writtenTo > end]).toEqual([true, true])
    gate.resolve()
    await synced
    expect(store.log.syncedTo).toBe(end)
    await store.close()
  })

  it('says in each batch what was synced before it', async () => {
    const { store, memory } = await traced()
    for (let n = 0; n < 3; n++) {
      store.put(text(n))
      await store.log.sync()
    }
    const end = store.log.end
    await store.close()
    const bytes = memory.files().get(`${logFolder}/suffix-1.pack`) as Buffer
    // The closing batch: empty, everything before it synced.
    expect(bytes.length).toBe(end + 72)
    expect(bytes.readUInt32LE(end + 4)).toBe(0)
    expect(bytes.readUInt32LE(end + 24)).toBe(end)
    expect(bytes.readUInt32LE(end + 40)).toBe(end)
  })

  it('does not grow when it is opened and closed without a record', async () => {
    const { store, memory } = await traced()
    await store.close()
    const size = (): number => (memory.files().get(`${logFolder}/suffix-1.pack`) as Buffer).length
    expect(size()).toBe(64)
    for (let i = 0; i < 3; i++) await (await LogStore.open(memory)).close()
    expect(size()).toBe(64)
    const again = await LogStore.open(memory)
    again.put(text(1))
    await again.close()
    const grown = size()
    for (let i = 0; i < 3; i++) await (await LogStore.open(memory)).close()
    expect(size()).toBe(grown)
  })
})
