/** What a checkout refuses is refused before anything is written, and leaves nothing behind. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'

let folder = ''

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'varve-refusals-'))
  await run('init')
  await put('a/file', 'x')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const run = (...argv: readonly string[]): Promise<CommandOutcome> => varve(['-s', 's', ...argv], { folder })

async function put(path: string, content: string, mode = 'file'): Promise<void> {
  const done = await varve(['-s', 's', 'set', `main:${path}`, '--mode', mode], { folder, input: content })
  expect(done).toMatchObject({ exit: 0, stderr: '' })
}

describe('a symbolic link that no file system can hold', () => {
  test.each([
    ['to nothing', '', 'it leads nowhere: its target is empty'],
    ['with a NUL byte', 'a\0b', 'its target has a NUL byte'],
    ['too long', 'x'.repeat(4_096), 'its target has 4096 bytes, and the most is 4095'],
  ])('%s is named, and nothing is written', async (_what, target, reason) => {
    await put('a/link', target, 'symlink')
    for (const options of [[], ['-n']]) {
      const { exit, stdout, stderr } = await run('checkout', 'main', 'out', ...options)
      expect(stderr).toContain(`a/link is no link that a file system can hold: ${reason}  [INVALID_LINK]\n`)
      expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
      expect(existsSync(join(folder, 'out'))).toBe(false)
    }
  })

  test('is listed with the others', async () => {
    await put('a/link', '', 'symlink')
    await put('b', 'a\0b', 'symlink')
    const { stderr } = await run('checkout', 'main', 'out', '--json')
    const error = JSON.parse(stderr) as { code: string; details: unknown }
    expect(error).toMatchObject({ code: 'INVALID_LINK', details: { paths: ['a/link', 'b'] } })
  })

  test('is no concern where it is not written; the longest can be', async () => {
    await put('b', '', 'symlink')
    await put('a/long', `${'x/'.repeat(2_047)}x`, 'symlink')
    expect(await run('checkout', 'main:a', 'out', '-n')).toMatchObject({ exit: 0, stderr: '' })
  })
})

describe('the folder', () => {
  test.each([[[]], [['-n']], [['--merge']], [['--delete', '--yes']]])(
    'must not be a link, also one that leads nowhere: %j',
    async (options) => {
      symlinkSync(join(folder, 'nowhere'), join(folder, 'link'))
      const { exit, stderr } = await run('checkout', 'main', 'link', ...options)
      expect(stderr).toContain(`${join(folder, 'link')} is a symbolic link  [EXISTS]`)
      expect(exit).toBe(5)
      expect(existsSync(join(folder, 'nowhere'))).toBe(false)
    },
  )

  test('goes again with all that was made above it', async () => {
    await put('a/link', '', 'symlink')
    const { exit } = await run('checkout', 'main', 'x/y/z')
    expect(exit).toBe(2)
    expect(readdirSync(folder)).toEqual(['s'])
    mkdirSync(join(folder, 'x'))
    await run('checkout', 'main', 'x/y/z')
    expect(readdirSync(join(folder, 'x'))).toEqual([])
    writeFileSync(join(folder, 'x', 'mine'), '')
    await run('checkout', 'main', 'x/y/z')
    expect(readdirSync(join(folder, 'x'))).toEqual(['mine'])
  })
})
