import { VarveError } from '@varve/pack/errors'
import { expect, test } from 'vitest'
import { CommandFailure } from './command-failure.ts'
import { reportFailure } from './failure-report.ts'
import type { GlobalOptions } from './global-options.ts'
import { MemoryHost } from './testing/memory-host.ts'

type Options = Pick<GlobalOptions, 'json' | 'quiet' | 'verbose' | 'color'>

const plain: Options = { json: false, quiet: false, verbose: false, color: 'auto' }

async function told(
  cause: unknown,
  options: Partial<Options> = {},
  command?: string,
): Promise<[number, string]> {
  const host = new MemoryHost()
  const exit = await reportFailure(cause, host, { ...plain, ...options, command })
  expect(host.stdout.text).toBe('')
  return [exit, host.stderr.text]
}

test.each<[VarveError, number]>([
  [new VarveError('NO_STORE', { path: '/x' }), 10],
  [new VarveError('STORE_LOCKED', { pid: 7, since: new Date(0) }), 11],
  [new VarveError('CORRUPT', { file: 'control', offset: 3 }), 13],
  [new VarveError('LOWER_UNAVAILABLE', { path: '/x' }), 14],
  [new VarveError('NO_SPACE', { needed: 2, free: 1 }), 15],
  [new VarveError('NEWER_FORMAT', { found: 2, supported: 1 }), 16],
  [new VarveError('UNKNOWN_COMMIT', { text: 'x' }), 4],
  [new VarveError('COLLECTED', {}), 4],
  [new VarveError('INVALID_PATH', { path: 'a//b', hint: 'a rule' }), 2],
  [new VarveError('WRITER_FAILED', { file: 'x' }), 1],
  [new VarveError('ABORTED', {}), 130],
])('%s', async (error, expected) => {
  const [exit, text] = await told(error)
  expect(exit).toBe(expected)
  expect(text).toMatch(new RegExp(`^varve: [^A-Z].*  \\[${error.code}\\]\n`))
  const [, json] = await told(error, { json: true })
  expect(JSON.parse(json)).toMatchObject({ type: 'error', code: error.code, exit: expected })
})

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: no room, write`), { code, syscall: 'write' })
}

test.each([
  ['WRITER_FAILED', new VarveError('WRITER_FAILED', { file: 'x' }, { cause: systemError('ENOSPC') })],
  ['NO_SPACE', new VarveError('NO_SPACE', { needed: 2, free: 1 }, { cause: systemError('ENOSPC') })],
  [
    'WRITER_FAILED',
    new VarveError(
      'WRITER_FAILED',
      { file: 'x' },
      { cause: new Error('y', { cause: systemError('ENOSPC') }) },
    ),
  ],
  [
    'GC_FAILED',
    new VarveError('GC_FAILED', { reason: 'disk' }, { cause: new AggregateError([systemError('ENOSPC')]) }),
  ],
  ['FILE_FAILED', systemError('ENOSPC')],
])('a full disk is no space, and is named: %s', async (code, error) => {
  const [exit, text] = await told(error)
  expect(exit).toBe(15)
  expect(text).toMatch(new RegExp(`^varve: .*ENOSPC.*  \\[${code}\\]\n`))
  if (code !== 'FILE_FAILED') expect(text).toContain('the disk is full (ENOSPC)')
})

test('another cause, or none, is no full disk', async () => {
  const failing = new VarveError('WRITER_FAILED', { file: 'x' }, { cause: systemError('EIO') })
  const [exit, text] = await told(failing)
  expect(exit).toBe(1)
  expect(text).not.toContain('full)')
  const loop = new Error('round and round')
  loop.cause = loop
  expect((await told(new VarveError('WRITER_FAILED', { file: 'x' }, { cause: loop })))[0]).toBe(1)
})

test('a hint is one for the command that failed', async () => {
  const isTree = new VarveError('IS_A_TREE', { path: 'a' })
  const isFile = new VarveError('NOT_A_TREE', { path: 'a' })
  const hint = async (error: VarveError, command?: string): Promise<string> =>
    (await told(error, {}, command))[1].split('\n')[1] ?? ''
  for (const command of ['cat', 'checkout', 'ls', undefined]) {
    expect(await hint(isTree, command)).not.toContain('--replace')
    expect(await hint(isFile, command)).not.toContain('--replace')
  }
  expect(await hint(isTree, 'set')).toContain('--replace puts a file')
  expect(await hint(isFile, 'set')).toContain('--replace puts a directory')
  expect(await hint(isFile, 'checkout')).toContain('varve cat')
  expect(await hint(isTree, 'cat')).toContain('varve ls')
})

test('a lock tells which program has it, if that is known', async () => {
  const since = new Date(0)
  const [, text] = await told(new VarveError('STORE_LOCKED', { pid: 7, since, program: 'server.js' }))
  expect(text).toContain('process 7 (server.js) has been writing to the store since 1970-')
  const [, unknown] = await told(new VarveError('STORE_LOCKED', { pid: 7, since }))
  expect(unknown).toContain('process 7 has been writing to the store since 1970-')
})

test('paths are told as text, dates as text', async () => {
  const path = ['a', Buffer.from('b')]
  const [, json] = await told(new VarveError('NOT_A_TREE', { path }), { json: true })
  expect((JSON.parse(json) as { details: unknown }).details).toEqual({ path: 'a/b' })
  const [, locked] = await told(new VarveError('STORE_LOCKED', { pid: 7, since: new Date(0) }), {
    json: true,
  })
  expect((JSON.parse(locked) as { details: unknown }).details).toEqual({
    pid: 7,
    since: '1970-01-01T00:00:00.000Z',
  })
})

test('what the system says is told with its code', async () => {
  const cause = Object.assign(new Error('EACCES: permission denied, open'), {
    code: 'EACCES',
    syscall: 'open',
    path: '/x',
  })
  expect(await told(cause)).toEqual([1, 'varve: EACCES: permission denied, open  [FILE_FAILED]\n'])
})

test('a mistake of the command shows where it was made, with its causes', async () => {
  const [exit, text] = await told(new TypeError('x is not a function', { cause: new Error('below') }))
  expect(exit).toBe(1)
  expect(text).toContain('[INTERNAL]')
  expect(text).toContain('failure-report.test.ts')
  expect(text).toContain('caused by Error: below')
})

test('hints are left out when silence was asked for', async () => {
  const failure = new CommandFailure('NOT_EMPTY', 'not empty', { hint: 'a hint' })
  expect((await told(failure))[1]).toContain('a hint')
  const host = new MemoryHost()
  await reportFailure(failure, host, { ...plain, quiet: true })
  expect(host.stderr.text).toBe('varve: not empty  [NOT_EMPTY]\n')
})
