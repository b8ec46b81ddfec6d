/** What every command prints, in a pipe, as JSON, and on a terminal; and with which code it ends. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Store } from '@varve/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CommandLineOptions, type CommandOutcome, varve } from './support/command-line.ts'
import { git } from './support/git-command.ts'
import { GoldenText } from './support/golden-text.ts'
import { isInstalled } from './support/installed.ts'

const program = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url))

const gitTest = test.skipIf(!isInstalled('git', 'what commands print after an import is'))
const bashTest = test.skipIf(!isInstalled('bash', 'completion and pipes in bash are'))

let folder = ''

beforeEach(() => {
  process.env['TZ'] = 'UTC'
  folder = mkdtempSync(join(tmpdir(), 'varve-cli-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Three commits, a branch, an annotated tag, and the tag of a blob. The ids never change. */
function makeRepository(): string {
  const path = join(folder, 'repository')
  mkdirSync(path)
  git(path, ['init', '--quiet', '--initial-branch=main'])
  const commit = (message: string, files: Readonly<Record<string, string>>): void => {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(path, name, '..'), { recursive: true })
      writeFileSync(join(path, name), content)
    }
    git(path, ['add', '-A'])
    git(path, ['commit', '--quiet', '-m', message])
  }
  commit('first', { 'docs/a.md': 'about a\n', 'docs/b.md': 'about b\n', 'src/main.ts': 'main()\n' })
  commit('second', { 'docs/a.md': 'more about a\n', 'run me': '#!/bin/sh\n' })
  git(path, ['tag', '-a', '-m', 'the first release', 'v1'])
  git(path, ['tag', 'content', git(path, ['rev-parse', 'HEAD:docs/a.md'])])
  git(path, ['branch', 'topic'])
  commit('third\n\nwith a body', { 'docs/c.md': 'about c\n', 'odd\tname': 'odd\n' })
  return path
}

interface Step {
  readonly argv: readonly string[]
  readonly input?: string
  /** Typed at a question, on a terminal. */
  readonly answer?: string
}

const absent = 'f'.repeat(64)
const put = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

const steps: readonly (Step | readonly string[])[] = [
  ['status'],
  ['init'],
  ['init'],
  ['import', 'git', 'repository'],
  ['import', 'git', 'repository'],
  ['import', 'git', 'nowhere'],
  ['du', 'main'],
  ['du', 'main:docs'],
  ['du', '--limit', '1', 'main'],
  ['ls', 'main'],
  ['ls', '-l', 'main:'],
  ['ls', '-R', 'main'],
  ['ls', '-R', '--after', 'docs/a.md', '--limit', '2', 'main'],
  ['ls', 'main:docs/a.md'],
  ['ls', 'main:"odd\\tname"'],
  ['ls', 'main:nowhere'],
  ['cat', 'main:docs/a.md'],
  ['cat', 'main~1:docs/a.md', '--range', '5:3'],
  ['cat', 'main:docs'],
  ['cat', 'main'],
  ['cat', absent],
  { argv: ['set', 'main:docs/new.md', '-m', 'a new page', '--author', 'Eve'], input: 'new\n' },
  { argv: ['set', 'main:docs/new.md'], input: 'new\n' },
  ['set', 'main:docs/b.md', 'repository/run me', '--mode', 'executable'],
  { argv: ['set', 'main:docs'], input: 'x' },
  ['rm', 'main:docs/new.md', '-n'],
  { argv: ['rm', 'main:docs/new.md'], answer: 'no' },
  ['rm', 'main:docs/new.md', '--yes', '-m', 'gone again'],
  ['rm', 'main:docs/new.md', '--yes'],
  ['rm', 'mian:docs', '--yes'],
  { argv: ['blob', 'put'], input: 'test' },
  { argv: ['blob', 'put', '-', '--expect', absent], input: 'test' },
  ['blob', 'has', put, absent],
  { argv: ['blob', 'has'], input: `${put}\n` },
  ['show', put],
  ['show', 'main~2'],
  ['status'],
  ['du'],
  ['log', '-n', '3', 'main'],
  ['log', '--oneline', 'main', '--not', 'topic'],
  ['log', 'main', '--path', 'docs/a.md'],
  ['log', 'mian'],
  ['diff', 'topic', 'main'],
  ['diff', 'topic', 'main', '--stat'],
  ['diff', 'topic', 'main', '--', 'docs'],
  ['diff', 'main', 'main', '--exit-code'],
  ['diff', 'topic', 'main', '--exit-code', 'docs/c.md'],
  ['branch', 'create', 'next', 'main~1'],
  ['branch', 'create', 'next', 'main'],
  ['branch', 'mv', 'next', 'later'],
  ['branch', 'set', 'later', 'topic'],
  ['branch', 'ls'],
  ['branch', 'rm', 'later', '-n'],
  ['branch', 'rm', 'later', '--yes'],
  ['branch', 'rm', 'later', '--yes'],
  ['branch', 'create', 'a b', 'main'],
  ['tag', 'create', 'v2', 'main', '-m', 'the second release'],
  ['tag', 'create', 'v2', 'main'],
  ['tag', 'ls'],
  ['tag', 'ls', 'v1'],
  ['tag', 'rm', 'v2', '-n'],
  { argv: ['tag', 'rm', 'v2'], answer: 'y' },
  ['checkout', 'topic', 'out', '-n'],
  ['checkout', 'topic', 'out'],
  ['checkout', 'topic:docs', 'out'],
  ['gc', 'run', 'main~2', '-n'],
  { argv: ['gc', 'run', 'main~2'], answer: '' },
  ['gc', 'run', 'main~2', '--keep', 'v1', '--grace', '0s', '--yes'],
  ['gc', 'run', 'topic', '--yes'],
  ['gc', 'status'],
  ['check', '--full'],
  ['repair'],
  ['bundle', 'create', 'all.varve'],
  ['bundle', 'create', 'new.varve', 'main', '--not', 'main~1'],
  ['bundle', 'verify', 'new.varve'],
  ['bundle', 'import', 'all.varve'],
  ['bundle', 'verify', 'repository/run me'],
  ['backup', 'saved'],
  ['clone', 'saved', 'cloned', '--ref', 'main', '--depth', '1'],
  ['clone', 'saved', 'cloned'],
  ['log', '--oneline'],
  ['lss'],
  ['ls'],
  ['log', '-n', 'many'],
  ['gc', 'run', '--grace', 'long'],
  [],
]

