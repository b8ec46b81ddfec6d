/** What failures say: the right advice for the command that failed, and who has the store. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Store } from '@varve/store'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'

let folder = ''

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'varve-failures-'))
  await run('init')
  await varve(['-s', 's', 'set', 'main:a/b'], { folder, input: 'x' })
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const run = (...argv: readonly string[]): Promise<CommandOutcome> => varve(['-s', 's', ...argv], { folder })

test.each([
  [['cat', 'main:a'], 'IS_A_TREE', 'varve ls lists it.'],
  [['set', 'main:a'], 'IS_A_TREE', '--replace puts a file in its place.'],
  [['set', 'main:a/b/c'], 'NOT_A_TREE', '--replace puts a directory in the place of the file.'],
  [['checkout', 'main:a/b', 'out'], 'NOT_A_TREE', 'varve cat writes a single file to stdout.'],
  [['du', 'main:a/b'], 'NOT_A_TREE', 'varve cat prints it.'],
])('%j is advised as that command needs it', async (argv, code, hint) => {
  const { stderr } = await run(...argv)
  const [line = '', advice = ''] = stderr.split('\n')
  expect(line).toContain(`[${code}]`)
  expect(advice.endsWith(hint)).toBe(true)
  expect(advice.includes('--replace')).toBe(argv[0] === 'set')
})

test('inspect says that a file is not there, whatever it is called', async () => {
  for (const name of ['nofile', 'suffix-9.pack']) {
    const { exit, stderr } = await run('inspect', name)
    expect({ exit, stderr }).toEqual({
      exit: 1,
      stderr: `varve: there is no file ${join(folder, name)}  [FILE_FAILED]\n`,
    })
  }
  mkdirSync(join(folder, 'control'))
  expect(await run('inspect', 'control')).toMatchObject({ exit: 2 })
})

test('a store in use: exit code 11, by which process, of which program, since when', async () => {
  await using store = await Store.open(join(folder, 's'))
  const program = process.title
  const { exit, stderr } = await run('branch', 'rm', 'main', '--yes')
  expect(exit).toBe(11)
  expect(stderr).toMatch(/^varve: process \d+ \(.+\) has been writing to the store since \d{4}-.*Z {2}\[/)
  expect(stderr).toContain(`process ${process.pid} (${program}) has`)
  const { stderr: json } = await run('branch', 'rm', 'main', '--yes', '--json')
  expect(JSON.parse(json)).toMatchObject({ details: { pid: process.pid, program } })
  expect(store.path).toContain('s')
})
