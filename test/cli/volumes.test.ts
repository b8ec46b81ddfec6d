/** `init --lower`, `volume ls`, `add`, and `verify`, and collections that archive. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'

let folder = ''

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'varve-volumes-'))
  await done('init', '--lower', 'lower')
  for (const text of ['one', 'two', 'three']) await done('set', `main:${text}`, '-m', text)
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

type Line = Readonly<Record<string, unknown>>

function run(...argv: readonly string[]): Promise<CommandOutcome> {
  return varve(['-s', 'store', ...argv], { folder, input: 'content' })
}

async function done(...argv: readonly string[]): Promise<string> {
  const { exit, stdout, stderr } = await run(...argv)
  expect({ exit, stderr }, argv.join(' ')).toEqual({ exit: 0, stderr: '' })
  return stdout
}

async function lines(...argv: readonly string[]): Promise<Line[]> {
  const text = (await done('--json', ...argv)).trimEnd()
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Line)
}

test('an archive, then another volume', async () => {
  expect(await lines('volume', 'ls')).toEqual([
    { type: 'volume', id: 1, name: 'volume-1', low: 0, high: 0, bytes: 0 },
  ])
  const empty = await run('volume', 'add')
  expect([empty.exit, empty.stderr]).toEqual([2, expect.stringContaining('still empty')])
  const plan = await lines('gc', 'run', '-n', 'main')
  expect(plan).toMatchObject([{ type: 'plan', before: 2 }])
  expect(await done('gc', 'run', '-n', 'main')).toContain('archive the 2 commits before')
  // Nothing is lost, so nobody is asked.
  const [stats] = await lines('gc', 'run', 'main')
  expect(stats).toMatchObject({ type: 'collection', bytesArchived: expect.any(Number) })
  expect(stats?.['bytesArchived']).toBeGreaterThan(0)
  const [volume] = await lines('volume', 'ls')
  expect(volume).toMatchObject({ id: 1, low: 0, bytes: stats?.['bytesArchived'] })
  expect(await done('log', 'main', '-n', '9')).toContain('one')
  expect(await done('cat', 'main~2:one')).toBe('content')
  expect(await lines('volume', 'add')).toEqual([{ type: 'volume-added', id: 2, volumes: 2 }])
  expect(await lines('volume', 'ls')).toMatchObject([volume, { id: 2, bytes: 0 }])
  expect((await lines('volume', 'verify')).at(-1)).toMatchObject({ type: 'check', ok: true })
})

test('a volume that lies elsewhere is listed and verified alone, and a damaged one is told', async () => {
  await done('gc', 'run', 'main')
  const alone = join(folder, 'elsewhere')
  cpSync(join(folder, 'lower', 'volume-1'), alone, { recursive: true })
  rmSync(join(folder, 'store'), { recursive: true })
  const [chunk] = readdirSync(alone).filter((name) => name.endsWith('.pack'))
  const files = await lines('volume', 'ls', 'elsewhere')
  expect(files).toEqual([
    expect.objectContaining({ type: 'volume-file', name: chunk, low: 0, isThere: true }),
  ])
  for (const depth of [[], ['--full'], ['--sample', '50%']]) {
    const found = await lines('volume', 'verify', ...depth, 'elsewhere')
    expect(found).toMatchObject([{ type: 'check', ok: true, findings: 0 }])
  }
  const path = join(alone, chunk as string)
  const bytes = readFileSync(path)
  bytes[bytes.indexOf('content')] = 0
  writeFileSync(path, bytes)
  const damaged = await run('--json', 'volume', 'verify', 'elsewhere')
  expect(damaged.exit).toBe(3)
  expect(damaged.stdout).toContain(`"file":"elsewhere/${chunk}"`)
  rmSync(path)
  expect((await lines('volume', 'ls', 'elsewhere'))[0]).toMatchObject({ isThere: false })
  const missing = await run('--json', 'volume', 'verify', 'elsewhere')
  expect(missing.exit).toBe(3)
  const none = await run('volume', 'ls', '.')
  expect([none.exit, none.stderr]).toEqual([10, expect.stringContaining('no manifest')])
})

test('a damaged manifest of a volume alone is told, and what cannot be checked without it', async () => {
  await done('gc', 'run', 'main')
  const path = join(folder, 'lower', 'volume-1', 'manifest-2')
  const whole = readFileSync(path)
  const damage = (...positions: readonly number[]): void => {
    const bytes = Buffer.from(whole)
    for (const at of positions) bytes[at] = (bytes[at] as number) ^ 1
    writeFileSync(path, bytes)
  }
  const verified = async (): Promise<CommandOutcome> => run('volume', 'verify', 'lower/volume-1')
  damage(40)
  const one = await verified()
  expect(one.exit).toBe(3)
  expect(one.stdout).toMatch(/^error\tvolume-1\/manifest-2\t40\trepairable\t/)
  damage(40, 4096 + 40)
  const both = await verified()
  expect(both.exit).toBe(3)
  expect(both.stdout).toMatch(/^warning\tvolume-1\/manifest-2\t\d+\tnot repairable\t-\t.*not checked/)
  rmSync(join(folder, 'lower', 'volume-1', 'manifest-1'))
  const none = await verified()
  expect([none.exit, none.stderr], 'there is none to go by').toEqual([
    13,
    expect.stringContaining('manifest-2: no copy of it is whole'),
  ])
  expect(none.stderr).not.toContain('bundle')
  writeFileSync(path, whole)
  expect((await verified()).exit).toBe(0)
})

test('a lower layer that comes later, and one that has moved', async () => {
  await varve(['-s', 'plain', 'init'], { folder })
  const attached = await varve(['-s', 'plain', '--json', 'volume', 'add', '--lower', 'cellar'], { folder })
  expect(JSON.parse(attached.stdout)).toEqual({ type: 'volume-added', id: 1, volumes: 1 })
  await done('gc', 'run', 'main')
  renameSync(join(folder, 'lower'), join(folder, 'moved'))
  const away = await run('cat', 'main~2:one')
  expect([away.exit, away.stderr]).toEqual([14, expect.stringContaining('LOWER_UNAVAILABLE')])
  expect(await done('cat', 'main:three')).toBe('content')
  const refused = await run('gc', 'run', '--yes')
  expect(refused.exit).toBe(14)
  await done('volume', 'add', '--lower', 'moved')
  expect(await done('cat', 'main~2:one')).toBe('content')
})

test('a place that is not that of the lower layer is refused, and the one before stays', async () => {
  writeFileSync(join(folder, 'file'), '')
  for (const isCollected of [false, true]) {
    if (isCollected) await done('gc', 'run', 'main')
    const before = readFileSync(join(folder, 'store', 'control')).toString('latin1')
    for (const wrong of ['nowhere', 'file', 'file/in-it', 'store']) {
      const { exit, stderr } = await run('volume', 'add', '--lower', wrong)
      expect([wrong, exit, stderr]).toEqual([wrong, wrong === 'store' ? 2 : 14, expect.any(String)])
      expect(readFileSync(join(folder, 'store', 'control')).toString('latin1')).toBe(before)
    }
    expect(readdirSync(folder).sort()).toEqual(['file', 'lower', 'store'])
  }
  expect(await done('cat', 'main~2:one')).toBe('content')
  await done('volume', 'add', '--lower', 'lower')
})

test('a new store whose lower layer cannot be is not made', async () => {
  writeFileSync(join(folder, 'file'), '')
  const init = (store: string, lower: string): Promise<CommandOutcome> =>
    varve(['-s', store, 'init', '--lower', lower], { folder })
  const refused = [
    ['new', 'file', 14],
    ['new', 'file/in-it', 14],
    ['new', 'new', 2],
    ['new', 'new/db', 2],
    ['new', 'new/suffix-1.pack', 2],
  ] as const
  for (const [store, lower, code] of refused) {
    const { exit, stdout } = await init(store, lower)
    expect([lower, exit, stdout]).toEqual([lower, code, ''])
    expect(readdirSync(folder).sort()).toEqual(['file', 'lower', 'store'])
  }
  expect((await init('new', 'new/lower')).exit).toBe(0)
})
