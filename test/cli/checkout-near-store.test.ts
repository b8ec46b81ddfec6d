/** A checkout never harms the store that it comes from, wherever the two folders lie. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-near-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const run = (...argv: readonly string[]): Promise<CommandOutcome> => varve(argv, { folder })

async function put(store: string, path: string, content = 'x'): Promise<void> {
  const done = await varve(['-s', store, 'set', `main:${path}`], { folder, input: content })
  expect(done).toMatchObject({ exit: 0, stderr: '' })
}

async function makeStore(store = 's'): Promise<void> {
  mkdirSync(dirname(join(folder, store)), { recursive: true })
  expect(await run('-s', store, 'init')).toMatchObject({ exit: 0 })
  await put(store, 'a/b')
}

/** Refused, in words, and the store is as it was. */
async function expectRefused(store: string, outcome: Promise<CommandOutcome>): Promise<void> {
  const { exit, stdout, stderr } = await outcome
  expect(stderr).toContain('[STORE_IN_THE_WAY]')
  expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
  expect(await run('-s', store, 'cat', 'main:a/b')).toMatchObject({ exit: 0, stdout: 'x' })
  expect(await run('-s', store, 'status')).toMatchObject({ exit: 0 })
}

const ways = [['--delete', '--yes'], ['--delete', '-n'], ['--merge'], ['--merge', '-n'], []] as const

describe.each(ways.map((options) => ({ options, name: options.join(' ') || 'no option' })))(
  'with $name',
  ({ options }) => {
    test('the store itself, or a folder in it, is no place to write to', async () => {
      await makeStore()
      const before = readdirSync(join(folder, 's')).sort()
      await expectRefused('s', run('-s', 's', 'checkout', 'main', 's', ...options))
      await expectRefused('s', run('-s', 's', 'checkout', 'main', 's/db', ...options))
      await expectRefused('s', run('-s', 's', 'checkout', 'main', 's/new/folder', ...options))
      const after = readdirSync(join(folder, 's')).sort()
      expect(after.filter((name) => !/^lock-/.test(name))).toEqual(
        before.filter((name) => !/^lock-/.test(name)),
      )
    })

    test('nor by way of a link', async () => {
      await makeStore('deep/s')
      symlinkSync(join(folder, 'deep'), join(folder, 'way'))
      symlinkSync(join(folder, 'deep', 's'), join(folder, 'link'))
      await expectRefused('deep/s', run('-s', 'deep/s', 'checkout', 'main', 'way/s', ...options))
      await expectRefused('deep/s', run('-s', 'link', 'checkout', 'main', 'deep/s', ...options))
      await expectRefused('deep/s', run('-s', 'deep/s', 'checkout', 'main', 'link/inside', ...options))
    })
  },
)

describe('a folder around the store', () => {
  test.each([['--yes'], ['-n']])('is not emptied: --delete %s', async (option) => {
    await makeStore('.varve')
    writeFileSync(join(folder, 'mine'), '')
    await expectRefused('.varve', run('checkout', 'main', '.', '--delete', option))
    await expectRefused('.varve', run('-s', '.varve', 'checkout', 'main', '..', '--delete', option))
    expect(existsSync(join(folder, 'mine'))).toBe(true)
    await put('.varve', '.varve/control', 'harm')
    await expectRefused('.varve', run('checkout', 'main', '.', '--delete', option))
  })

  test('nor is the link that names the store taken away', async () => {
    await makeStore('real/s')
    mkdirSync(join(folder, 'work'))
    symlinkSync(join(folder, 'real'), join(folder, 'work', 'way'))
    await expectRefused('real/s', run('-s', 'work/way/s', 'checkout', 'main', 'work', '--delete', '--yes'))
    expect(lstatSync(join(folder, 'work', 'way')).isSymbolicLink()).toBe(true)
  })

  test('takes files beside the store, and none into it', async () => {
    await makeStore('.varve')
    expect(await run('checkout', 'main', '.', '--merge')).toMatchObject({ exit: 0 })
    expect(existsSync(join(folder, 'a', 'b'))).toBe(true)
    await put('.varve', '.varve/control', 'harm')
    await expectRefused('.varve', run('checkout', 'main', '.', '--merge'))
    await expectRefused('.varve', run('checkout', 'main', '.', '--merge', '-n'))
  })

  test('a file or a link where a folder above the store is comes to nothing', async () => {
    await makeStore('x/y/s')
    await put('x/y/s', 'x/z', 'beside')
    expect(await run('-s', 'x/y/s', 'checkout', 'main', '.', '--merge')).toMatchObject({ exit: 0 })
    expect(existsSync(join(folder, 'x', 'z'))).toBe(true)
    expect(await run('-s', 'x/y/s', 'rm', 'main:x', '--yes')).toMatchObject({ exit: 0 })
    await put('x/y/s', 'x', 'a file')
    await expectRefused('x/y/s', run('-s', 'x/y/s', 'checkout', 'main', '.', '--merge'))
  })
})

describe('the plan of --delete', () => {
  beforeEach(async () => {
    await makeStore()
    mkdirSync(join(folder, 'out', 'a', 'deep'), { recursive: true })
    mkdirSync(join(folder, 'out', 'gone', 'with'), { recursive: true })
    for (const name of ['a/b', 'a/deep/1', 'gone/with/all', 'other', 'odd\tname']) {
      writeFileSync(join(folder, 'out', name), 'before')
    }
  })

  test('lists what goes, and touches nothing', async () => {
    const { exit, stdout } = await run('-s', 's', 'checkout', 'main', 'out', '--delete', '-n')
    expect(exit).toBe(0)
    expect(stdout.split('\n').slice(1)).toEqual([
      'remove\ta/deep/',
      'remove\tgone/',
      'remove\t"odd\\tname"',
      'remove\tother',
      '',
    ])
    expect(readdirSync(join(folder, 'out')).sort()).toEqual(['a', 'gone', 'odd\tname', 'other'])
    const json = await run('-s', 's', '--json', 'checkout', 'main', 'out', '--delete', '-n')
    expect(JSON.parse(json.stdout)).toMatchObject({ remove: ['a/deep/', 'gone/', 'odd\tname', 'other'] })
  })

  test('and a folder that makes way for a file goes, too', async () => {
    await put('s', 'gone', 'a file')
    const { stdout } = await run('-s', 's', 'checkout', 'main', 'out', '--delete', '-n')
    expect(stdout).toContain('remove\tgone/\n')
    expect(await run('-s', 's', 'checkout', 'main', 'out', '--delete', '--yes')).toMatchObject({ exit: 0 })
    expect(readdirSync(join(folder, 'out')).sort()).toEqual(['a', 'gone'])
  })

  test('without a plan of what is not there yet', async () => {
    const { exit, stdout } = await run('-s', 's', 'checkout', 'main', 'new', '--delete', '-n')
    expect(exit).toBe(0)
    expect(stdout.split('\n')).toHaveLength(2)
    expect(existsSync(join(folder, 'new'))).toBe(false)
  })

  test('is what a person is asked about', async () => {
    const outcome = await varve(['-s', 's', 'checkout', 'main', 'out', '--delete'], {
      folder,
      terminal: { answer: 'no' },
    })
    expect(outcome.exit).toBe(2)
    expect(outcome.stderr).toContain('remove gone/\n')
    expect(existsSync(join(folder, 'out', 'gone', 'with', 'all'))).toBe(true)
  })
})
