import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { Deferred } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { type FileHandle, FolderOpener, LazyDirectory } from '../../fs/index.ts'
import {
  InterceptedFileSystem,
  ManualClock,
  MemoryFileSystem,
  type Operation,
  type SystemErrorCode,
  systemError,
} from '../../testing/index.ts'
import { HandlePool, type HandlePoolOptions, type PooledFile } from './handle-pool.ts'
import { PooledHandle } from './pooled-handle.ts'

let disk: MemoryFileSystem
let clock: ManualClock
/** Paths that fail, and with what. */
let failing: Map<string, SystemErrorCode>
/** What an asynchronous read waits for. */
let gate: Promise<void>
let opened: string[]
/** Most handles that were open at a time. */
let most: number

beforeEach(async () => {
  disk = new MemoryFileSystem()
  clock = new ManualClock()
  failing = new Map()
  gate = Promise.resolve()
  opened = []
  most = 0
  await disk.mkdir('/lower/v')
  for (let i = 0; i < 40; i++) {
    const handle = await disk.open(`/lower/v/${i}`, 'create')
    handle.writeSync(Buffer.from([i]), 0, 1, 0)
    await handle.close()
  }
})

function poolOf(o: Partial<HandlePoolOptions> = {}): HandlePool {
  const fs = new InterceptedFileSystem(disk, {
    before: ({ kind, path }: Operation) => {
      most = Math.max(most, disk.openHandles().length)
      const code = kind === 'read' ? failing.get(path) : undefined
      return code === undefined ? undefined : { kind: 'fail', error: systemError(code, kind, path) }
    },
    after: ({ kind, path }, error) => {
      if (kind === 'open' && error === undefined) opened.push(path.slice('/lower/v/'.length))
    },
    delay: ({ kind }) => (kind === 'read' ? gate : Promise.resolve()),
  })
  return new HandlePool({ directory: new LazyDirectory(new FolderOpener(fs, '/lower')), clock, ...o })
}

function fileOf(name: number | string, o: Partial<PooledFile> = {}): PooledFile {
  return { name: `v/${name}`, verify: () => undefined, assertVolumeThere: () => undefined, ...o }
}

function readOne(handle: FileHandle): number {
  const byte = Buffer.alloc(1)
  expect(handle.readSync(byte, 0, 1, 0)).toBe(1)
  return byte[0] as number
}

async function readLater(handle: FileHandle): Promise<number> {
  const byte = Buffer.alloc(1)
  expect(await handle.read(byte, 0, 1, 0)).toBe(1)
  return byte[0] as number
}

const away = new VarveError('LOWER_UNAVAILABLE', { path: '/lower' })
const goneAway = (): never => {
  throw away
}

