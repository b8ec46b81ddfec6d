import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { systemClock } from '@varve/pack/base'
import { type ErrorDetails, VarveError } from '@varve/pack/errors'
import { NodeFileSystem } from '@varve/pack/fs'
import { FaultFileSystem, ManualClock, MemoryFileSystem } from '@varve/pack/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LevelDoor } from '../level-door.ts'
import { acquireStoreLock, ProcessTable, type StoreLock, type StoreLockOptions } from './index.ts'

const packageFolder = fileURLToPath(new URL('../../../', import.meta.url))
const built = new URL('../../../dist/kv/index.js', import.meta.url).href
const require = createRequire(join(packageFolder, 'package.json'))
const packUrl = (room: string): string => pathToFileURL(require.resolve(`@varve/pack/${room}`)).href
const noLevel: LevelDoor = async () => ({ kind: 'unavailable', reason: 'no prebuild for this system' })

let root: string
const children: ChildProcess[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'varve-lock-'))
})
afterEach(async () => {
  await Promise.all(children.splice(0).map(kill))
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

/** A program for another process or thread: acquires, says how it went, and holds until its input ends. */
const program = (where: string, options: string = ''): string => `
  const { acquireStoreLock } = await import(${JSON.stringify(built)})
  const { NodeFileSystem } = await import(${JSON.stringify(packUrl('fs'))})
  const { systemClock } = await import(${JSON.stringify(packUrl('base'))})
  const acquire = () => acquireStoreLock({
    fileSystem: new NodeFileSystem(), clock: systemClock, root: ${JSON.stringify(where)}, ${options}
  })
  const told = async () => {
    try { return [await acquire(), 'held'] } catch (error) { return [undefined, error.code ?? String(error)] }
  }
`

/** Runs code in another process; gives its first line of output. */
async function start(code: string): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: packageFolder,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (part: Buffer) => {
      text += part.toString()
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
    child.once('exit', () => reject(new Error(`the other process ended after saying: ${text}`)))
  })
  return { child, line }
}

function startHolder(options?: string): Promise<{ child: ChildProcess; line: string }> {
  return start(`${program(root, options)}
    const [lock, word] = await told()
    console.log(word)
    process.stdin.resume().on('end', () => lock?.release())
  `)
}

/** What another process is told that wants the lock now. */
async function otherProcess(): Promise<string> {
  const { child, line } = await start(`${program(root)}
    const [lock, word] = await told()
    await lock?.release()
    console.log(word)
  `)
  await ended(child)
  return line
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise((resolve) => child.once('exit', resolve))
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await ended(child)
}

