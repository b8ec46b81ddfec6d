import {
  cpSync,
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
import { Worker } from 'node:worker_threads'
import { systemClock } from '@varve/pack/base'
import { type ErrorDetails, VarveError } from '@varve/pack/errors'
import { NodeFileSystem } from '@varve/pack/fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ended,
  kill,
  lockProgram,
  OtherProcesses,
  packageFolder,
  requireHere,
} from '../testing/other-processes.ts'
import { acquireStoreLock, type StoreLock, type StoreLockOptions } from './index.ts'

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

describe('the lock of a store on a disk', () => {
  it('is held once, leaves nothing but an empty database, and is there again after a release', async () => {
    const lock = await acquire()
    expect([lock.kind, lock.reason, lock.root]).toEqual(['level', undefined, realpathSync(root)])
    expect(readdirSync(root).sort()).toEqual(['lock', `lock-owner-${process.pid}`])
    await lock.verifyStillHeld()
    expect(await processes.ask(root)).toBe('STORE_LOCKED')
    await lock.release()
    await lock.release()
    expect(readdirSync(root)).toEqual(['lock'])
    await expect(lock.verifyStillHeld()).rejects.toThrow(expect.objectContaining({ code: 'LOCK_LOST' }))
    expect(await processes.ask(root)).toBe('held')
    await (await acquire()).release()
  })

  it('tells who has it and since when', async () => {
    const before = Date.now()
    const { child } = await processes.startHolder(root)
    const { pid, since } = await refusal()
    expect(pid).toBe(child.pid)
    expect(since.getTime()).toBeGreaterThanOrEqual(before)
    expect(since.getTime()).toBeLessThanOrEqual(Date.now())
    expect(ownerFiles()).toEqual([`lock-owner-${child.pid}`])
  })

  it('is refused to a second opening in this process, which does not loosen it', async () => {
    const lock = await acquire()
    for (let i = 0; i < 3; i++) expect((await refusal()).pid).toBe(process.pid)
    expect(await processes.ask(root)).toBe('STORE_LOCKED')
    await lock.verifyStillHeld()
    await lock.release()
  })

  it('is refused to a worker thread, which does not loosen it', async () => {
    const lock = await acquire()
    const code = `(async () => {
      ${lockProgram(root)}
      const [, word] = await told()
      require('node:worker_threads').parentPort.postMessage(word)
    })()`
    const worker = new Worker(code, { eval: true, argv: [], execArgv: [] })
    expect(await new Promise((resolve) => worker.once('message', resolve))).toBe('STORE_LOCKED')
    await worker.terminate()
    expect(await processes.ask(root)).toBe('STORE_LOCKED')
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
    expect(await processes.ask(root)).toBe('STORE_LOCKED')
    await lock.release()
  })

  it('is refused to a second copy of the module and of LevelDB, which does not loosen it', async () => {
    const copy = join(root, 'copy')
    copyModules(copy)
    const { line } = await processes.start(`${lockProgram(root)}
      const lock = await acquire()
      const other = await import(${JSON.stringify(join(copy, 'kv', 'index.js'))})
      const { NodeFileSystem: OtherFileSystem } = await import(${JSON.stringify(
        join(copy, 'node_modules', '@varve', 'pack', 'dist', 'fs', 'index.js'),
      )})
      try {
        const fileSystem = new OtherFileSystem()
        await other.acquireStoreLock({ fileSystem, clock: systemClock, root: lock.root })
        console.log('acquired twice')
      } catch (error) {
        console.log(error.code, other.acquireStoreLock === acquireStoreLock)
      }
      process.stdin.resume()
    `)
    expect(line).toBe('STORE_LOCKED false')
    expect(await processes.ask(root)).toBe('STORE_LOCKED')
  })

  it('comes free when its holder is killed, and its owner file is tidied away', async () => {
    for (let i = 0; i < 3; i++) {
      const { child, line } = await processes.startHolder(root)
      expect(line).toBe('held')
      await kill(child)
      expect(ownerFiles()).toEqual([`lock-owner-${child.pid}`])
      const lock = await acquire()
      expect(ownerFiles()).toEqual([`lock-owner-${process.pid}`])
      await lock.release()
    }
  })

  it('is not taken from a holder that was stopped', async () => {
    const { child } = await processes.startHolder(root)
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
    const code = `${lockProgram(root, 'waitMs: 60_000')}
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
      processes.start(`${code}; console.log('done')`),
      processes.start(`${code}; console.log('done')`),
      processes.start(threaded),
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
  const level = dirname(requireHere.resolve('level/package.json'))
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
