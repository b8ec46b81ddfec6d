import { beforeAll, describe, expect, it } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { FaultFileSystem, formatOperation, MemoryFileSystem, traceFileSystem } from '../../testing/index.ts'
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

  it('goes on in the open chunk while there is no room for another file, and tries again', async () => {
    const memory = new MemoryFileSystem()
    const faults = new FaultFileSystem(memory)
    const store = await LogStore.create(faults, { chunkRecordsMax: 16 })
    faults.setPlan([
      { fault: { kind: 'error', code: 'ENOSPC' }, kinds: ['create'], path: 'suffix-', times: 'always' },
    ])
    for (let n = 0; n < 20; n++) {
      while (store.log.isBlocked) await store.log.unblocked()
      store.put(text(n))
    }
    await store.log.sync()
    expect(faults.struck.length).toBeGreaterThan(3)
    expect([store.failures, store.rolls]).toEqual([[], []])
    faults.setPlan([])
    while (store.log.isBlocked) await store.log.unblocked()
    store.put(text(20))
    while (store.log.isBlocked) await store.log.unblocked()
    expect(store.rolls).toHaveLength(1)
    await store.close()
    expect(memory.openHandles()).toEqual([])
    expect((await LogStore.open(memory)).found).toHaveLength(21)
  })

  it('fails when the open chunk has grown to twice its size for want of another', async () => {
    const memory = new MemoryFileSystem()
    const faults = new FaultFileSystem(memory)
    const store = await LogStore.create(faults, { chunkRecordsMax: 16 })
    faults.setPlan([
      { fault: { kind: 'error', code: 'ENOSPC' }, kinds: ['create'], path: 'suffix-', times: 'always' },
    ])
    let count = 0
    const fill = async (): Promise<void> => {
      for (; count < 1_000; count++) {
        while (store.log.isBlocked) await store.log.unblocked()
        store.put(text(count))
      }
    }
    await expect(fill()).rejects.toMatchObject({ code: 'WRITER_FAILED', cause: { code: 'ENOSPC' } })
    expect(count).toBe(32)
    await store.close()
    const again = await LogStore.open(memory)
    expect(again.found).toHaveLength(32)
    await again.close()
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
