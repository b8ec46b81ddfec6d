import { beforeAll, describe, expect, it } from 'vitest'
import { Deferred, loadXxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { recordKind } from '../../objects/index.ts'
import {
  FaultFileSystem,
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

describe('sealing', () => {
  it('syncs, makes the new file durable, and only then switches control', async () => {
    const { store, trace } = await traced()
    const offset = store.put(text(1))
    await store.log.seal()
    expect(trace.map((line) => line.replace(/@.*/, ''))).toEqual([
      'write suffix-1.pack ',
      'datasync suffix-1.pack',
      'create suffix-2.pack',
      'write suffix-2.pack ',
      'sync suffix-2.pack',
      'syncFolder .',
      'create control.tmp',
      'write control.tmp ',
      'sync control.tmp',
      'rename control.tmp -> control',
      'syncFolder .',
    ])
    expect(store.log.chunk).toMatchObject({ number: 2, base: 4096, recordCount: 0 })
    expect(store.rolls[0]).toEqual({
      sealed: { number: 1, base: 0, length: 64 + 56 + 56 + 16 },
      opened: { number: 2, base: 4096 },
    })
    const second = store.put(text(2))
    expect(second).toBe(4096 + 64 + 56)
    expect([store.read(offset), store.read(second)]).toEqual([text(1), text(2)])
    await store.close()
  })

  it('does nothing to a chunk without a batch', async () => {
    const { store, trace } = await traced()
    await store.log.seal()
    expect(trace).toEqual([])
    await store.close()
  })

  it('goes on to the next chunk by itself at its bound of bytes or of records', async () => {
    for (const options of [{ chunkBytes: 10_000 }, { chunkRecordsMax: 10 }]) {
      const store = await LogStore.create(new MemoryFileSystem(), options)
      for (let n = 0; n < 100; n++) {
        while (store.log.isBlocked) await store.log.unblocked()
        store.put(Buffer.alloc(1000, n))
      }
      expect(store.rolls.length).toBeGreaterThanOrEqual(9)
      await store.close()
      expect((await LogStore.open(store.fs)).found).toHaveLength(100)
    }
  })

  it('lets the section that filled the chunk finish in it', async () => {
    const store = await LogStore.create(new MemoryFileSystem(), { chunkRecordsMax: 3 })
    const offsets = Array.from({ length: 20 }, (_, n) => store.put(text(n)))
    expect(store.log.isBlocked).toBe(true)
    await store.log.unblocked()
    expect(store.log.chunk).toMatchObject({ number: 2, recordCount: 0 })
    expect(store.rolls).toHaveLength(1)
    expect(offsets.every((offset) => offset < store.log.chunk.base)).toBe(true)
    await store.close()
  })

  it('waits while two chunks wait for their index', async () => {
    let backlog = 2
    const store = await LogStore.create(new MemoryFileSystem(), {
      chunkRecordsMax: 1,
      indexBacklog: () => backlog,
    })
    store.put(text(1))
    let isUnblocked = false
    const unblocked = store.log.unblocked().then(() => {
      isUnblocked = true
    })
    await store.clock.turn()
    expect([isUnblocked, store.rolls.length]).toEqual([false, 0])
    store.log.wake()
    await store.clock.turn()
    expect([isUnblocked, store.rolls.length]).toEqual([false, 0])
    backlog = 1
    store.log.wake()
    await unblocked
    expect(store.rolls).toHaveLength(1)
    await store.close()
  })

  it('can be closed while a seal waits for an index', async () => {
    const store = await LogStore.create(new MemoryFileSystem(), { chunkRecordsMax: 1, indexBacklog: () => 2 })
    store.put(text(1))
    const sealed = store.log.seal()
    await store.clock.turn()
    const closed = store.close()
    await expect(sealed).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    await closed
    expect(store.failures).toEqual([])
    expect((await LogStore.open(store.fs)).found).toHaveLength(1)
  })

  it('doubles new chunks past 256, up to 16-fold', async () => {
    let count = 300
    const options = { chunkBytes: 1000, chunkCount: () => count }
    const store = await LogStore.create(new MemoryFileSystem(), options)
    for (let n = 0; n < 12; n++) store.put(Buffer.alloc(1000))
    await store.clock.turn()
    expect(store.rolls).toHaveLength(0)
    for (let n = 0; n < 5; n++) store.put(Buffer.alloc(1000))
    expect(store.log.isBlocked).toBe(true)
    count = 257
    await store.log.unblocked()
    expect(store.rolls).toHaveLength(1)
    store.put(Buffer.alloc(1000))
    expect(store.log.isBlocked).toBe(false)
    store.put(Buffer.alloc(1000))
    expect(store.log.isBlocked).toBe(true)
    await store.close()
  })

  it('fails alone when the new file cannot be created, and leaves nothing behind', async () => {
    for (const kinds of [['create'], ['write'], ['sync']] as const) {
      const memory = new MemoryFileSystem()
      const faults = new FaultFileSystem(memory)
      const store = await LogStore.create(faults)
      store.put(text(1))
      faults.setPlan([{ fault: { kind: 'error', code: 'ENOSPC' }, kinds, path: 'suffix-2' }])
      await expect(store.log.seal()).rejects.toMatchObject({ code: 'ENOSPC' })
      expect(await memory.list(logFolder)).toEqual(['control', 'suffix-1.pack'])
      expect(store.log.isBlocked).toBe(false)
      store.put(text(2))
      await store.log.seal()
      expect(store.rolls).toHaveLength(1)
      await store.close()
      expect(memory.openHandles()).toEqual([])
    }
  })

  it('fails the log when the folder or control cannot be made durable', async () => {
    for (const path of [/store$/, 'control.tmp']) {
      const memory = new MemoryFileSystem()
      const faults = new FaultFileSystem(memory)
      const store = await LogStore.create(faults)
      store.put(text(1))
      faults.setPlan([{ fault: { kind: 'error', code: 'EIO' }, kinds: ['syncFolder', 'sync'], path }])
      await expect(store.log.seal()).rejects.toMatchObject({ code: 'WRITER_FAILED', cause: { code: 'EIO' } })
      expect(store.failures).toHaveLength(1)
      expect(store.log.isBlocked).toBe(true)
      await store.close()
      expect(memory.openHandles()).toEqual([])
      const again = await LogStore.open(memory)
      expect(again.found).toHaveLength(1)
      await again.close()
    }
  })
})

describe('holding', () => {
  it('lets nothing be appended and no chunk change until it is released', async () => {
    const store = await LogStore.create(new MemoryFileSystem(), { chunkRecordsMax: 2 })
    store.put(text(1))
    const release = await store.log.hold()
    expect(store.log.isBlocked).toBe(true)
    expect(() => store.put(text(2))).toThrow('held')
    await store.log.sync()
    expect(store.log.syncedTo).toBe(store.log.end)
    let isSealed = false
    const sealed = store.log.seal().then(() => {
      isSealed = true
    })
    await store.clock.turn()
    expect(isSealed).toBe(false)
    release()
    release()
    await sealed
    expect(store.log.chunk.number).toBe(2)
    await store.close()
  })

  it('comes after the seal that is under way, and wakes those who wait', async () => {
    const store = await LogStore.create(new MemoryFileSystem())
    store.put(text(1))
    const sealed = store.log.seal()
    const held = store.log.hold()
    const order: string[] = []
    const waits = Promise.all([
      sealed.then(() => order.push('sealed')),
      held.then((release) => {
        order.push('held')
        expect(store.log.chunk.number).toBe(2)
        release()
      }),
      store.log.unblocked().then(() => order.push('unblocked')),
    ])
    await waits
    expect(order).toEqual(['sealed', 'held', 'unblocked'])
    await store.close()
  })

  it('is over before the log closes', async () => {
    const store = await LogStore.create(new MemoryFileSystem())
    store.put(text(1))
    const release = await store.log.hold()
    let isClosed = false
    const closed = store.close().then(() => {
      isClosed = true
    })
    await store.clock.turn()
    expect(isClosed).toBe(false)
    release()
    await closed
    await expect(store.log.hold()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    await expect(store.log.sync()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    await expect(store.log.unblocked()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    expect(() => store.put(text(2))).toThrow('closed')
  })
})

describe('failing', () => {
  for (const kind of ['write', 'datasync'] as const) {
    it(`is final after a failed ${kind}: everybody is told, nothing more is written, reads go on`, async () => {
      const memory = new MemoryFileSystem()
      const faults = new FaultFileSystem(memory)
      const store = await LogStore.create(faults)
      const first = store.put(text(1))
      await store.log.sync()
      const second = store.put(text(2))
      faults.setPlan([{ fault: { kind: 'error', code: 'EIO' }, kinds: [kind], path: 'suffix-1' }])
      const results = await Promise.allSettled([store.log.sync(), store.log.sync(), store.log.seal()])
      for (const result of results) {
        const reason = result.status === 'rejected' ? (result.reason as unknown) : undefined
        expect(VarveError.is(reason, 'WRITER_FAILED')).toBe(true)
        expect(reason).toMatchObject({ details: { file: 'suffix-1.pack' }, cause: { code: 'EIO' } })
      }
      expect(store.failures).toHaveLength(1)
      expect(store.log.failure).toBe(store.failures[0])
      const operations = faults.operationCount
      expect(() => store.put(text(3))).toThrow(VarveError)
      await expect(store.log.sync()).rejects.toBe(store.log.failure)
      await expect(store.log.unblocked()).rejects.toBe(store.log.failure)
      await expect(store.log.hold()).rejects.toBe(store.log.failure)
      expect([store.read(first), store.read(second)]).toEqual([text(1), text(2)])
      const before = Buffer.from(memory.files().get(`${logFolder}/suffix-1.pack`) as Buffer)
      await store.close()
      expect(memory.files().get(`${logFolder}/suffix-1.pack`)).toEqual(before)
      // Two closed handles, the log's and the readers', and not one write or sync.
      expect(faults.operationCount - operations).toBe(2)
    })
  }

  it('takes a failure from elsewhere, and keeps the first', async () => {
    const store = await LogStore.create(new MemoryFileSystem())
    store.put(text(1))
    const waiting = store.log.sync()
    const lost = new VarveError('LOCK_LOST', {})
    expect(store.log.fail(lost, 'lock')).toBe(lost)
    expect(store.log.fail(new Error('later'), 'control')).toBe(lost)
    await expect(waiting).rejects.toBe(lost)
    expect(store.failures).toEqual([lost])
    await store.close()
  })

  it('stops a write that is under way, and syncs nothing after it', async () => {
    const gate = new Deferred()
    const memory = new MemoryFileSystem()
    const operations: string[] = []
    let isDelayed = false
    const fs = new InterceptedFileSystem(memory, {
      before: ({ kind }) => void operations.push(kind),
      delay: async ({ kind }) => {
        if (kind === 'write' && isDelayed) await gate.promise
      },
    })
    const store = await LogStore.create(fs)
    isDelayed = true
    store.put(Buffer.alloc(1_000_000))
    const synced = store.log.sync()
    await store.clock.turn()
    operations.length = 0
    store.log.fail(new VarveError('LOCK_LOST', {}), 'lock')
    gate.resolve()
    await expect(synced).rejects.toMatchObject({ code: 'LOCK_LOST' })
    await store.close()
    expect(operations.filter((kind) => kind !== 'close')).toEqual(['write'])
    expect(store.failures).toHaveLength(1)
  })

  it('survives short writes', async () => {
    const faults = new FaultFileSystem(new MemoryFileSystem())
    const store = await LogStore.create(faults)
    faults.setPlan([{ fault: { kind: 'short', keep: 'half' }, kinds: ['write'], times: 'always' }])
    const small = store.put(text(1))
    await store.log.sync()
    const large = store.put(Buffer.alloc(500_000, 5))
    await store.log.sync()
    faults.setPlan([])
    await store.close()
    const again = await LogStore.open(faults)
    expect(again.read(small)).toEqual(text(1))
    expect(again.read(large).equals(Buffer.alloc(500_000, 5))).toBe(true)
    await again.close()
  })

  it('tells about a failure while closing, once', async () => {
    const faults = new FaultFileSystem(new MemoryFileSystem())
    const store = await LogStore.create(faults)
    store.put(text(1))
    faults.setPlan([{ fault: { kind: 'error', code: 'ENOSPC' }, kinds: ['write'], path: 'suffix-1' }])
    await expect(store.log.close()).rejects.toMatchObject({ code: 'WRITER_FAILED' })
    expect(store.failures).toHaveLength(1)
  })
})
