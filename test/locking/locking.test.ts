/** One writer at a time, whichever way a second one comes to the store. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type Clock, Deferred, systemClock } from '@varve/pack/base'
import { NodeFileSystem } from '@varve/pack/fs'
import { readControl, replaceControl } from '@varve/pack/pack'
import { Store, type StoreEvent } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

interface Answer {
  readonly code: string
  readonly pid?: number
  readonly since?: string
  readonly commit?: string
}

const program = new URL('../dist/store-opener.js', import.meta.url)
const storePackage = fileURLToPath(new URL('../../packages/store/', import.meta.url))
/** Longer than any test. */
const forEver = 3_600_000
let parent: string
let folder: string
let children: ChildProcess[] = []
let stores: Store[] = []

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'varve-locking-'))
  folder = join(parent, 'store')
})

afterEach(async () => {
  for (const child of children) await kill(child)
  for (const store of stores) await store.close()
  children = []
  stores = []
  rmSync(parent, { recursive: true, force: true })
})

/** A store that is closed at the end of the test. */
async function open(...args: Parameters<typeof openStore> | [path?: string]): Promise<Store> {
  const [path = folder, options, platform] = args
  const store = await openStore(path, options, platform)
  stores.push(store)
  return store
}

/** Another process that opens the store, with what it says; one that only asks has ended by then. */
async function start(how: 'ask' | 'hold'): Promise<{ child: ChildProcess; answer: Answer }> {
  const args = [fileURLToPath(program), folder, how]
  const child = spawn(process.execPath, args, { stdio: 'pipe' })
  children.push(child)
  let said = ''
  let complaint = ''
  const line = new Deferred()
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    said += part
    if (said.includes('\n')) line.resolve()
  })
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    complaint += part
  })
  const end = once(child, 'close')
  await (how === 'hold' ? Promise.race([line.promise, end]) : end)
  if (!said.includes('\n')) throw new Error(`the other process said nothing: ${complaint}`)
  return { child, answer: JSON.parse(said) as Answer }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

/** What a refused opening rejects with. */
async function refusal(opening: Promise<{ close(): Promise<void> }>): Promise<unknown> {
  const outcome = await opening.catch((error: unknown) => error)
  if (!(outcome instanceof Error)) await (outcome as Store).close()
  return outcome
}

function lockedSince(from: number, pid: number | undefined = process.pid): object {
  const isThen = (since: unknown): boolean =>
    since instanceof Date && since.getTime() >= from && since.getTime() <= Date.now()
  return {
    code: 'STORE_LOCKED',
    details: { pid, since: expect.toSatisfy(isThen, 'the time of the first opening') },
  }
}

/** Nothing that was tried meanwhile has loosened the lock. */
async function expectOthersRefused(): Promise<void> {
  expect((await start('ask')).answer).toMatchObject({ code: 'STORE_LOCKED', pid: process.pid })
}

describe('a second opening is refused, and leaves the first its lock', () => {
  let from: number
  let first: Store

  beforeEach(async () => {
    from = Date.now()
    first = await open()
  })

  afterEach(async () => {
    await expectOthersRefused()
    const head = await first.branch('main').commit((edit) => void edit.set('still', 'ours'))
    await first.gc.run(head)
    await first.close()
    expect((await start('ask')).answer).toEqual({ code: 'opened' })
    expect(readdirSync(folder).filter((name) => name.startsWith('lock-owner'))).toEqual([])
  })

  test('in the same process', async () => {
    for (let i = 0; i < 3; i++) {
      expect(await refusal(Store.open(folder))).toMatchObject(lockedSince(from))
      await expectOthersRefused()
    }
  })

  test('in another process', async () => {
    const { answer } = await start('ask')
    const details = { pid: answer.pid, since: new Date(answer.since ?? '') }
    expect({ code: answer.code, details }).toMatchObject(lockedSince(from))
  })

  test('in a worker thread', async () => {
    const worker = new Worker(program, { argv: [folder, 'ask'], stdout: true, execArgv: [] })
    const exit = once(worker, 'exit')
    const parts: Buffer[] = await worker.stdout.toArray()
    expect(await exit).toEqual([0])
    const answer = JSON.parse(Buffer.concat(parts).toString()) as Answer
    const details = { pid: answer.pid, since: new Date(answer.since ?? '') }
    expect({ code: answer.code, details }).toMatchObject(lockedSince(from))
  })

  test('through a symbolic link', async () => {
    const link = join(parent, 'link')
    symlinkSync(folder, link)
    expect(await refusal(Store.open(link))).toMatchObject(lockedSince(from))
    symlinkSync(parent, join(parent, 'above'))
    const around = join(parent, 'above', 'above', 'store')
    expect(await refusal(Store.open(pathToFileURL(around)))).toMatchObject(lockedSince(from))
  })

  test('by another copy of the module', async () => {
    const copy = join(parent, 'copy')
    // The source is there for the maps to point to.
    for (const part of ['dist', 'src', 'package.json']) {
      cpSync(join(storePackage, part), join(copy, part), { recursive: true })
    }
    symlinkSync(realpathSync(join(storePackage, 'node_modules')), join(copy, 'node_modules'))
    const url = pathToFileURL(join(copy, 'dist', 'index.js')).href
    const other = (await import(/* @vite-ignore */ url)) as { Store: typeof Store }
    expect(other.Store).not.toBe(Store)
    expect(await refusal(other.Store.open(folder))).toMatchObject(lockedSince(from))
  })
})

