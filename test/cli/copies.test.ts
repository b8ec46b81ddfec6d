/** backup, clone, and bundle as people type them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Store } from '@varve/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { varve } from '../support/command-line.ts'

let folder = ''
let store = ''

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'varve-copies-'))
  store = join(folder, 'store')
  await done(['init'])
  await done(['set', 'main:a/b', '-', '-m', 'one'], 'first')
  await done(['set', 'main:a/b', '-', '-m', 'two'], 'second')
  await done(['tag', 'create', 'v1', 'main~1'])
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

type Outcome = Awaited<ReturnType<typeof varve>>

function run(args: readonly string[], stdin?: string | Uint8Array, of = store): Promise<Outcome> {
  return varve(['-s', of, ...args], { ...(stdin !== undefined && { input: stdin }) })
}

/** What a command prints; it has no complaints. */
async function done(args: readonly string[], stdin?: string | Uint8Array, of = store): Promise<string> {
  const outcome = await run(args, stdin, of)
  expect(outcome.stderr).toBe('')
  expect(outcome.exit).toBe(0)
  return outcome.stdout
}

describe('backup', () => {
  test('twice into one folder, also while somebody writes', async () => {
    const target = join(folder, 'backup')
    expect(await done(['backup', target])).toMatch(/^backup\t1\t\d+\t.*backup\n$/)
    await using writer = await Store.open(store)
    await writer.branch('main').commit((edit) => void edit.set('c', 'third'), { message: 'three' })
    const json = JSON.parse(await done(['--json', 'backup', target]))
    expect(json).toMatchObject({ type: 'backup', folder: target, files: 1 })
    expect(await done(['cat', 'main:c'], undefined, target)).toBe('third')
    expect(await done(['log'], undefined, target)).toBe(await done(['log']))
  })

  test('into a folder with something else is refused', async () => {
    writeFileSync(join(folder, 'mine'), 'mine')
    const refused = await run(['backup', folder])
    expect(refused).toMatchObject({ exit: 2, stdout: '' })
    expect(refused.stderr).toContain('[OPTION_MISMATCH]')
    expect(readdirSync(folder).sort()).toEqual(['mine', 'store'])
  })
})

describe('clone', () => {
  test('of everything, of one tag, and of so many commits', async () => {
    expect(await done(['clone', store, join(folder, 'all')])).toMatch(
      /^clone\t8\t\d+\t.*all\nref\theads\/main\nref\ttags\/v1\n$/,
    )
    expect(await done(['log'], undefined, join(folder, 'all'))).toBe(await done(['log']))
    const json = await done(['--json', 'clone', store, join(folder, 'tag'), '--ref', 'v1'])
    expect(JSON.parse(json)).toMatchObject({ type: 'clone', objects: 4, refs: ['tags/v1'] })
    await done(['clone', store, join(folder, 'one'), '--ref', 'main', '--depth', '1'])
    const log = await done(['log'], undefined, join(folder, 'one'))
    expect(log.trimEnd().split('\n')).toHaveLength(1)
  })

  test('refusals leave nothing', async () => {
    const target = join(folder, 'clone')
    const cases = [
      [['clone', store, target, '--ref', 'nobody'], 4, 'REF_NOT_FOUND'],
      [['clone', join(folder, 'nothing'), target], 10, 'NO_STORE'],
      [['clone', store, target, '--depth', '0'], 2, 'USAGE'],
      [['clone', store, store], 2, 'OPTION_MISMATCH'],
    ] as const
    for (const [args, exit, code] of cases) {
      const refused = await run(args)
      expect(refused).toMatchObject({ exit, stdout: '' })
      expect(refused.stderr).toContain(`[${code}]`)
    }
    expect(readdirSync(folder)).toEqual(['store'])
  })
})

describe('bundle', () => {
  test('created, verified, and taken in, through files and pipes', async () => {
    const file = join(folder, 'all.varve')
    const size = (): number => readFileSync(file).length
    expect(await done(['bundle', 'create', file])).toBe(`bundle\t2\t8\t${size()}\n`)
    const [two, one] = (await done(['log']))
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[0])
    const whole = `whole\t2\t8\t${size()}\ntip\theads/main\t${two}\ntip\ttags/v1\t${one}\n`
    expect(await done(['bundle', 'verify', file])).toBe(whole)
    expect(await done(['bundle', 'verify', '-'], readFileSync(file))).toBe(whole)
    const other = join(folder, 'other')
    await done(['init'], undefined, other)
    const refs = `ref\tcreated\theads/main\t${two}\nref\tcreated\ttags/v1\t${one}\n`
    expect(await done(['bundle', 'import', '-'], readFileSync(file), other)).toBe(
      `imported\t2\t8\t${size()}\n${refs}`,
    )
    expect(await done(['log'], undefined, other)).toBe(await done(['log']))
    const again = JSON.parse(await done(['--json', 'bundle', 'import', file], undefined, other))
    expect(again).toMatchObject({ type: 'taken', commits: 2, bare: [] })
    const copy = join(folder, 'copy.varve')
    await done(['bundle', 'create', copy], undefined, other)
    expect(readFileSync(copy).equals(readFileSync(file))).toBe(true)
    const existing = await run(['bundle', 'create', file])
    expect(existing).toMatchObject({ exit: 5, stdout: '' })
  })

  test('without what the other has', async () => {
    const other = join(folder, 'other')
    await done(['init'], undefined, other)
    const file = join(folder, 'thin.varve')
    await done(['bundle', 'create', file, 'main', '--not', 'v1'])
    expect(await done(['bundle', 'verify', file])).toContain('\nneeds\t')
    const refused = await run(['bundle', 'import', file], undefined, other)
    expect(refused.exit).toBe(4)
    expect(refused.stderr).toContain('import the one before it first')
    const first = join(folder, 'first.varve')
    await done(['bundle', 'create', first, 'v1'])
    await done(['bundle', 'import', first], undefined, other)
    await done(['bundle', 'import', file], undefined, other)
    expect(await done(['cat', 'main:a/b'], undefined, other)).toBe('second')
  })

  test('that is damaged is refused with what is wrong', async () => {
    const file = join(folder, 'bad.varve')
    await done(['bundle', 'create', file])
    const bytes = readFileSync(file)
    bytes[300]! ^= 1
    writeFileSync(file, bytes)
    for (const args of [
      ['bundle', 'verify', file],
      ['bundle', 'import', file],
    ]) {
      const refused = await run(args)
      expect(refused).toMatchObject({ exit: 13, stdout: '' })
      expect(refused.stderr).toContain('is no whole bundle')
      expect(refused.stderr).toContain('Fetch the bundle anew')
    }
    const cut = await run(['bundle', 'verify', '-'], bytes.subarray(0, 200))
    expect(cut.exit).toBe(13)
    const foreign = await run(['bundle', 'verify', '-'], 'hello')
    expect(foreign).toMatchObject({ exit: 13, stdout: '' })
  })
})