describe('a pool of handles', () => {
  it('opens a file once for many reads, and looks at it then', () => {
    const pool = poolOf()
    let looks = 0
    const file = fileOf(7, { verify: () => void looks++ })
    for (let i = 0; i < 5; i++) expect(pool.useSync(file, readOne)).toBe(7)
    expect([opened, looks, pool.openCount]).toEqual([['7'], 1, 1])
    pool.close()
    expect([pool.openCount, disk.openHandles()]).toEqual([0, []])
    expect(pool.useSync(file, readOne)).toBe(7)
    expect([opened, looks]).toEqual([['7', '7'], 2])
    pool.close()
  })

  it('closes the file that was used longest ago', () => {
    const pool = poolOf({ handlesMax: 3 })
    const open = (): string[] => disk.openHandles().map((path) => path.slice('/lower/v/'.length))
    for (const n of [1, 2, 3]) pool.useSync(fileOf(n), readOne)
    pool.useSync(fileOf(1), readOne)
    pool.useSync(fileOf(4), readOne)
    expect(open()).toEqual(['1', '3', '4'])
    pool.useSync(fileOf(5), readOne)
    expect(open()).toEqual(['1', '4', '5'])
    expect(opened).toEqual(['1', '2', '3', '4', '5'])
    pool.close()
  })

  it('never has more open than its bound, whatever is read in whichever order', () => {
    const reads = fc.array(fc.nat(39), { maxLength: 80 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), reads, (handlesMax, numbers) => {
        most = 0
        const pool = poolOf({ handlesMax })
        const recent: number[] = []
        for (const n of numbers) {
          opened = []
          expect(pool.useSync(fileOf(n), readOne)).toBe(n)
          // A model of it: what was among the last files used is still open.
          expect(opened).toEqual(recent.slice(-handlesMax).includes(n) ? [] : [`${n}`])
          const at = recent.indexOf(n)
          if (at >= 0) recent.splice(at, 1)
          recent.push(n)
        }
        expect(most).toBeLessThanOrEqual(handlesMax)
        pool.close()
        expect(disk.openHandles()).toEqual([])
      }),
    )
  })

  it('lets reads wait when all its handles are in use', async () => {
    const pool = poolOf({ handlesMax: 3 })
    const held = new Deferred()
    gate = held.promise
    const reads = Array.from({ length: 30 }, (_, n) => pool.use(fileOf(n), readLater))
    await clock.turn()
    expect([pool.openCount, disk.openHandles().length]).toEqual([3, 3])
    held.resolve()
    expect(await Promise.all(reads)).toEqual(Array.from({ length: 30 }, (_, n) => n))
    expect([pool.openCount, most]).toEqual([3, 3])
    pool.close()
    expect(disk.openHandles()).toEqual([])
  })

  it('goes on although one whom others wait for fails', async () => {
    const pool = poolOf({ handlesMax: 1 })
    const held = new Deferred()
    gate = held.promise
    failing.set('/lower/v/0', 'EIO')
    const missing = fileOf('missing')
    const reads = [fileOf(0), missing, fileOf(1), missing, fileOf(2)].map((file) => pool.use(file, readLater))
    const settled = Promise.allSettled(reads)
    await clock.turn()
    expect(pool.openCount).toBe(1)
    held.resolve()
    const codes = (await settled).map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code))
    expect(codes).toEqual(['CORRUPT', 'CORRUPT', 1, 'CORRUPT', 2])
    pool.close()
    expect(disk.openHandles()).toEqual([])
  })

  it('has one more open, and no longer than it takes, for a read that cannot wait', async () => {
    const pool = poolOf({ handlesMax: 2 })
    const held = new Deferred()
    gate = held.promise
    const reads = [1, 2].map((n) => pool.use(fileOf(n), readLater))
    await clock.turn()
    expect(pool.useSync(fileOf(3), readOne)).toBe(3)
    expect([most, pool.openCount]).toEqual([3, 2])
    expect(pool.useSync(fileOf(1), readOne), 'through the handle in use').toBe(1)
    held.resolve()
    expect(await Promise.all(reads)).toEqual([1, 2])
    pool.close()
  })

  it('lets many read through one handle', async () => {
    const pool = poolOf({ handlesMax: 1 })
    const reads = Array.from({ length: 10 }, () => pool.use(fileOf(5), readLater))
    expect(await Promise.all(reads)).toEqual(Array.from({ length: 10 }, () => 5))
    expect(opened).toEqual(['5'])
    pool.close()
  })
})

describe('a handle that nobody uses', () => {
  it('is closed after a while, and not while it is used now and then', async () => {
    const pool = poolOf()
    pool.useSync(fileOf(1), readOne)
    for (let i = 0; i < 5; i++) {
      await clock.advance(900)
      pool.useSync(fileOf(1), readOne)
    }
    expect(opened).toEqual(['1'])
    await clock.advance(2_000)
    expect([disk.openHandles(), pool.openCount, clock.sleeperCount]).toEqual([[], 0, 0])
    pool.useSync(fileOf(1), readOne)
    await clock.advance(2_000)
    expect([opened, disk.openHandles(), clock.sleeperCount]).toEqual([['1', '1'], [], 0])
  })

  it('leaves no alarm behind when the pool is closed', () => {
    const pool = poolOf()
    pool.useSync(fileOf(1), readOne)
    expect(clock.sleeperCount).toBe(1)
    pool.close()
    pool.close()
    expect(clock.sleeperCount).toBe(0)
  })

  it.each(['forget', 'close', 'idle'] as const)('outlasts %s while it is read from', async (how) => {
    const pool = poolOf()
    const held = new Deferred()
    gate = held.promise
    const reads = [pool.use(fileOf(3), readLater), pool.use(fileOf(3), readLater)]
    await clock.turn()
    if (how === 'forget') pool.forget('v/3')
    else if (how === 'close') pool.close()
    else await clock.advance(5_000)
    expect([disk.openHandles(), pool.openCount]).toEqual([['/lower/v/3'], 1])
    // The next one gets a handle of its own.
    expect(pool.useSync(fileOf(3), readOne)).toBe(3)
    expect(opened).toEqual(['3', '3'])
    held.resolve()
    expect(await Promise.all(reads)).toEqual([3, 3])
    pool.forget('v/3')
    expect([disk.openHandles(), pool.openCount]).toEqual([[], 0])
    pool.close()
  })
})

