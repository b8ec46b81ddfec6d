import { describe, expect, it } from 'vitest'
import { atomicReplace, readFully, writeFully } from '../fs/index.ts'
import {
  FaultFileSystem,
  type FaultPlan,
  fileSystemSuite,
  formatOperation,
  InterceptedFileSystem,
  MemoryFileSystem,
  type Operation,
  traceFileSystem,
} from './index.ts'

async function memory(): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  await fileSystem.mkdir('/s')
  await fileSystem.syncFolder('/')
  return fileSystem
}

async function faulty(plan: FaultPlan): Promise<FaultFileSystem> {
  return new FaultFileSystem(await memory(), plan)
}

describe('without a fault it keeps the promises of the seam', () => {
  it.each(fileSystemSuite)('$name', async ({ run }) => {
    await run(await faulty([]), '/s')
  })
})

describe('errors', () => {
  it('strike the chosen operation once', async () => {
    const fileSystem = await faulty([{ fault: { kind: 'error', code: 'EIO' }, kinds: ['write'], at: 2 }])
    const handle = await fileSystem.open('/s/a', 'create')
    expect(await handle.write(Buffer.from('a'), 0, 1, 0)).toBe(1)
    expect(() => handle.writeSync(Buffer.from('b'), 0, 1, 1)).toThrow(
      expect.objectContaining({ code: 'EIO' }),
    )
    expect(handle.writeSync(Buffer.from('c'), 0, 1, 1)).toBe(1)
    await handle.close()
    expect((await fileSystem.readFile('/s/a')).toString()).toBe('ac')
    expect(fileSystem.struck.map(({ kind }) => kind)).toEqual(['write'])
  })

  it('stay for good when the plan says so, on the chosen path', async () => {
    const fault = { kind: 'error', code: 'EROFS' } as const
    const fileSystem = await faulty([{ fault, path: /b$/, at: 2, times: 'always' }])
    await fileSystem.mkdir('/s/b')
    await fileSystem.mkdir('/s/a')
    for (let i = 0; i < 3; i++) await expect(fileSystem.mkdir('/s/b')).rejects.toThrow('EROFS')
    await expect(fileSystem.rename('/s/a', '/s/b')).rejects.toThrow('EROFS')
  })

  it('may come although the operation was carried out', async () => {
    const fault = { kind: 'error', code: 'EIO', late: true } as const
    const fileSystem = await faulty([{ fault, kinds: ['rename'] }])
    const handle = await fileSystem.open('/s/a', 'create')
    await handle.close()
    await expect(fileSystem.rename('/s/a', '/s/b')).rejects.toThrow('EIO')
    expect(await fileSystem.list('/s')).toEqual(['b'])
  })

  it('of a close leave no handle open', async () => {
    const inner = await memory()
    const fileSystem = new FaultFileSystem(inner, [
      { fault: { kind: 'error', code: 'EIO' }, kinds: ['close'], times: 'always' },
    ])
    const first = await fileSystem.open('/s/a', 'create')
    await expect(first.close()).rejects.toThrow('EIO')
    await first.close()
    const second = fileSystem.openSync('/s/a', 'read')
    expect(() => second.closeSync()).toThrow('EIO')
    expect(inner.openHandles()).toEqual([])
  })

  it('at every operation of a replacement leave the old file or the new one, and nothing open', async () => {
    for (const late of [false, true]) {
      let isDone = false
      for (let at = 1; !isDone; at++) {
        const inner = await memory()
        await atomicReplace(inner, '/s', 'a', Buffer.from('old'))
        const fileSystem = new FaultFileSystem(inner, [{ fault: { kind: 'error', code: 'EIO', late }, at }])
        const failed = await atomicReplace(fileSystem, '/s', 'a', Buffer.from('new')).catch(() => 'failed')
        isDone = fileSystem.struck.length === 0
        expect(failed).toBe(isDone ? undefined : 'failed')
        for (const { fileSystem: image } of inner.crashImages(100)) {
          expect(['old', 'new']).toContain((await image.readFile('/s/a')).toString())
        }
        expect(inner.openHandles()).toEqual([])
        await atomicReplace(inner, '/s', 'a', Buffer.from('newer'))
        expect(await inner.list('/s')).toEqual(['a'])
      }
    }
  })
})

