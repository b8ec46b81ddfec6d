/** What `inspect` says of a file, and that the same bytes can be built from it again. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '@varve/pack/testing'
import { Store } from '@varve/store'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CommandLineOptions, type CommandOutcome, varve } from '../support/command-line.ts'
import { makeSpecimen } from '../support/specimen.ts'
import { frozenStore, storedFiles, writeSpecimen } from '../support/stored-files.ts'

interface Line {
  readonly type: string
  readonly position?: number
  readonly size?: number
  readonly [field: string]: unknown
}

let stores = ''
let folder = ''

beforeAll(async () => {
  stores = mkdtempSync(join(tmpdir(), 'varve-inspected-'))
  cpSync(frozenStore, join(stores, 'frozen'), { recursive: true })
  writeSpecimen(await makeSpecimen(7), join(stores, 'specimen'))
  const empty = await Store.open(join(stores, 'empty'))
  await empty.close()
  await makeLayered()
})

/** A store that has archived twice. */
async function makeLayered(): Promise<void> {
  const store = await Store.open(join(stores, 'layered'), { lower: join(stores, 'lower') })
  const main = store.branch('main')
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 50; i++) await main.commit((edit) => void edit.set(`f${i}`, `${round} ${i}`))
    const head = await main.head()
    await main.commit((edit) => void edit.set('last', `${round}`))
    await store.gc.run(head, { grace: 0 })
  }
  await store.close()
}

const folders = ['frozen', 'specimen', 'empty', 'layered', 'lower/volume-1']

afterAll(() => rmSync(stores, { recursive: true, force: true }))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-inspect-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function inspect(path: string, ...argv: readonly string[]): Promise<CommandOutcome> {
  return varve(['inspect', path, ...argv], { folder })
}

