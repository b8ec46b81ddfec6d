/** What somebody finds who has cloned the project and built it: the command, and the library, at its root. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Store } from '@varve/store'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

async function printed(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { cwd: root })
  return stdout
}

test('the command is there by its name', async () => {
  expect(await printed(`${root}node_modules/.bin/varve`, '--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('a file at the root imports the library', async () => {
  const program = "import { Store } from '@varve/store'; console.log(typeof Store.open)"
  expect(await printed(process.execPath, '--input-type=module', '-e', program)).toBe('function\n')
})

describe('as the first thing that its process does', () => {
  let folder = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'varve-clone-'))
    const store = await Store.open(folder)
    await store.branch('main').commit((edit) => void edit.set('a', 'b'))
    await store.close()
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each([
    ['status', { type: 'status', branches: 1 }],
    ['check', { type: 'check', ok: true }],
    ['repair', { type: 'repair', steps: 0, remaining: 0 }],
    ['doctor', { type: 'doctor', control: { format: 1, wholeCopies: 2 }, failures: [], hints: [] }],
  ])('%s works', async (command, expected) => {
    const program = `${root}node_modules/.bin/varve`
    const stdout = await printed(program, '--json', '-s', folder, command)
    expect(JSON.parse(stdout)).toMatchObject(expected)
  })
})