describe('short writes', () => {
  it.each(['one', 'half', 'all-but-one'] as const)('(%s) are finished by writeFully', async (keep) => {
    const fileSystem = await faulty([{ fault: { kind: 'short', keep }, times: 'always' }])
    const handle = await fileSystem.open('/s/a', 'create')
    expect(handle.writeSync(Buffer.from('abcdefgh'), 0, 8, 0)).toBe(
      { one: 1, half: 4, 'all-but-one': 7 }[keep],
    )
    await writeFully(handle, Buffer.from('abcdefgh'), 0, 8, 0)
    const target = Buffer.alloc(10)
    expect(await readFully(handle, target, 0, 10, 0)).toBe(8)
    expect(target.toString('latin1', 0, 8)).toBe('abcdefgh')
    await handle.close()
  })
})

it('a sync that lies makes nothing durable', async () => {
  const inner = await memory()
  const fileSystem = new FaultFileSystem(inner, [{ fault: { kind: 'lie' }, kinds: ['sync'] }])
  await atomicReplace(fileSystem, '/s', 'a', Buffer.from('new'))
  expect(inner.crashImage({ keep: 'none' }).files().get('/s/a')?.toString()).toBe('')
  expect((await inner.readFile('/s/a')).toString()).toBe('new')
})

it('starts over with another plan', async () => {
  const fileSystem = await faulty([{ fault: { kind: 'error', code: 'EACCES' }, times: 'always' }])
  await expect(fileSystem.list('/s')).rejects.toThrow('EACCES')
  fileSystem.setPlan([])
  expect(await fileSystem.list('/s')).toEqual([])
  expect([fileSystem.operationCount, fileSystem.struck.length]).toEqual([1, 0])
})

it('tells about each operation, the steps of a replacement in their order', async () => {
  const lines: string[] = []
  const inner = await memory()
  const fileSystem = traceFileSystem(inner, (operation) => lines.push(formatOperation(operation, '/s')))
  await atomicReplace(fileSystem, '/s', 'control', Buffer.alloc(12))
  expect(lines).toEqual([
    'remove control.tmp !ENOENT',
    'create control.tmp',
    'write control.tmp @0+12',
    'sync control.tmp',
    'close control.tmp',
    'rename control.tmp -> control',
    'syncFolder .',
  ])
})

it('lets a test decide in which order calls are carried out', async () => {
  const waiting: { operation: Operation; go: () => void }[] = []
  const fileSystem = new InterceptedFileSystem(await memory(), {
    before: () => undefined,
    delay: (operation) => new Promise((resolve) => waiting.push({ operation, go: resolve })),
  })
  const order: string[] = []
  const first = fileSystem.mkdir('/s/first').then(() => order.push('first'))
  const second = fileSystem.mkdir('/s/second').then(() => order.push('second'))
  expect(waiting.map(({ operation }) => operation.path)).toEqual(['/s/first', '/s/second'])
  waiting[1]?.go()
  await second
  waiting[0]?.go()
  await first
  expect(order).toEqual(['second', 'first'])
})

it('shows the state before each operation, for a crash there', async () => {
  const inner = await memory()
  const states: string[] = []
  const fileSystem = new InterceptedFileSystem(inner, {
    before: ({ kind }) => {
      states.push(`${kind}: ${[...inner.crashImages(100)].length}`)
      return undefined
    },
  })
  await atomicReplace(fileSystem, '/s', 'a', Buffer.from('new'))
  expect(states.map((state) => state.split(':')[0])).toEqual([
    'remove',
    'create',
    'write',
    'sync',
    'close',
    'rename',
    'syncFolder',
  ])
  expect(states[0]).toBe('remove: 1')
})