function stepOf(step: Step | readonly string[]): Step {
  return 'argv' in step ? step : { argv: step }
}

/** All steps on one store, as someone would see them who sits before it. */
async function course(extra: readonly string[], terminal: boolean): Promise<string> {
  makeRepository()
  const golden = new GoldenText(folder)
  const parts: string[] = []
  for (const step of steps) {
    const { argv, input, answer } = stepOf(step)
    const options: CommandLineOptions = {
      folder,
      ...(input !== undefined && { input }),
      ...(terminal && { terminal: answer === undefined ? {} : { answer } }),
    }
    const { exit, stdout, stderr } = await varve([...extra, ...argv], options)
    const head = `$ varve ${[...extra, ...argv].join(' ')}   [${exit}]`
    parts.push(golden.of(`${head}\n${stdout}${marked(stderr)}`))
  }
  return parts.join('\n').replace(/[ \t]+$/gm, '')
}

/** The fields of each type of line, by the table in docs/cli.md. */
function documentedFields(): Map<
  string,
  { readonly all: Set<string>; readonly required: readonly string[] }
> {
  const page = readFileSync(new URL('../docs/cli.md', import.meta.url), 'utf8')
  const text = page.split('## JSON')[1]?.split('\n## ')[0] ?? ''
  const schema = new Map<string, { all: Set<string>; required: string[] }>()
  const borrowed: [string, string][] = []
  for (const [, type = '', fields = ''] of text.matchAll(/^\| `([a-z]+)` \|[^|]*\|(.*)\|$/gm)) {
    const [own = '', other] = fields.split('and those of')
    const names = [...own.matchAll(/`(\w+)(\??)`/g)]
    const required = names.filter(([, , mark]) => mark === '').map(([, name = '']) => name)
    schema.set(type, { all: new Set(names.map(([, name = '']) => name)), required })
    if (other !== undefined) borrowed.push([type, /`(\w+)`/.exec(other)?.[1] ?? ''])
  }
  for (const [type, other] of borrowed) {
    for (const name of schema.get(other)?.all ?? []) schema.get(type)?.all.add(name)
  }
  return schema
}

function marked(stderr: string): string {
  return stderr === '' ? '' : stderr.replace(/\n$/, '').replace(/^/gm, '! ').concat('\n')
}

