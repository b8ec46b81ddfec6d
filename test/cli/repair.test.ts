import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Store } from '@varve/store'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'

let parent = ''
let folder = ''
let commits: string[] = []
beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), 'varve-repair-'))
  folder = join(parent, 'store')
  const store = await Store.open(folder)
  const main = store.branch('main')
  const first = await main.commit((edit) => void edit.set('a', 'the first content'))
  const second = await main.commit((edit) => void edit.set('a', 'the second content'))
  commits = [first.hash, second.hash]
  await store.close()
})
afterEach(() => rmSync(parent, { recursive: true, force: true }))

function repair(...argv: string[]): Promise<CommandOutcome> {
  return varve(['-s', folder, 'repair', ...argv])
}

function damage(text: string): void {
  const path = join(folder, 'suffix-1.pack')
  const bytes = readFileSync(path)
  const at = bytes.indexOf(text)
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(path, bytes)
}

test('a whole store needs nothing', async () => {
  expect(await repair()).toMatchObject({ exit: 0, stdout: 'repair\tplan\t0\t0\n' })
  expect((await varve(['-s', folder, 'repair'], { terminal: {} })).stdout).toBe('there is nothing to do\n')
})

test('a branch whose commit is not whole goes back to the last one that is, with --apply only', async () => {
  damage('the second content')
  const plan = await repair()
  expect(plan.exit).toBe(3)
  expect(plan.stdout.split('\n')[0]).toBe(`move-ref\theads/main\t${commits[1]}\t${commits[0]}\t-`)
  expect((await repair()).stdout, 'a plan changes nothing').toBe(plan.stdout)
  const lines = (await repair('--json')).stdout.trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line).type)).toEqual(['step', 'finding', 'repair'])
  expect((await repair('--apply')).exit, 'the content is lost all the same').toBe(3)
  await using store = await Store.open(folder)
  expect((await store.branch('main').head())?.hash).toBe(commits[0])
})

test('--from takes what is lost out of a copy', async () => {
  const copy = join(parent, 'copy')
  cpSync(folder, copy, { recursive: true })
  damage('the second content')
  expect((await repair('--from', copy)).stdout).toMatch(/^restore\tsuffix-1\.pack\t-\t-\t/)
  expect(await repair('--apply', '--from', copy)).toMatchObject({ exit: 0, stderr: '' })
  expect((await repair()).exit).toBe(0)
  await using store = await Store.open(folder)
  expect((await store.branch('main').head())?.hash).toBe(commits[1])
  expect(Buffer.from((await store.branch('main').get('a')) as Uint8Array).toString()).toBe(
    'the second content',
  )
})

test('a branch whose record is lost is not passed over, and comes back out of a copy', async () => {
  const copy = join(parent, 'copy')
  cpSync(folder, copy, { recursive: true })
  damage('heads/main')
  const branches = await varve(['-s', folder, 'branch'])
  expect(branches).toMatchObject({ exit: 13, stderr: expect.stringContaining('suffix-1.pack is damaged') })
  expect((await varve(['-s', folder, 'status'])).stdout).toMatch(/^branches\t1 or more: the log is damaged$/m)
  expect((await repair('--apply', '--from', copy)).exit).toBe(0)
  expect((await varve(['-s', folder, 'branch'])).stdout).toContain(`${commits[1]}`)
})

test('a store in use gets a plan, and is not changed', async () => {
  const control = readFileSync(join(folder, 'control'))
  control[40] = (control[40] as number) ^ 1
  writeFileSync(join(folder, 'control'), control)
  expect((await repair()).stdout).toContain('rewrite\tcontrol')
  await using store = await Store.open(folder)
  expect(store.path).toBe(folder)
  const damaged = readFileSync(join(folder, 'control'))
  damaged[40] = (damaged[40] as number) ^ 1
  writeFileSync(join(folder, 'control'), damaged)
  expect((await repair('--apply')).exit).toBe(11)
})
