/** npm start, as a process of its own: with a history, with half of one, and without Git. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Store } from '@varve/store'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { git } from './support/git-command.ts'
import { isInstalled } from './support/installed.ts'

const program = fileURLToPath(new URL('../packages/cli/dist/demo/main.js', import.meta.url))

const gitTest = test.skipIf(!isInstalled('git', 'npm start with a repository is'))

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-demo-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** What it prints, and where it says that the store is. */
function demonstrate(args: readonly string[], path = process.env['PATH']): { text: string; store: string } {
  const env = { ...process.env, PATH: path, TMPDIR: folder, NO_COLOR: '1' }
  const done = spawnSync(process.execPath, [program, ...args], { env, encoding: 'utf8' })
  expect(done).toMatchObject({ status: 0, stderr: '' })
  const store = /The store stays in\n {2}(.+)\n/.exec(done.stdout)?.[1] ?? ''
  expect(existsSync(store)).toBe(true)
  return { text: done.stdout, store }
}

/** Every figure that it has to tell. */
function expectFigures(text: string): void {
  for (const name of [
    'objects kept',
    'objects discarded',
    'bytes copied',
    'bytes freed',
    'size before',
    'size after',
    'longest event-loop stall',
    'commits meanwhile',
  ]) {
    expect(text).toMatch(new RegExp(`^ {2}${name} +[\\d,.]+`, 'm'))
  }
  expect(Number(/objects discarded +([\d,]+)/.exec(text)?.[1]?.replaceAll(',', ''))).toBeGreaterThan(1_000)
}

function makeRepository(): string {
  const path = join(folder, 'repository')
  mkdirSync(path)
  git(path, ['init', '--quiet', '--initial-branch=trunk'])
  for (const n of [1, 2, 3]) {
    writeFileSync(join(path, 'file'), `${n}\n`)
    git(path, ['add', '-A'])
    git(path, ['commit', '--quiet', '-m', `commit ${n}`])
  }
  return path
}

gitTest('a short history is extended, and goes on on its own branch', async () => {
  const { text, store: path } = demonstrate([makeRepository()])
  expect(text).toMatch(/^Imported .*repository: 3 commits, 3 trees, 3 blobs/m)
  expect(text).toContain('9 objects are few: generated commits extend the history to 50,000 objects.')
  expectFigures(text)
  await using store = await Store.open(path, { create: 'never' })
  const branches: string[] = []
  for await (const { name } of store.branches()) branches.push(name)
  expect(branches).toEqual(['trunk'])
  expect(await store.resolve('trunk~1')).toBeDefined()
})

gitTest('a shallow clone is replaced by a generated history', () => {
  const whole = makeRepository()
  git(folder, ['clone', '--quiet', '--depth=1', `file://${whole}`, 'clone'])
  const { text } = demonstrate([join(folder, 'clone')])
  expect(text).toContain('shallow clone')
  expect(text).not.toContain('Imported')
  expectFigures(text)
})

test('without Git the history is generated', () => {
  const { text } = demonstrate([], join(folder, 'nothing'))
  expect(text).toContain('the git command was not found')
  expectFigures(text)
})