describe('the lock of a store on a disk', () => {
  it('is held once, leaves nothing but an empty database, and is there again after a release', async () => {
    const lock = await acquire()
    expect([lock.kind, lock.reason, lock.root]).toEqual(['level', undefined, realpathSync(root)])
    expect(readdirSync(root).sort()).toEqual(['lock', `lock-owner-${process.pid}`])
    await lock.verifyStillHeld()
    expect(await otherProcess()).toBe('STORE_LOCKED')
    await lock.release()
    await lock.release()
    expect(readdirSync(root)).toEqual(['lock'])
    await expect(lock.verifyStillHeld()).rejects.toThrow(expect.objectContaining({ code: 'LOCK_LOST' }))
    expect(await otherProcess()).toBe('held')
    await (await acquire()).release()
  })

  it('tells who has it and since when', async () => {
    const before = Date.now()
    const { child } = await startHolder()
    const { pid, since } = await refusal()
    expect(pid).toBe(child.pid)
    expect(since.getTime()).toBeGreaterThanOrEqual(before)
    expect(since.getTime()).toBeLessThanOrEqual(Date.now())
    expect(ownerFiles()).toEqual([`lock-owner-${child.pid}`])
  })

  it('is refused to a second opening in this process, which does not loosen it', async () => {
    const lock = await acquire()
    for (let i = 0; i < 3; i++) expect((await refusal()).pid).toBe(process.pid)
    expect(await otherProcess()).toBe('STORE_LOCKED')
    await lock.verifyStillHeld()
    await lock.release()
  })

  it('is refused to a worker thread, which does not loosen it', async () => {
    const lock = await acquire()
    const code = `(async () => {
      ${program(root)}
      const [, word] = await told()
      require('node:worker_threads').parentPort.postMessage(word)
    })()`
    const worker = new Worker(code, { eval: true, argv: [], execArgv: [] })
    expect(await new Promise((resolve) => worker.once('message', resolve))).toBe('STORE_LOCKED')
    await worker.terminate()
    expect(await otherProcess()).toBe('STORE_LOCKED')
    await lock.release()
  })

  it('is refused through a symbolic link, which does not loosen it', async () => {
    const lock = await acquire()
    const link = join(root, '..', `${root.split('/').pop()}-link`)
    symlinkSync(root, link)
    try {
      expect((await refusal({ root: link })).pid).toBe(process.pid)
      expect(
        (await refusal({ root: join(link, '.', '..', 'x', '..', link.split('/').pop() ?? '') })).pid,
      ).toBe(process.pid)
    } finally {
      rmSync(link)
    }
    expect(await otherProcess()).toBe('STORE_LOCKED')
    await lock.release()
  })

  it('is refused to a second copy of the module and of LevelDB, which does not loosen it', async () => {
    const copy = join(root, 'copy')
    copyModules(copy)
    const { line } = await start(`${program(root)}
      const lock = await acquire()
      const other = await import(${JSON.stringify(join(copy, 'kv', 'index.js'))})
      const { NodeFileSystem: OtherFileSystem } = await import(${JSON.stringify(
        join(copy, 'node_modules', '@varve', 'pack', 'dist', 'fs', 'index.js'),
      )})
      try {
        await other.acquireStoreLock({ fileSystem: new OtherFileSystem(), clock: systemClock, root: lock.root })
        console.log('acquired twice')
      } catch (error) {
        console.log(error.code, other.acquireStoreLock === acquireStoreLock)
      }
      process.stdin.resume()
    `)
    expect(line).toBe('STORE_LOCKED false')
    expect(await otherProcess()).toBe('STORE_LOCKED')
  })

  it('comes free when its holder is killed, and its owner file is tidied away', async () => {
    for (let i = 0; i < 3; i++) {
      const { child, line } = await startHolder()
      expect(line).toBe('held')
      await kill(child)
      expect(ownerFiles()).toEqual([`lock-owner-${child.pid}`])
      const lock = await acquire()
      expect(ownerFiles()).toEqual([`lock-owner-${process.pid}`])
      await lock.release()
    }
  })

  it('is not taken from a holder that was stopped', async () => {
    const { child } = await startHolder()
    child.kill('SIGSTOP')
    expect((await refusal({ waitMs: 300 })).pid).toBe(child.pid)
    child.kill('SIGCONT')
    child.stdin?.end()
    await ended(child)
    await (await acquire()).release()
  })

  it('goes to one at a time of many processes and threads that want it', async () => {
    const counter = join(root, 'counter')
    writeFileSync(counter, '0')
    const code = `${program(root, 'waitMs: 60_000')}
      const { readFileSync, writeFileSync } = await import('node:fs')
      for (let i = 0; i < 5; i++) {
        const lock = await acquire()
        const count = Number(readFileSync(${JSON.stringify(counter)}, 'utf8'))
        await systemClock.sleep(2)
        await lock.verifyStillHeld()
        writeFileSync(${JSON.stringify(counter)}, String(count + 1))
        await lock.release()
      }
    `
    const threaded = `
      import { Worker } from 'node:worker_threads'
      const code = ${JSON.stringify(`(async () => { ${code} })()`)}
      const threads = [1, 2].map(() => new Worker(code, { eval: true, execArgv: [] }))
      await Promise.all(threads.map((thread) => new Promise((resolve, reject) => {
        thread.once('exit', resolve)
        thread.once('error', reject)
      })))
      console.log('done')
    `
    const all = await Promise.all([
      start(`${code}; console.log('done')`),
      start(`${code}; console.log('done')`),
      start(threaded),
    ])
    expect(all.map(({ line }) => line)).toEqual(['done', 'done', 'done'])
    expect(readFileSync(counter, 'utf8')).toBe('20')
    expect(ownerFiles()).toEqual([])
  })
})

/**
 * LevelDB, our packages, and the room itself once more, as two installations in one program would have them.
 */
function copyModules(to: string): void {
  const modules = join(to, 'node_modules')
  const level = dirname(require.resolve('level/package.json'))
  const classic = dirname(createRequire(join(level, 'package.json')).resolve('classic-level/package.json'))
  mkdirSync(join(modules, '@varve', 'pack'), { recursive: true })
  for (const folder of [join(realpathSync(level), '..'), join(realpathSync(classic), '..')]) {
    cpSync(folder, modules, { recursive: true, dereference: true, force: true })
  }
  const pack = realpathSync(join(packageFolder, 'node_modules', '@varve', 'pack'))
  const dependencies = join(modules, 'xxhash-wasm')
  cpSync(join(pack, 'node_modules', 'xxhash-wasm'), dependencies, { recursive: true, dereference: true })
  for (const part of ['dist', 'package.json']) {
    cpSync(join(pack, part), join(modules, '@varve', 'pack', part), { recursive: true })
  }
  cpSync(join(packageFolder, 'dist', 'kv'), join(to, 'kv'), { recursive: true })
  writeFileSync(join(to, 'package.json'), '{"type":"module"}')
}

describe('waiting', () => {
  it('gets the lock when the other writer ends', async () => {
    const { child } = await startHolder()
    const waiting = acquire({ waitMs: 60_000 })
    await systemClock.sleep(30)
    child.stdin?.end()
    const lock = await waiting
    expect(await otherProcess()).toBe('STORE_LOCKED')
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
    const deadPids = Array.from({ length: 8 }, () => spawnSync('true').pid)
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
    expect(await otherProcess()).toBe('STORE_LOCKED')
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
    expect(await otherProcess()).toBe('STORE_LOCKED')
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
    expect(await otherProcess()).toBe('STORE_LOCKED')
    const { line } = await startHolder(`door: async () => ({ kind: 'unavailable', reason: '' })`)
    expect(line).toBe('STORE_LOCKED')
    await lock.release()
    expect(await otherProcess()).toBe('held')
  })

  it('it is refused while another process holds LevelDB, and comes free when that is killed', async () => {
    const { child } = await startHolder()
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