describe('a file that fails', () => {
  it('is CORRUPT when it alone is missing, and found when it is there', async () => {
    const pool = poolOf()
    const file = fileOf('new')
    const missing = expect.objectContaining({
      ...{ code: 'CORRUPT', details: { file: 'v/new', offset: 0 }, message: 'v/new is missing' },
    })
    expect(() => pool.useSync(file, readOne)).toThrow(missing)
    await expect(pool.use(file, readLater)).rejects.toEqual(missing)
    await disk.link('/lower/v/9', '/lower/v/new')
    expect(pool.useSync(file, readOne)).toBe(9)
    pool.close()
  })

  it.each(['EIO', 'EACCES'] as const)('is CORRUPT on %s, and the handle is closed', async (code) => {
    const pool = poolOf()
    failing.set('/lower/v/2', code)
    const expected = expect.objectContaining({
      ...{ code: 'CORRUPT', details: { file: 'v/2', offset: 0 }, message: expect.stringContaining(code) },
    })
    expect(() => pool.useSync(fileOf(2), readOne)).toThrow(expected)
    await expect(pool.use(fileOf(2), readLater)).rejects.toEqual(expected)
    expect([disk.openHandles(), pool.openCount]).toEqual([[], 0])
    failing.clear()
    expect(pool.useSync(fileOf(2), readOne)).toBe(2)
    pool.close()
  })

  it('is LOWER_UNAVAILABLE when the volume has gone with it', async () => {
    const pool = poolOf()
    const file = fileOf('gone', { assertVolumeThere: goneAway })
    expect(() => pool.useSync(file, readOne)).toThrow(away)
    await expect(pool.use(file, readLater)).rejects.toBe(away)
    failing.set('/lower/v/2', 'EIO')
    expect(() => pool.useSync(fileOf(2, { assertVolumeThere: goneAway }), readOne)).toThrow(away)
    expect(pool.openCount).toBe(0)
  })

  it('is LOWER_UNAVAILABLE when the folder of all has gone, whatever is asked', async () => {
    const pool = poolOf()
    const calls: ((handle: PooledHandle) => unknown)[] = [
      (handle) => handle.readSync(Buffer.alloc(1), 0, 1, 0),
      (handle) => handle.read(Buffer.alloc(1), 0, 1, 0),
      (handle) => handle.sizeSync(),
      (handle) => handle.size(),
    ]
    for (const call of calls) {
      const handle = new PooledHandle(pool, fileOf(1))
      await disk.rename('/lower', '/elsewhere')
      await expect((async () => call(handle))()).rejects.toMatchObject({
        ...{ code: 'LOWER_UNAVAILABLE', details: { path: '/lower' } },
      })
      await disk.rename('/elsewhere', '/lower')
      expect(await call(handle)).toBe(1)
      await handle.close()
      expect(disk.openHandles()).toEqual([])
    }
  })

  it('is read anew when it has been away and is back since its handle was opened', async () => {
    const pool = poolOf()
    let isStale = false
    const work = (handle: FileHandle): number => {
      if (isStale) {
        isStale = false
        throw systemError('EIO', 'read', 'v/4')
      }
      return readOne(handle)
    }
    expect(pool.useSync(fileOf(4), work)).toBe(4)
    isStale = true
    expect(pool.useSync(fileOf(4), work)).toBe(4)
    isStale = true
    expect(await pool.use(fileOf(4), async (handle) => work(handle))).toBe(4)
    expect(opened).toEqual(['4', '4', '4'])
    // A handle that has just been opened is not stale.
    pool.forget('v/4')
    isStale = true
    expect(() => pool.useSync(fileOf(4), work)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    pool.close()
  })

  it('is closed when it is not the one that is meant', () => {
    const pool = poolOf()
    const strange = new VarveError('CORRUPT', { file: 'v/1', offset: 0 })
    const verify = (): never => {
      throw strange
    }
    expect(() => pool.useSync(fileOf(1, { verify }), readOne)).toThrow(strange)
    expect(() => pool.useSync(fileOf(1, { verify, assertVolumeThere: goneAway }), readOne)).toThrow(away)
    expect([pool.openCount, disk.openHandles()]).toEqual([0, []])
  })

  it('passes on what is no failure of the disk', () => {
    const pool = poolOf()
    const bug = new Error('a bug')
    const work = (): never => {
      throw bug
    }
    expect(() => pool.useSync(fileOf(1, { assertVolumeThere: goneAway }), work)).toThrow(bug)
    pool.close()
    expect(disk.openHandles()).toEqual([])
  })
})

describe('a pooled handle', () => {
  it('is only read from', async () => {
    const handle = new PooledHandle(poolOf(), fileOf(1))
    expect(() => handle.writeSync()).toThrow('only read')
    for (const call of [handle.write(), handle.truncate(), handle.datasync(), handle.sync()])
      await expect(call).rejects.toThrow('only read')
    handle.closeSync()
    await handle.close()
  })
})
