import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@varve/pack/base'
import { type ErrorDetails, VarveError } from '@varve/pack/errors'
import { NodeFileSystem } from '@varve/pack/fs'
import { FaultFileSystem, ManualClock, MemoryFileSystem } from '@varve/pack/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LevelDoor } from '../level-door.ts'
import { kill, OtherProcesses } from '../testing/other-processes.ts'
import { acquireStoreLock, ProcessTable, type StoreLock, type StoreLockOptions } from './index.ts'

const noLevel: LevelDoor = async () => ({ kind: 'unavailable', reason: 'no prebuild for this system' })

let root: string
const processes = new OtherProcesses()
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'varve-lock-'))
})
afterEach(async () => {
  await processes.killAll()
  rmSync(root, { recursive: true })
})

function acquire(options: Partial<StoreLockOptions> = {}): Promise<StoreLock> {
  return acquireStoreLock({ fileSystem: new NodeFileSystem(), root, clock: systemClock, ...options })
}

async function refusal(options: Partial<StoreLockOptions> = {}): Promise<ErrorDetails['STORE_LOCKED']> {
  const error = await acquire(options).then(
    () => 'it was acquired',
    (reason: unknown) => reason,
  )
  if (!VarveError.is(error, 'STORE_LOCKED')) throw error
  return error.details
}

function ownerFiles(): string[] {
  return readdirSync(root).filter((name) => name.startsWith('lock-owner'))
}

describe('waiting', () => {
  it('gets the lock when the other writer ends', async () => {
    const { child } = await processes.startHolder(root)
    const waiting = acquire({ waitMs: 60_000 })
    await systemClock.sleep(30)
    child.stdin?.end()
    const lock = await waiting
    expect(await processes.ask(root)).toBe('STORE_LOCKED')
    await lock.release()
  })

  it('also gets it from another opening in this process', async () => {
    const lock = await acquire()
    const waiting = acquire({ waitMs: 60_000 })
    await systemClock.sleep(20)
    await lock.release()
    await (await waiting).release()
  })

  it('ends after its time', async () => {
    const lock = await acquire()
    const clock = new ManualClock()
    let isOver = false
    const waiting = refusal({ clock, waitMs: 1_000 }).finally(() => {
      isOver = true
    })
    while (clock.monotonic() < 900) await step(clock)
    expect(isOver).toBe(false)
    while (!isOver) await step(clock)
    expect(clock.monotonic()).toBeLessThan(1_200)
    expect((await waiting).pid).toBe(process.pid)
    await lock.release()
  })

  it('can be aborted', async () => {
    const lock = await acquire()
    const controller = new AbortController()
    const waiting = acquire({ waitMs: 60_000, signal: controller.signal })
    const reason = new Error('no more patience')
    setTimeout(() => controller.abort(reason), 20)
    await expect(waiting).rejects.toThrow(expect.objectContaining({ code: 'ABORTED', cause: reason }))
    await expect(acquire({ signal: controller.signal })).rejects.toThrow(
      expect.objectContaining({ code: 'ABORTED' }),
    )
    await lock.release()
    expect(ownerFiles()).toEqual([])
  })

  /** Lets real file operations happen, then moves the clock on. */
  async function step(clock: ManualClock): Promise<void> {
    await systemClock.sleep(1)
    await clock.advance(10)
  }
})

describe('owner files that are there', () => {
  it('stay when their process may live, and go when it is dead', async () => {
    const self = await new ProcessTable(new NodeFileSystem()).self()
    const now = Date.now()
    const old = now - 2 * 3_600_000
    const deadPids = Array.from({ length: 8 }, () => spawnSync(process.execPath, ['-e', '']).pid)
    const make = (name: string, content: object | string): void => {
      writeFileSync(join(root, name), typeof content === 'string' ? content : JSON.stringify(content))
    }
    const owner = (pid: number | undefined, more: object): object => {
      return { ...self, pid, start: '5', sinceMs: now, program: '', backing: 'level', ...more }
    }
    const [dead, boot, host, hostOld, space, spaceOld, torn, claim] = deadPids
    make(`lock-owner-${dead}`, owner(dead, {}))
    make(`lock-owner-${boot}`, owner(boot, { boot: 'earlier' }))
    make(`lock-owner-${host}`, owner(host, { boot: 'other', host: 'elsewhere' }))
    make(`lock-owner-${hostOld}`, owner(hostOld, { boot: 'other', host: 'elsewhere', sinceMs: old }))
    make(`lock-owner-${space}.99`, owner(space, { namespace: '99' }))
    make(`lock-owner-${spaceOld}.99`, owner(spaceOld, { namespace: '99', sinceMs: old }))
    make(`lock-owner-${torn}`, '')
    make(`lock-owner-${claim}.claim-5`, owner(claim, {}))
    make(`lock-owner-${process.ppid}`, owner(process.ppid, { start: 'of another one' }))
    make(`lock-owner-${process.pid}`, owner(process.pid, { start: 'of an earlier one' }))
    make('lock-owner-x', '')
    make('lock-owner-1.txt', '')
    const lock = await acquire()
    const stay = [
      `lock-owner-${host}`,
      `lock-owner-${space}.99`,
      `lock-owner-${process.ppid}`,
      `lock-owner-${process.pid}`,
      'lock-owner-x',
      'lock-owner-1.txt',
    ]
    expect(ownerFiles().sort()).toEqual(stay.sort())
    expect(await processes.ask(root)).toBe('STORE_LOCKED')
    await lock.release()
    expect(existsSync(join(root, `lock-owner-${process.pid}`))).toBe(false)
  })
})

