/** What somebody finds who has cloned the project and built it: the command, and the library, at its root. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

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
