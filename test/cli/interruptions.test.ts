/** Ctrl-C ends a command that waits for input, and nothing is done; a full disk behind stdout is told. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'
import { isThere } from '../support/installed.ts'

const program = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))
const EXIT_INTERRUPTED = 130
const EXIT_NO_SPACE = 15
/** More than a pipe and all buffers on the way take: when it is gone, the program is reading. */
const PIPE_BYTES = 8 * 1024 * 1024
const hasSignals = isThere(
  process.platform !== 'win32',
  'a signal to a process',
  'Ctrl-C at a silent stdin is',
)
const hasFull = isThere(existsSync('/dev/full'), '/dev/full', 'a full disk behind stdout is')

let folder = ''

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'varve-interruptions-'))
  await run('init')
  await varve(['-s', 's', 'set', 'main:file'], { folder, input: 'x' })
  for (const kind of ['branch', 'tag']) await run(kind, 'create', 'other', 'main')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const run = (...argv: readonly string[]): Promise<CommandOutcome> => varve(['-s', 's', ...argv], { folder })

async function listed(): Promise<string> {
  return (await run('branch', 'ls')).stdout + (await run('tag', 'ls')).stdout
}

describe('Ctrl-C at a question', () => {
  test.each([[['branch', 'rm', 'other']], [['tag', 'rm', 'other']], [['rm', 'main:file']], [['gc', 'run']]])(
    'outweighs the yes that follows: %j',
    async (argv) => {
      const before = await listed()
      const interrupted = new AbortController()
      const answer = (): string => {
        interrupted.abort()
        return 'y'
      }
      const outcome = await varve(['-s', 's', ...argv], {
        ...{ folder, terminal: { answer }, interrupted: interrupted.signal },
      })
      expect(outcome).toMatchObject({ exit: EXIT_INTERRUPTED, stdout: '' })
      expect(await listed()).toBe(before)
    },
  )

  test.each([[['branch', 'rm', 'other']], [['tag', 'rm', 'other']], [['rm', 'main:file']]])(
    'is heeded without one, too: %j --yes',
    async (argv) => {
      const before = await listed()
      const interrupted = new AbortController()
      interrupted.abort()
      const o = { folder, interrupted: interrupted.signal }
      expect((await varve(['-s', 's', ...argv, '--yes'], o)).exit).toBe(EXIT_INTERRUPTED)
      expect(await listed()).toBe(before)
    },
  )
})

describe.skipIf(!hasSignals)('a signal while stdin is silent', () => {
  function start(...argv: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn(process.execPath, [program, '-s', 's', ...argv], { cwd: folder })
  }

  async function ended(child: ChildProcessWithoutNullStreams): Promise<unknown> {
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.stdout.resume()
    const [exit] = await once(child, 'close')
    return { exit, stderr }
  }

  test.each([
    ['SIGINT', ['set', 'main:x', '-']],
    ['SIGTERM', ['set', 'main:x', '-']],
    ['SIGINT', ['blob', 'put', '-']],
  ] as const)('%s ends %j', async (signal, argv) => {
    const before = await listed()
    const child = start(...argv)
    await new Promise((resolve) => child.stdin.write(Buffer.alloc(PIPE_BYTES), resolve))
    child.kill(signal)
    expect(await ended(child)).toEqual({
      exit: EXIT_INTERRUPTED,
      stderr: expect.stringMatching(/^varve: .*\[ABORTED\]\n$/),
    })
    expect(await listed()).toBe(before)
  })

  test('SIGINT ends blob has', async () => {
    const child = start('blob', 'has', '-')
    child.stdin.write(`${'f'.repeat(64)}\n`.repeat(1_000))
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    expect(await ended(child)).toMatchObject({ exit: EXIT_INTERRUPTED })
  })
})

describe.skipIf(!hasFull)('a full disk behind stdout', () => {
  function toFull(...argv: readonly string[]): { status: number | null; stderr: string } {
    const full = openSync('/dev/full', 'w')
    try {
      const stdio = ['ignore', full, 'pipe'] as const
      const { status, stderr } = spawnSync(process.execPath, [program, '-s', 's', ...argv], {
        ...{ cwd: folder, stdio: [...stdio], encoding: 'utf8' },
      })
      return { status, stderr: String(stderr) }
    } finally {
      closeSync(full)
    }
  }

  test.each([[['log']], [['cat', 'main:file']], [['status']], [['--help']], [['--version']], [['help']]])(
    'ends %j with a line',
    async (argv) => {
      const { status, stderr } = toFull(...argv)
      expect(stderr).toMatch(/^varve: ENOSPC: .* {2}\[FILE_FAILED\]\n$/)
      expect(status).toBe(EXIT_NO_SPACE)
      expect(await run('status')).toMatchObject({ exit: 0, stderr: '' })
    },
  )

  test('in JSON, if that is asked for', () => {
    const { status, stderr } = toFull('log', '--json')
    expect(JSON.parse(stderr)).toMatchObject({ type: 'error', code: 'FILE_FAILED', exit: EXIT_NO_SPACE })
    expect(status).toBe(EXIT_NO_SPACE)
  })
})