describe('when something is wrong', () => {
  it('notices that somebody has removed or replaced the locked file', async () => {
    const lock = await acquire()
    rmSync(join(root, 'lock'), { recursive: true })
    await expect(lock.verifyStillHeld()).rejects.toThrow(expect.objectContaining({ code: 'LOCK_LOST' }))
    mkdirSync(join(root, 'lock'))
    writeFileSync(join(root, 'lock', 'LOCK'), '')
    await expect(lock.verifyStillHeld()).rejects.toThrow(expect.objectContaining({ code: 'LOCK_LOST' }))
    await lock.release()
    expect(ownerFiles()).toEqual([])
  })

  it('makes a damaged lock database anew and keeps the locked file', async () => {
    await (await acquire()).release()
    for (const name of readdirSync(join(root, 'lock'))) {
      if (name !== 'LOCK') writeFileSync(join(root, 'lock', name), 'no database')
    }
    const lock = await acquire()
    expect(await processes.ask(root)).toBe('STORE_LOCKED')
    await lock.release()
  })

  it('leaves no owner file when LevelDB cannot be opened', async () => {
    writeFileSync(join(root, 'lock'), 'a file where the folder should be')
    await expect(acquire()).rejects.toThrow(expect.objectContaining({ code: 'EEXIST' }))
    const failing: LevelDoor = async () => ({
      kind: 'loaded',
      open: async () => ({ kind: 'failed', reason: 'disk', cause: new Error('disk') }),
    })
    rmSync(join(root, 'lock'))
    await expect(acquire({ door: failing })).rejects.toThrow(
      expect.objectContaining({ code: 'WRITER_FAILED' }),
    )
    expect(ownerFiles()).toEqual([])
  })

  it('can be acquired after any one operation has failed', async () => {
    for (let at = 1, isDone = false; !isDone; at++) {
      const fileSystem = new FaultFileSystem(new NodeFileSystem(), [
        { fault: { kind: 'error', code: 'EIO' }, at },
      ])
      const lock = await acquire({ fileSystem }).catch(() => undefined)
      isDone = lock !== undefined && fileSystem.struck.length === 0
      // One that fails while it gives the lock back is given back again.
      await lock?.release().catch(() => lock.release())
      expect(ownerFiles()).toEqual([])
      const again = await acquire()
      await again.release()
    }
  })
})

describe('without LevelDB', () => {
  it('owner files alone keep others out, whichever way they lock', async () => {
    const lock = await acquire({ door: noLevel })
    expect([lock.kind, lock.reason]).toEqual(['owner-file', 'no prebuild for this system'])
    await lock.verifyStillHeld()
    expect((await refusal()).pid).toBe(process.pid)
    expect(await processes.ask(root)).toBe('STORE_LOCKED')
    const { line } = await processes.startHolder(
      root,
      `door: async () => ({ kind: 'unavailable', reason: '' })`,
    )
    expect(line).toBe('STORE_LOCKED')
    await lock.release()
    expect(await processes.ask(root)).toBe('held')
  })

  it('it is refused while another process holds LevelDB, and comes free when that is killed', async () => {
    const { child } = await processes.startHolder(root)
    expect((await refusal({ door: noLevel })).pid).toBe(child.pid)
    await kill(child)
    const lock = await acquire({ door: noLevel })
    rmSync(join(root, `lock-owner-${process.pid}`))
    await expect(lock.verifyStillHeld()).rejects.toThrow(expect.objectContaining({ code: 'LOCK_LOST' }))
    await lock.release()
  })
})

describe('in memory', () => {
  it('one opening has a folder of a file system at a time', async () => {
    const fileSystem = new MemoryFileSystem()
    await fileSystem.mkdir('/s/other')
    const options = { fileSystem, memoryKey: fileSystem, root: '/s' }
    const lock = await acquire(options)
    expect([lock.kind, lock.root]).toEqual(['memory', '/s'])
    expect((await refusal({ ...options, root: '/s/./other/..' })).pid).toBe(process.pid)
    await (await acquire({ ...options, root: '/s/other' })).release()
    const copy = fileSystem.clone()
    await (await acquire({ ...options, fileSystem: copy, memoryKey: copy })).release()
    await lock.verifyStillHeld()
    await lock.release()
    await expect(lock.verifyStillHeld()).rejects.toThrow(expect.objectContaining({ code: 'LOCK_LOST' }))
    const next = await acquire(options)
    await lock.release()
    await next.verifyStillHeld()
    await next.release()
  })
})
