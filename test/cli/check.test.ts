import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Store } from '@varve/store'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'

let folder = ''
let commit = ''
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'varve-check-'))
  const store = await Store.open(folder)
  const made = await store.branch('main').commit((edit) => void edit.set('docs/a', 'the content of a file'))
  commit = made.hash
  await store.close()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function check(...argv: string[]): Promise<CommandOutcome> {
  return varve(['-s', folder, 'check', ...argv])
}

/** Changes the first byte of a text in the log. */
function damage(text: string): number {
  const path = join(folder, 'suffix-1.pack')
  const bytes = readFileSync(path)
  const at = bytes.indexOf(text)
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(path, bytes)
  return at - 48
}

test('a whole store is told in one line', async () => {
  expect(await check()).toMatchObject({
    exit: 0,
    stderr: '',
    stdout: expect.stringMatching(/^checked\t4\t\d+\t0\t0\n$/),
  })
  expect((await check('--full')).stdout).toMatch(/^checked\t4\t\d+\t4\t0\n$/)
  expect((await check('--sample', '100%')).stdout).toMatch(/^checked\t4\t\d+\t4\t0\n$/)
  const lines = (await check('--json')).stdout.trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { type: 'check', ok: true, findings: 0, objects: 4 },
  ])
})

test('what is found is told with file and offset, and what is lost, and the exit code is 3', async () => {
  const at = damage('the content of a file')
  const { exit, stdout } = await check()
  expect(exit).toBe(3)
  const [finding, lost, checked] = stdout.split('\n').map((line) => line.split('\t'))
  expect(finding?.slice(0, 4)).toEqual(['error', 'suffix-1.pack', String(at), 'not repairable'])
  expect(lost).toEqual(['lost', commit, 'docs/a'])
  expect(checked?.[0]).toBe('checked')
  const json = (await check('--json')).stdout.trimEnd().split('\n')
  expect(json.map((line) => JSON.parse(line))).toMatchObject([
    {
      type: 'finding',
      severity: 'error',
      file: 'suffix-1.pack',
      offset: at,
      lost: [{ commit, path: 'docs/a' }],
    },
    { type: 'check', ok: false, findings: 1 },
  ])
  const shown = await varve(['-s', folder, '--color', 'never', 'check'], { terminal: {} })
  expect(shown.stdout).toContain(`lost: ${commit.slice(0, 12)}:docs/a`)
})

test('looking mends nothing', async () => {
  damage('the content of a file')
  const before = readFileSync(join(folder, 'control'))
  const first = await check()
  expect((await check()).stdout).toBe(first.stdout)
  expect(readFileSync(join(folder, 'control')).equals(before)).toBe(true)
})

test('a store in use is checked', async () => {
  await using store = await Store.open(folder)
  await store.branch('main').commit((edit) => void edit.set('b', 'b'))
  expect(await check()).toMatchObject({ exit: 0 })
})

test('a store without a whole control file is damaged, a folder without a store is none', async () => {
  writeFileSync(join(folder, 'control'), 'nothing that was written')
  const { exit, stdout } = await check()
  expect(exit).toBe(3)
  expect(stdout).toMatch(/^error\tcontrol\t0\tnot repairable\t/)
  rmSync(folder, { recursive: true })
  expect((await check()).exit).toBe(10)
})

test('a part is a number up to 100%', async () => {
  for (const part of ['0%', '101%', '2', 'x']) expect((await check('--sample', part)).exit).toBe(2)
})

test('a control that is older than the files around it is found: nobody may write there', async () => {
  const older = readFileSync(join(folder, 'control'))
  const store = await Store.open(folder)
  await store.advanced.split()
  await store.branch('main').commit((edit) => void edit.set('docs/b', 'newer'))
  await store.close()
  expect((await check()).exit).toBe(0)
  writeFileSync(join(folder, 'control'), older)
  const names = readdirSync(folder).sort()
  const { exit, stdout } = await check()
  expect(exit).toBe(3)
  expect(stdout).toMatch(/^error\tcontrol\t0\tnot repairable\t-\tsuffix-\d+\.pack is newer than control/)
  const doctor = await varve(['-s', folder, '--json', 'doctor'])
  expect(JSON.parse(doctor.stdout)).toMatchObject({
    hints: [expect.stringContaining('control is older than suffix-')],
  })
  // As the opening says that would delete what it takes for left over.
  expect((await varve(['-s', folder, 'blob', 'put', join(folder, 'control')])).exit).toBe(13)
  expect((await varve(['-s', folder, 'repair', '--apply'])).exit).toBe(3)
  expect(readFileSync(join(folder, 'control')).equals(older)).toBe(true)
  expect(readdirSync(folder).sort()).toEqual(names)
})