function linesOf({ stdout }: CommandOutcome): Line[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

/** The fields of each type of line, by the table in docs/cli.md; those of all kinds of records together. */
function documentedFields(): Map<string, Set<string>> {
  const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
  const schema = new Map<string, Set<string>>()
  const table = page.split('## Lines of `inspect`')[1] ?? ''
  for (const [, types = '', fields = ''] of table.matchAll(/^\| (`[^|]+|\u2025) \|[^|]*\|(.*)\|$/gm)) {
    const names = [...fields.matchAll(/`(\w+)\??`/g)].map(([, name = '']) => name)
    const known =
      types === '\u2025' ? ['record'] : [...types.matchAll(/`([\w-]+)`/g)].map(([, type = '']) => type)
    for (const type of known) schema.set(type, new Set([...(schema.get(type) ?? []), ...names]))
  }
  return schema
}

const schema = documentedFields()
const seen = new Set<string>()

function expectDocumented(lines: readonly Line[]): void {
  for (const { type, position, size, raw, ...fields } of lines) {
    seen.add(type)
    const known = [...(schema.get(type) ?? [])].flatMap((name) => [name, `${name}Bytes`])
    for (const name of Object.keys(fields)) expect(known, `docs/cli.md describes ${type}`).toContain(name)
  }
}

/** Builds it from its lines, and asserts that nothing is missing and nothing told twice. */
async function rebuilt(outcome: CommandOutcome): Promise<Buffer> {
  const target = join(folder, 'rebuilt')
  rmSync(target, { force: true })
  const built = await varve(['inspect', '--rebuild', target, '-'], { folder, input: outcome.stdoutBytes })
  expect(built).toMatchObject({ exit: 0, stderr: '', stdout: `${target}\n` })
  return readFileSync(target)
}

async function expectRebuilt(path: string): Promise<{ exit: number; lines: Line[] }> {
  const outcome = await inspect(path, '--json')
  expect(outcome.stderr).toBe('')
  const bytes = readFileSync(path)
  expect((await rebuilt(outcome)).equals(bytes)).toBe(true)
  const lines = linesOf(outcome)
  expectDocumented(lines)
  const placed = lines.filter(({ position }) => position !== undefined)
  expect(placed.reduce((sum, { size = 0 }) => sum + size, 0)).toBe(bytes.length)
  return { exit: outcome.exit, lines }
}

describe.each(folders)('the files in %s', (name) => {
  test('is all said in fields that make the same bytes', async () => {
    const files = storedFiles(join(stores, name))
    expect(files.size).toBeGreaterThan(1)
    for (const file of files.keys()) {
      const { exit, lines } = await expectRebuilt(join(stores, name, file))
      expect(exit, file).toBe(0)
      expect(lines[0], file).toMatchObject({ type: 'inspected', name: file })
      const odd = lines.filter((line) => 'raw' in line || 'body' in line || line.type === 'damage')
      expect(odd, file).toEqual([])
    }
  })

  test('is told in rows too, as many of them or more', async () => {
    for (const file of storedFiles(join(stores, name)).keys()) {
      const path = join(stores, name, file)
      const said = linesOf(await inspect(path, '--json')).filter(({ type }) => type !== 'gap').length
      const { exit, stdout, stderr } = await inspect(path)
      expect({ exit, stderr }, file).toEqual({ exit: 0, stderr: '' })
      expect(stdout.trimEnd().split('\n').length, file).toBeGreaterThanOrEqual(said)
    }
  })
})

describe('damaged files', () => {
  /** What can happen to bytes on a disk. */
  const harms: readonly ((bytes: Buffer, random: SeededRandom) => Buffer)[] = [
    (bytes, random) => {
      bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
      return bytes
    },
    (bytes, random) => {
      const at = random.below(bytes.length)
      random.bytes(Math.min(1 + random.below(300), bytes.length - at)).copy(bytes, at)
      return bytes
    },
    (bytes, random) => {
      const at = random.below(bytes.length)
      return bytes.fill(0, at, Math.min(bytes.length, at + random.below(5_000)))
    },
    (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
    (bytes, random) => Buffer.concat([bytes, random.bytes(1 + random.below(100_000))]),
    (bytes, random) => {
      const at = random.below(bytes.length)
      return Buffer.concat([bytes.subarray(0, at), random.bytes(8), bytes.subarray(at)])
    },
    (bytes, random) => Buffer.concat([bytes, bytes.subarray(random.below(bytes.length))]),
  ]

  test.each([1, 2, 3])('are built again to the last byte, and told to be damaged (seed %i)', async (seed) => {
    const random = new SeededRandom(seed)
    const all = folders.flatMap((name) =>
      [...storedFiles(join(stores, name))].map(([file, bytes]) => ({ name, file, bytes })),
    )
    for (let round = 0; round < 60; round++) {
      const { name, file, bytes } = random.pick(all)
      const harm = random.pick(harms)
      const harmed = harm(Buffer.from(bytes), random)
      const path = join(stores, name, `${file}`)
      writeFileSync(path, harmed)
      try {
        const { exit, lines } = await expectRebuilt(path)
        const what = `seed ${seed}, round ${round}: ${name}/${file}, harm ${harms.indexOf(harm)}`
        const isUnseen =
          lines.some((line) => line.type === 'gap' && 'raw' in line) || /padding/.test(textOf(lines))
        if (!harmed.equals(bytes) && !isUnseen) expect(exit, what).toBe(3)
      } finally {
        writeFileSync(path, bytes)
      }
    }
  })

  test('the damage is where the byte is', async () => {
    const name = 'suffix-259.pack'
    const path = join(stores, 'frozen', name)
    const bytes = readFileSync(path)
    for (let at = 64; at < bytes.length; at += 11) {
      const harmed = Buffer.from(bytes)
      harmed[at]! ^= 0x10
      writeFileSync(join(folder, name), harmed)
      const { exit, lines } = await expectRebuilt(join(folder, name))
      const around = lines.find(({ position = at + 1, size = 0 }) => position <= at && at < position + size)
      if (around?.['padding'] !== undefined) continue
      expect(exit).toBe(3)
      expect(around, `byte ${at}`).toMatchObject({ type: 'damage' })
      const others = lines.filter(({ type }) => type === 'record').length
      expect(others, `byte ${at}`).toBeGreaterThanOrEqual(5)
    }
  })

  test('a chunk whose header is damaged still tells its records, if nonce and base are right', async () => {
    const name = 'suffix-259.pack'
    const bytes = readFileSync(join(stores, 'frozen', name))
    const kinds = async (): Promise<unknown[]> => {
      const { lines } = await expectRebuilt(join(folder, name))
      return lines.filter(({ type }) => type === 'record').map(({ kind }) => kind)
    }
    writeFileSync(join(folder, name), bytes)
    const whole = await kinds()
    expect(whole).toHaveLength(11)
    for (const [at, isEnough] of [
      [0, true],
      [8, true],
      [13, true],
      [20, false],
      [33, true],
      [50, true],
      [60, true],
    ] as const) {
      const harmed = Buffer.from(bytes)
      harmed[at]! ^= 0x40
      writeFileSync(join(folder, name), harmed)
      expect((await kinds()).length, `byte ${at}`).toBe(isEnough ? whole.length : 1)
    }
  })

  test('a segment without its map tells the records that their own hashes prove', async () => {
    for (const name of ['gen-3.pack', 'gen-3.map']) cpSync(join(frozenStore, name), join(folder, name))
    const segment = join(folder, 'gen-3.pack')
    const { lines: whole } = await expectRebuilt(segment)
    const map = readFileSync(join(folder, 'gen-3.map'))
    map[4100]! ^= 1
    writeFileSync(join(folder, 'gen-3.map'), map)
    const damaged = await expectRebuilt(segment)
    rmSync(join(folder, 'gen-3.map'))
    const { exit, lines } = await expectRebuilt(segment)
    expect(exit).toBe(3)
    expect(damaged.lines).toEqual(lines)
    const records = (from: Line[]): unknown[] =>
      from.flatMap(({ type, kind, hash }) => (type === 'record' ? [[kind, hash]] : []))
    expect(records(lines)).toEqual(records(whole))
    expect(lines.find(({ type }) => type === 'record')).toMatchObject({ offset: null })
  })

  test('what is no such file at all is damage from end to end', async () => {
    for (const file of storedFiles(join(stores, 'frozen')).keys()) {
      for (const content of ['', 'no such thing', 'VCTL'.repeat(5_000)]) {
        writeFileSync(join(folder, file), content)
        const { exit, lines } = await expectRebuilt(join(folder, file))
        expect(exit, file).toBe(3)
        expect(
          lines.every(({ type }) => ['inspected', 'damage', 'problem', 'chunk', 'segment'].includes(type)),
        ).toBe(true)
      }
    }
  })
})

describe('on a terminal', () => {
  test('nothing is a command to it', async () => {
    const evil = '\u001b]0;title\u0007\u009b31m\ttab\nline'
    const store = await Store.open(join(folder, 'store'))
    const main = store.branch('main')
    await main.commit((edit) => void edit.set(`a${evil}b`, evil), { message: evil, author: evil })
    await store.tag('t').create((await main.head())!, { message: evil })
    await store.gc.run((await main.head())!, { grace: 0 })
    await main.commit((edit) => void edit.set('b', ''), { message: evil, extra: { [evil]: evil } })
    await store.close()
    const options: CommandLineOptions = { folder, terminal: {} }
    for (const file of storedFiles(join(folder, 'store')).keys()) {
      const path = join(folder, 'store', file)
      for (const shown of [
        await inspect(path),
        await varve(['inspect', path, '--color', 'never'], options),
      ]) {
        expect(shown.exit).toBe(0)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
        expect(shown.stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
      }
      await expectRebuilt(path)
    }
  })

  test('the frozen store reads like this', async () => {
    const parts: string[] = []
    for (const [file, terminal] of [
      ['control', {}],
      ['suffix-259.pack', {}],
      ['suffix-259.pack', undefined],
      ['meta-2.ckpt', {}],
      ['gen-3.map', {}],
      ['suffix-259.idx', {}],
    ] as const) {
      const argv = ['inspect', join(frozenStore, file), '--color', 'never']
      const { stdout } = await varve(argv, { folder, terminal })
      parts.push(`$ varve inspect ${file}${terminal === undefined ? ' | cat' : ''}\n${stdout}`)
    }
    for (const file of ['control', 'suffix-259.pack', 'meta-2.ckpt', 'gen-3.map', 'suffix-259.idx']) {
      const { stdout } = await inspect(join(frozenStore, file), '--json')
      parts.push(`$ varve inspect --json ${file}\n${stdout}`)
    }
    await expect(parts.join('\n')).toMatchFileSnapshot('../golden/cli/inspect.txt')
  })
})

describe('what else is asked of it', () => {
  test('a limit', async () => {
    const outcome = await inspect(join(frozenStore, 'gen-3.pack'), '--json', '--limit', '3')
    expect(outcome.exit).toBe(0)
    expect(linesOf(outcome).map(({ type }) => type)).toEqual(['inspected', 'segment', 'record'])
    const target = join(folder, 'rebuilt')
    const built = await varve(['inspect', '--rebuild', target, '-'], { folder, input: outcome.stdout })
    expect(built).toMatchObject({ exit: 2, stdout: '' })
    expect(built.stderr).toContain('of 308856 bytes')
    expect(existsSync(target)).toBe(false)
  })

  test('a file that is there is not written over', async () => {
    const outcome = await inspect(join(frozenStore, 'control'), '--json')
    writeFileSync(join(folder, 'lines'), outcome.stdout)
    writeFileSync(join(folder, 'there'), 'mine')
    expect(await varve(['inspect', 'lines', '--rebuild', 'there'], { folder })).toMatchObject({ exit: 5 })
    expect(readFileSync(join(folder, 'there'), 'utf8')).toBe('mine')
    expect(await varve(['inspect', 'nowhere', '--rebuild', 'new'], { folder })).toMatchObject({ exit: 1 })
    const built = await varve(['inspect', 'lines', '--rebuild', 'new', '--json'], { folder })
    expect(JSON.parse(built.stdout)).toMatchObject({ type: 'rebuilt', path: join(folder, 'new'), size: 4655 })
  })

  test('lines that are no lines of it are refused, and leave no file', async () => {
    const lines = linesOf(await inspect(join(frozenStore, 'suffix-259.pack'), '--json'))
    const change = (at: number, fields: object): string =>
      lines.map((line, i) => JSON.stringify(i === at ? { ...line, ...fields } : line)).join('\n')
    const hostile = [
      '',
      'no json',
      '[]',
      '7\n',
      JSON.stringify(lines[1]),
      lines
        .slice(0, 1)
        .map((line) => JSON.stringify(line))
        .join('\n'),
      change(0, { size: -1 }),
      change(1, { position: 8 }),
      change(1, { nonce: 'ff' }),
      change(1, { size: 2 ** 52 }),
      change(1, { type: 'gap', size: 2 ** 40 }),
      change(1, { type: 'damage' }),
      change(1, { type: 'else' }),
      change(2, { records: 2 ** 40 }),
      change(2, { time: 'soon' }),
      change(2, { offset: -8 }),
      change(3, { kind: 'blob' }),
      change(3, { kind: '__proto__' }),
      change(3, { kind: 'delta' }),
      change(3, { key: 7 }),
      change(3, { key: 'x'.repeat(100_000) }),
      change(3, { references: [{}] }),
      change(3, { offset: 12 }),
      change(3, { flags: ['toString'] }),
      change(3, { raw: '' }),
      change(7, { entries: null }),
      change(7, { entries: [null] }),
      change(7, { entries: Array.from({ length: 300 }, () => ({})) }),
      change(8, { parents: ['zz'] }),
      change(8, { extra: 7 }),
      change(8, { date: 9e15 }),
      [...lines, lines.at(1)].map((line) => JSON.stringify(line)).join('\n'),
    ]
    for (const input of hostile) {
      const built = await varve(['inspect', '--rebuild', 'new', '-'], { folder, input })
      expect(built, input.slice(0, 300)).toMatchObject({ exit: 2, stdout: '' })
      expect(readdirSync(folder)).toEqual([])
    }
  })

  test('other files are refused by their names', async () => {
    for (const name of ['another', 'lock-owner-7', 'suffix-01.pack']) {
      writeFileSync(join(folder, name), '')
      expect(await inspect(join(folder, name)), name).toMatchObject({ exit: 2, stdout: '' })
    }
    expect(await inspect(folder)).toMatchObject({ exit: 2 })
    expect(await inspect(join(folder, 'control'))).toMatchObject({ exit: 1 })
  })
})

test('every type of line that docs/cli.md describes was seen', () => {
  expect([...schema.keys()].filter((type) => !seen.has(type))).toEqual(['healed', 'touched', 'rebuilt'])
})

function textOf(lines: readonly Line[]): string {
  return lines.flatMap((line) => Object.keys(line)).join(' ')
}
