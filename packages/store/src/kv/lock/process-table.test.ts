import { spawn, spawnSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { NodeFileSystem, writeFully } from '@varve/pack/fs'
import { FaultFileSystem, MemoryFileSystem } from '@varve/pack/testing'
import { describe, expect, it } from 'vitest'
import { isSameStart, ProcessTable } from './process-table.ts'

const own = new ProcessTable(new NodeFileSystem())
const withoutProc = new ProcessTable(new NodeFileSystem(), '/nowhere/proc')

/** A `/proc` that says of process 1 what the line says. */
async function proc(line: string): Promise<ProcessTable> {
  const fileSystem = new MemoryFileSystem()
  await fileSystem.mkdir('/proc/1')
  const handle = await fileSystem.open('/proc/1/stat', 'create')
  await writeFully(handle, Buffer.from(line), 0, line.length, 0)
  await handle.close()
  return new ProcessTable(fileSystem)
}

describe('/proc', () => {
  it('tells when a process started, whatever its program is called', async () => {
    const rest = `${Array.from({ length: 18 }, (_, i) => i + 100).join(' ')} 4711 0 0`
    for (const name of ['node', 'a b', 'a) S 1 2 (b', ')', '']) {
      const table = await proc(`1 (${name}) S ${rest}\n`)
      expect(await table.find(1)).toEqual({ kind: 'running', start: '4711' })
    }
    expect(await (await proc(`1 (node) Z ${rest}\n`)).find(1)).toEqual({ kind: 'none' })
    expect(await (await proc(`1 (node) X ${rest}\n`)).find(1)).toEqual({ kind: 'none' })
  })

  it('finds this process, and no process that has ended', async () => {
    const self = await own.self()
    expect(self.pid).toBe(process.pid)
    expect(await own.find(process.pid)).toEqual({ kind: 'running', start: self.start })
    expect(await own.self()).toEqual(self)
    expect(await own.find(spawnSync(process.execPath, ['-e', '']).pid)).toEqual({ kind: 'none' })
  })

  it('tells a living process from a killed one', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
    const { pid } = child
    expect((await own.find(pid as number)).kind).toBe('running')
    child.kill('SIGKILL')
    await new Promise((resolve) => child.on('exit', resolve))
    expect(await own.find(pid as number)).toEqual({ kind: 'none' })
  })

  it('does not take an error for the lack of it', async () => {
    for (const code of ['EMFILE', 'EIO'] as const) {
      const faulty = new FaultFileSystem(new NodeFileSystem(), [{ fault: { kind: 'error', code } }])
      await expect(new ProcessTable(faulty).self()).rejects.toThrow(code)
    }
  })
})

describe('without /proc', () => {
  it('knows this process again, and whether another one lives', async () => {
    const [first, second] = [await withoutProc.self(), await withoutProc.self()]
    expect(first.start).toMatch(/^computed:/)
    expect(isSameStart(first.start, second.start)).toBe(true)
    expect(await withoutProc.find(process.pid)).toEqual({ kind: 'running', start: undefined })
    expect(await withoutProc.find(spawnSync(process.execPath, ['-e', '']).pid)).toEqual({ kind: 'none' })
  })

  it('computes the same start in a worker thread', async () => {
    const { start } = await withoutProc.self()
    const code = `
      const { parentPort } = require('node:worker_threads')
      parentPort.postMessage(Number(process.hrtime.bigint() / 1000n) / 1000 - process.uptime() * 1000)
    `
    const worker = new Worker(code, { eval: true })
    const inThread = await new Promise<number>((resolve) => worker.once('message', resolve))
    expect(isSameStart(start, `computed:${Math.round(inThread)}`)).toBe(true)
    await worker.terminate()
  })

  it('takes no other start for its own', () => {
    expect(isSameStart('computed:1000', 'computed:1051')).toBe(false)
    expect(isSameStart('computed:1000', 'computed:1049')).toBe(true)
    expect(isSameStart('computed:1000', '1000')).toBe(false)
    expect(isSameStart('1000', '1001')).toBe(false)
  })
})