describe('what commands print', () => {
  gitTest('in a pipe', async () => {
    await expect(await course([], false)).toMatchFileSnapshot('golden/cli/piped.txt')
  })

  gitTest('as JSON: every line of stdout and stderr is a document with a type', async () => {
    const text = await course(['--json'], false)
    await expect(text).toMatchFileSnapshot('golden/cli/json.txt')
    const schema = documentedFields()
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('$'))
    const seen = new Set<string>()
    for (const line of lines) {
      const { type, ...fields } = JSON.parse(line.replace(/^! /, '')) as { type: string }
      const known = schema.get(type)
      expect(known, `docs/cli.md describes ${type}`).toBeDefined()
      for (const name of Object.keys(fields)) expect([...known!.all], `${type}: ${line}`).toContain(name)
      for (const name of known!.required) expect(Object.keys(fields), `${type}: ${line}`).toContain(name)
      seen.add(type)
    }
    const unseen = [...schema.keys()].filter((type) => !seen.has(type))
    expect(unseen).toEqual([
      'finding',
      'doctor',
      'step',
      'kept',
      'tree',
      'volume',
      'help',
      'version',
      'completion',
      'progress',
    ])
  })

  gitTest('on a terminal', async () => {
    await expect(await course(['--color', 'never'], true)).toMatchFileSnapshot('golden/cli/terminal.txt')
  })

  test('colours are for terminals that want them', async () => {
    await varve(['-s', join(folder, 'store'), 'init'])
    const failed = (o: CommandLineOptions, ...argv: readonly string[]): Promise<CommandOutcome> =>
      varve(['-s', join(folder, 'store'), ...argv, 'log', 'x'], o)
    expect((await failed({ terminal: {} })).stderr).toContain('\u001b[31m')
    expect((await failed({})).stderr).not.toContain('\u001b')
    expect((await failed({ terminal: {}, environment: { NO_COLOR: '1' } })).stderr).not.toContain('\u001b')
    expect((await failed({ terminal: {}, environment: { TERM: 'dumb' } })).stderr).not.toContain('\u001b')
    expect((await failed({}, '--color', 'always')).stderr).toContain('\u001b[31m')
    expect((await failed({ terminal: {} }, '--color', 'never')).stderr).not.toContain('\u001b')
  })
})

