/** What the command line itself is answered with, before any store is looked for. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'
import { isInstalled } from '../support/installed.ts'

const program = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))
const shTest = test.skipIf(!isInstalled('bash', 'what happens without a working folder is'))

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-usage-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const run = (...argv: readonly string[]): Promise<CommandOutcome> => varve(['-s', 's', ...argv], { folder })

describe('with --json', () => {
  test.each([
    [['--help'], ['help']],
    [
      ['ls', '-h'],
      ['help', 'ls'],
    ],
    [
      ['branch', 'rm', '--help'],
      ['help', 'branch', 'rm'],
    ],
  ])('%j says the same as %j', async (asked, command) => {
    const expected = await run('--json', ...command)
    expect(JSON.parse(expected.stdout)).toMatchObject({ type: 'help', topic: command.slice(1).join(' ') })
    expect(await run('--json', ...asked)).toEqual(expected)
    expect(await run(...asked, '--json')).toEqual(expected)
    expect((await run(...asked)).stdout).toBe((await run(...command)).stdout)
  })

  test.each([
    ['--json', '--version'],
    ['--version', '--json'],
    ['-V', '--json'],
  ])('%s %s is a document', async (...argv) => {
    const { exit, stdout } = await varve(argv)
    const { stdout: plain } = await varve(['--version'])
    expect({ exit, json: JSON.parse(stdout) }).toEqual({
      ...{ exit: 0, json: { type: 'version', version: plain.trim() } },
    })
  })
})

test('what excludes each other is refused', async () => {
  await run('init')
  await varve(['-s', 's', 'set', 'main:file'], { folder, input: 'x' })
  const { exit, stderr } = await run('checkout', 'main', 'out', '--merge', '--delete', '--yes')
  expect(stderr).toContain('[USAGE]')
  expect(stderr).toMatch(/--merge.*--delete|--delete.*--merge/)
  expect(exit).toBe(2)
})

test('a revision with too many steps is not taken for a mistyped name', async () => {
  await run('init')
  await varve(['-s', 's', 'set', 'main:file'], { folder, input: 'x' })
  await run('branch', 'create', 'maint', 'main')
  const { exit, stderr } = await run('log', 'main~99')
  expect(exit).toBe(4)
  expect(stderr).toContain('no revision "main~99"')
  expect(stderr).not.toContain('did you mean')
  expect((await run('log', 'mian~99')).stderr).toContain('did you mean "main"?')
})

describe('in a folder that is gone', () => {
  function ofGone(...argv: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    const gone = join(folder, 'gone')
    mkdirSync(gone)
    const line = `cd '${gone}' && rmdir '${gone}' && exec '${process.execPath}' '${program}' "$@"`
    return spawnSync('bash', ['-c', line, 'varve', ...argv], { encoding: 'utf8' })
  }

  shTest('a command says so in a line', () => {
    const { status, stderr } = ofGone('status')
    expect(stderr).toMatch(/^varve: the working folder is gone \(ENOENT: .*\) {2}\[FILE_FAILED\]\n$/)
    expect(status).toBe(1)
    expect(JSON.parse(ofGone('status', '--json').stderr)).toMatchObject({ code: 'FILE_FAILED', exit: 1 })
  })

  shTest('what needs none works', async () => {
    expect(ofGone('--version')).toMatchObject({ status: 0, stderr: '' })
    expect(ofGone()).toMatchObject({ status: 2 })
    await run('init')
    expect(ofGone('-s', join(folder, 's'), 'status')).toMatchObject({ status: 0, stderr: '' })
  })
})
