import { beforeAll, describe, expect, it } from 'vitest'
import { Deferred, loadXxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { FaultFileSystem, InterceptedFileSystem, MemoryFileSystem } from '../../testing/index.ts'
import { LogStore, logFolder } from './testing/log-store.ts'

beforeAll(loadXxh64)

const text = (n: number): Buffer => Buffer.from(`body ${n}`)

const mebibyte = 1024 * 1024

describe('failing', () => {
  for (const kind of ['write', 'datasync'] as const) {
    it(`is final after a failed ${kind}: all are told, nothing more is written, reads go on`, async () => {
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
    store.put(Buffer.alloc(3_000_000))
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

  it('syncs by itself what nobody waits for, and fails when that fails', async () => {
    const faults = new FaultFileSystem(new MemoryFileSystem())
    const store = await LogStore.create(faults, { unwrittenBytesMax: 32 * mebibyte })
    const fill = async (bytes: number): Promise<void> => {
      for (let left = bytes; left > 0; left -= mebibyte) store.put(Buffer.alloc(mebibyte, left / mebibyte))
      await store.log.write()
      // The sync runs on its own; whoever holds the log comes after it or finds it failed.
      for (let i = 0; i < 20; i++) await store.clock.turn()
    }
    await fill(4 * mebibyte)
    expect(store.log.syncedTo).toBeLessThan(store.log.writtenTo)
    await fill(6 * mebibyte)
    expect(store.log.writtenTo - store.log.syncedTo).toBeLessThan(8 * mebibyte)
    faults.setPlan([{ fault: { kind: 'error', code: 'EIO' }, kinds: ['datasync'] }])
    await fill(10 * mebibyte)
    expect(faults.struck).toHaveLength(1)
    expect(store.failures).toMatchObject([{ code: 'WRITER_FAILED' }])
    await expect(store.log.sync()).rejects.toMatchObject({ code: 'WRITER_FAILED' })
    await store.close()
  })

  it('syncs nothing after a failed write, however much of what is written is not synced', async () => {
    const gate = new Deferred()
    const faults = new FaultFileSystem(new MemoryFileSystem())
    const syncs: string[] = []
    const fs = new InterceptedFileSystem(faults, {
      before: () => undefined,
      delay: async ({ kind, path }) => {
        if (kind !== 'datasync') return
        syncs.push(path)
        await gate.promise
      },
    })
    const store = await LogStore.create(fs, { unwrittenBytesMax: 32 * mebibyte })
    syncs.length = 0
    for (let written = 0; written < 18 * mebibyte; written += mebibyte) {
      store.put(Buffer.alloc(mebibyte, written / mebibyte))
      await store.log.write()
    }
    expect(syncs, 'one is under way').toHaveLength(1)
    expect(store.log.writtenTo - store.log.syncedTo).toBeGreaterThan(17 * mebibyte)
    faults.setPlan([{ fault: { kind: 'error', code: 'EIO' }, kinds: ['write'] }])
    store.put(text(1))
    await expect(store.log.write()).rejects.toMatchObject({ code: 'WRITER_FAILED' })
    gate.resolve()
    for (let i = 0; i < 20; i++) await store.clock.turn()
    await store.close()
    expect(syncs).toHaveLength(1)
    expect(store.failures).toHaveLength(1)
  })

  it('survives short writes', async () => {
    const faults = new FaultFileSystem(new MemoryFileSystem())
    const store = await LogStore.create(faults)
    faults.setPlan([{ fault: { kind: 'short', keep: 'half' }, kinds: ['write'], times: 'always' }])
    const small = store.put(text(1))
    await store.log.sync()
    const large = store.put(Buffer.alloc(3_000_000, 5))
    await store.log.sync()
    faults.setPlan([])
    await store.close()
    const again = await LogStore.open(faults)
    expect(again.read(small)).toEqual(text(1))
    expect(again.read(large).equals(Buffer.alloc(3_000_000, 5))).toBe(true)
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