describe('help', () => {
  test('names every command, and each command its arguments', async () => {
    const top = await varve(['--help'])
    const parts = [top.stdout]
    for (const words of [
      ['ls'],
      ['import', 'git'],
      ['gc', 'run'],
      ['revisions'],
      ['output'],
      ['exit-codes'],
    ]) {
      parts.push((await varve(['help', ...words])).stdout)
    }
    await expect(parts.join('\n----\n')).toMatchFileSnapshot('golden/cli/help.txt')
    expect((await varve(['help'])).stdout).toBe(top.stdout)
    expect((await varve(['ls', '--help'])).stdout).toBe((await varve(['help', 'ls'])).stdout)
    expect(await varve(['help', 'revisoins'])).toMatchObject({ exit: 2 })
    expect((await varve(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('which store', () => {
  test('-s, then $VARVE_STORE, then ./.varve', async () => {
    const run = (argv: readonly string[], environment = {}): Promise<CommandOutcome> =>
      varve(argv, { folder, environment })
    expect((await run(['init'])).stdout).toBe(`${join(folder, '.varve')}\n`)
    expect((await run(['init'], { VARVE_STORE: 'other' })).stdout).toBe(`${join(folder, 'other')}\n`)
    expect((await run(['-s', 'third', 'init'], { VARVE_STORE: 'other' })).stdout).toBe(
      `${join(folder, 'third')}\n`,
    )
    expect((await run(['init', '-s', 'fourth'])).stdout).toBe(`${join(folder, 'fourth')}\n`)
    expect(await run(['status', '-s', 'nowhere'])).toMatchObject({ exit: 10 })
  })

  test('a store in use: exit code 11, by whom and since when', async () => {
    const path = join(folder, 'store')
    await using store = await Store.open(path)
    const before = readdirSync(path).sort()
    const outcome = await varve(['-s', path, 'set', 'main:a', '--json'], { input: 'x' })
    expect(outcome.exit).toBe(11)
    const error = JSON.parse(outcome.stderr) as { details: { pid: number; since: string } }
    expect(error.details.pid).toBe(process.pid)
    expect(Date.parse(error.details.since)).toBeLessThanOrEqual(Date.now())
    expect(readdirSync(path).sort()).toEqual(before)
    expect(store.path).toBe(path)
  })
})

describe('completion', () => {
  const complete = async (...words: readonly string[]): Promise<string[]> =>
    (await varve(['__complete', ...words])).stdout.split('\n').flatMap((line) => line.split('\t')[0] || [])

  test('commands, options, choices, files', async () => {
    expect(await complete('')).toEqual(expect.arrayContaining(['ls', 'gc', 'completion']))
    expect(await complete('gc', '')).toEqual(['run', 'status'])
    expect(await complete('--json', 'branch', '')).toEqual(['ls', 'create', 'mv', 'rm', 'set'])
    expect(await complete('gc', 'run', '--')).toEqual(
      expect.arrayContaining(['--keep', '--yes', '--json', '--store']),
    )
    expect(await complete('--color', '')).toEqual(['auto', 'always', 'never'])
    expect(await complete('set', 'main:x', '--mode', '')).toEqual(['file', 'executable', 'symlink'])
    expect(await complete('-s', '')).toEqual([':files'])
    expect(await complete('-s', 'gc', '')).toEqual(expect.arrayContaining(['ls']))
    expect(await complete('set', 'main:x', '')).toEqual([':files'])
    expect(await complete('checkout', 'main', '--', '')).toEqual([':files'])
    expect(await complete('completion', '')).toEqual(['bash', 'zsh', 'fish', 'pwsh'])
    expect(await complete('status', '')).toEqual([])
  })

  bashTest('in bash', async () => {
    mkdirSync(join(folder, 'bin'))
    writeFileSync(join(folder, 'bin', 'varve'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, {
      mode: 0o755,
    })
    const { stdout: script } = await varve(['completion', 'bash'])
    const ask = (...words: readonly string[]): string => {
      const line = `${script}\nCOMP_WORDS=(varve ${words.map((word) => `'${word}'`).join(' ')})\n`
      const last = `COMP_CWORD=${words.length}\n_varve\nprintf '%s\\n' "\${COMPREPLY[@]}"\n`
      const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` }
      return spawnSync('bash', ['-c', line + last], { cwd: folder, env, encoding: 'utf8' }).stdout
    }
    writeFileSync(join(folder, 'a file'), '')
    expect(ask('br')).toBe('branch\n')
    expect(ask('branch', 's')).toBe('set\n')
    expect(ask('inspect', 'a')).toBe('a file\n')
  })

  test.each(['zsh', 'fish', 'pwsh'])('the script for %s asks this program', async (shell) => {
    expect((await varve(['completion', shell])).stdout).toContain('varve __complete')
  })
})

describe('the program itself', () => {
  const spawn = (
    argv: readonly string[],
    input = '',
  ): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [program, ...argv], { cwd: folder, input, encoding: 'utf8' })

  test('gives bytes through, in and out', () => {
    expect(spawn(['init']).status).toBe(0)
    expect(spawn(['set', 'main:file'], 'from stdin').status).toBe(0)
    expect(spawn(['cat', 'main:file'])).toMatchObject({ status: 0, stdout: 'from stdin', stderr: '' })
    expect(spawn(['cat', 'main:other'])).toMatchObject({ status: 4, stdout: '' })
  })

  bashTest('ends quietly when nobody reads on', () => {
    spawn(['init'])
    const lines = Array.from({ length: 3_000 }, (_, n) => `${n}`).join('\n')
    spawn(['set', 'main:file'], lines.repeat(40))
    const shell = `'${process.execPath}' '${program}' cat main:file | read -r -n 10; exit "\${PIPESTATUS[0]}"`
    const ended = spawnSync('bash', ['-c', shell], { cwd: folder, encoding: 'utf8' })
    expect(ended).toMatchObject({ status: 0, stderr: '' })
  })
})

gitTest('Ctrl-C ends a command with 130', async () => {
  const interrupted = new AbortController()
  makeRepository()
  const path = join(folder, 'store')
  await varve(['-s', path, 'init'])
  interrupted.abort()
  const outcome = await varve(['-s', path, 'import', 'git', 'repository'], {
    folder,
    interrupted: interrupted.signal,
  })
  expect(outcome.exit).toBe(130)
  expect((await varve(['-s', path, 'branch'])).stdout).toBe('')
})