describe('waiting for the lock', () => {
  /** The clock of an opening that is told of its pauses. */
  function clockWith(sleep: Clock['sleep'], monotonic = systemClock.monotonic): Clock {
    return { ...systemClock, sleep, monotonic }
  }

  test.each(['here', 'in another process'])('ends when the first writer, %s, closes', async (where) => {
    const first = where === 'here' ? await open() : undefined
    const holder = first === undefined ? await start('hold') : undefined
    const pause = new Deferred()
    const clock = clockWith((ms, signal) => {
      pause.resolve()
      return systemClock.sleep(ms, signal)
    })
    const waiting = open(folder, { lock: { wait: forEver } }, { clock })
    await pause.promise
    await first?.close()
    holder?.child.stdin?.end()
    const store = await waiting
    await expectOthersRefused()
    await store.branch('main').commit((edit) => void edit.set('a', 'b'))
  })

  test('ends with STORE_LOCKED after its time', async () => {
    const from = Date.now()
    await open()
    let now = 0
    const clock = clockWith(
      async (ms) => {
        now += ms
      },
      () => now,
    )
    const waiting = refusal(openStore(folder, { lock: { wait: '2s' } }, { clock }))
    expect(await waiting).toMatchObject(lockedSince(from))
    expect(now).toBe(2_000)
    await expectOthersRefused()
  })

  test('can be aborted', async () => {
    const first = await open()
    const controller = new AbortController()
    const reason = new Error('no more patience')
    const clock = clockWith((ms, signal) => {
      const pause = systemClock.sleep(ms, signal)
      controller.abort(reason)
      return pause
    })
    const { signal } = controller
    const waiting = refusal(openStore(folder, { lock: { wait: forEver }, signal }, { clock }))
    expect(await waiting).toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: reason })
    await expectOthersRefused()
    await first.close()
    await open()
  })
})

describe('a lock that is taken away', () => {
  const disk = new NodeFileSystem()

  async function stealControl(): Promise<void> {
    const { state } = await readControl(disk, folder)
    const { sequence, writerTerm } = state
    await replaceControl(disk, folder, { ...state, sequence: sequence + 1, writerTerm: writerTerm + 1 })
  }

  async function replaceLockedFile(): Promise<void> {
    const file = join(folder, 'lock', 'LOCK')
    renameSync(file, join(parent, 'old'))
    writeFileSync(file, '')
  }

  async function removeLockFolder(): Promise<void> {
    rmSync(join(folder, 'lock'), { recursive: true })
  }

  const thefts = { stealControl, replaceLockedFile, removeLockFolder }
  const switches: Record<string, (store: Store) => Promise<unknown>> = {
    'a new chunk': (store) => store.advanced.split(),
    'a collection': (store) => store.gc.run(),
  }
  const cases = Object.keys(thefts).flatMap((theft) =>
    Object.keys(switches).map((at) => [theft, at] as const),
  )

  test.each(cases)('%s: %s finds out, and the writer has failed', async (theft, at) => {
    const events: StoreEvent[] = []
    const store = await open(folder, { onEvent: (event) => void events.push(event) })
    const main = store.branch('main')
    const head = await main.commit((edit) => void edit.set('a', 'b'))
    await thefts[theft as keyof typeof thefts]()
    const control = await disk.readFile(join(folder, 'control'))
    await expect(switches[at]?.(store)).rejects.toMatchObject({ code: 'LOCK_LOST' })
    expect(await disk.readFile(join(folder, 'control')), 'control is left to its writer').toEqual(control)
    const more = main.commit((edit) => void edit.set('c', 'd'))
    await expect(more).rejects.toMatchObject({ code: 'LOCK_LOST' })
    await expect(store.flush()).rejects.toMatchObject({ code: 'LOCK_LOST' })
    expect(events.filter(({ type }) => type === 'writer-failed')).toMatchObject([
      { error: { code: 'LOCK_LOST' } },
    ])
    expect((await main.head())?.hash).toBe(head.hash)
    expect(Buffer.from((await main.get('a')) ?? []).toString()).toBe('b')
    await store.close()
    const next = await open()
    expect((await next.branch('main').head())?.hash).toBe(head.hash)
    await next.branch('main').commit((edit) => void edit.set('c', 'd'))
    await next.gc.run()
    await expectOthersRefused()
  })
})

test('a holder that is killed leaves the lock to the next one, with what it had committed', async () => {
  for (let i = 0; i < 3; i++) {
    const from = Date.now()
    const { child, answer } = await start('hold')
    expect(answer.code).toBe('opened')
    const error = await refusal(Store.open(folder))
    expect(error).toMatchObject({ code: 'STORE_LOCKED', details: { pid: child.pid } })
    expect((error as { details: { since: Date } }).details.since.getTime()).toBeGreaterThanOrEqual(from)
    await kill(child)
    expect(existsSync(join(folder, `lock-owner-${child.pid}`))).toBe(true)
    const store = await open()
    expect((await store.branch('held').head())?.hash).toBe(answer.commit)
    const owners = readdirSync(folder).filter((name) => name.startsWith('lock-owner'))
    expect(owners).toEqual([`lock-owner-${process.pid}`])
    await store.close()
  }
})
