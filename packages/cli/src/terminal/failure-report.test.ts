import { VarveError } from '@varve/pack/errors'
import { expect, test } from 'vitest'
import { CommandFailure } from './command-failure.ts'
import { reportFailure } from './failure-report.ts'
import type { GlobalOptions } from './global-options.ts'
import { MemoryHost } from './testing/memory-host.ts'

type Options = Pick<GlobalOptions, 'json' | 'quiet' | 'verbose' | 'color'>

const plain: Options = { json: false, quiet: false, verbose: false, color: 'auto' }

async function told(cause: unknown, options: Partial<Options> = {}): Promise<[number, string]> {
  const host = new MemoryHost()
  const exit = await reportFailure(cause, host, { ...plain, ...options })
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
