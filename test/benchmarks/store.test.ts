/** `pnpm bench` at a hundredth of its size, once through: it must not rot between the full runs. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Store } from '@varve/store'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isInstalled } from '../support/installed.ts'
import { expectedSum } from '../support/reference-values.ts'

const built = fileURLToPath(new URL('../../benchmarks/dist', import.meta.url))
const withoutGit = ['put', 'getSync']
const withGit = ['put', 'fast-import W1', 'getSync', 'cat-file', 'fast-import W2', 'gc dropped', 'gc all']
const stepNames = ['W1', 'W2', 'W3 fresh', 'W3 one', 'W4 idle', 'W4 busy', 'W5']

interface Line {
  readonly step: string
  readonly what: string
  readonly median: number
  readonly values: readonly number[]
}

interface Report {
  readonly rounds: number
  readonly figures: readonly Line[]
  readonly yardsticks: readonly Line[]
  readonly comparison?: object
  readonly proofs: Readonly<Record<string, string>>
}

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-benchmarks-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('all workloads and yardsticks run, read what was written, and leave nothing behind', () => {
  const [scratch, reports] = [join(folder, 'scratch'), join(folder, 'reports')]
  mkdirSync(scratch)
  const args = [...smallRun(reports), '--yardsticks', 'all']
  const env = { ...process.env, TMPDIR: scratch }
  const done = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  expect(done.status, done.stderr).toBe(0)
  expect(readdirSync(scratch)).toEqual([])
  const files = readdirSync(reports)
  expect(files).toHaveLength(1)
  const report = JSON.parse(readFileSync(join(reports, files[0] as string), 'utf8')) as Report
  expect([...new Set(report.figures.map(({ step }) => step))]).toEqual(stepNames)
  const names = isInstalled('git', 'the yardsticks of Git are') ? withGit : withoutGit
  expect(report.yardsticks.map(({ step }) => step)).toEqual(names)
  for (const name of names) expect(done.stdout).toContain(`| ${name} `)
  const lines = [...report.figures, ...report.yardsticks]
  expect(lines.filter(({ values, median }) => values.length !== 1 || !(median > 0))).toEqual([])
  expect(lines.filter(({ median }) => !Number.isFinite(median))).toEqual([])
  // Times of small work must not be held against those of the full size.
  expect(report.comparison).toBeUndefined()
  expect(report.proofs['values of W3']).toBe(
    expectedSum({ keyCount: 2_000, overwriteCount: 1_000, readCount: 1_000 }),
  )
  for (const { what } of report.figures) expect(done.stdout).toContain(`| ${what} `)
})

test('the full size reads what the reference reads', () => {
  const full = { keyCount: 200_000, overwriteCount: 100_000, readCount: 100_000 }
  expect(expectedSum(full)).toBe('0d5b0a1e1fd0785b')
})

test('a value that is not what was written fails the run', async () => {
  const store = join(folder, 'store')
  const run = (step: string): string =>
    execFileSync(process.execPath, [join(built, 'store', 'main.js'), step, store, 'hundredth'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  run('W1')
  const opened = await Store.open(store)
  await opened.branch('main').commit(async (edit) => {
    for await (const { path, kind } of edit.entries('', { recursive: true, limit: 300 })) {
      if (kind === 'blob') edit.set(path, 'something else')
    }
  })
  await opened.close()
  expect(() => run('W2')).toThrow('does not hold what was written')
  expect(() => run('W3 one')).toThrow('the values read sum up to')
})

test('a run without git says what it leaves out; interrupted, it removes its stores', async () => {
  const env = { ...process.env, TMPDIR: folder, PATH: folder }
  const running = spawn(process.execPath, smallRun(folder), { env })
  const closed = once(running, 'close')
  const printed = text(running.stdout)
  // The first step has ended, the second one has a store.
  await once(running.stderr, 'data')
  expect(readdirSync(folder)).toHaveLength(1)
  running.kill('SIGINT')
  expect(await closed).toEqual([1, null])
  const left = withGit.filter((name) => !withoutGit.includes(name) && name !== 'gc all')
  expect(await printed).toContain(`Left out, as there is no git here: ${left.join(', ')}\n`)
  expect(readdirSync(folder)).toEqual([])
})

test('a command line that means nothing is refused, with what there is', () => {
  for (const [args, answer] of [
    [['no-such'], 'tree-shape'],
    [['--size', 'tenth'], 'hundredth'],
    [['--rounds', '0'], '--rounds'],
    [['--round'], '--round'],
    [['--yardsticks', 'some'], 'usual, none, all'],
  ] as const) {
    const done = spawnSync(process.execPath, [join(built, 'main.js'), ...args], { encoding: 'utf8' })
    expect(done.status, args.join(' ')).toBe(1)
    expect(done.stderr).toContain(answer)
  }
})

/** Arguments of a run of the smallest size. */
function smallRun(reports: string): string[] {
  return [join(built, 'main.js'), '--size', 'hundredth', '--rounds', '1', '--report', reports]
}
