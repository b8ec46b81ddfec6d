/** What a checkout must never do, and what it does to what is there already. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Store, type Tree, type TreeEdit, VarveError } from '@varve/store'
import {
  type CheckoutReport,
  checkout,
  foldedName,
  type NameFolding,
  NodeFiles,
  probeFolding,
} from 'varve/internal'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let folder = ''
let store: Store

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'varve-checkout-'))
  store = await Store.open(join(folder, 'store'))
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Options {
  readonly existing?: 'refuse' | 'merge' | 'delete'
  readonly folding?: NameFolding
  readonly allowDotGit?: boolean
  readonly signal?: AbortSignal
}

function write(tree: Tree, name = 'out', o: Options = {}): Promise<CheckoutReport> {
  return checkout(tree, join(folder, name), {
    store,
    files: new NodeFiles(),
    existing: o.existing ?? 'refuse',
    allowDotGit: o.allowDotGit ?? false,
    signal: o.signal ?? new AbortController().signal,
    folding: o.folding,
  })
}

/** A committed tree with nothing but this. */
async function treeOf(edit: (edit: TreeEdit) => unknown): Promise<Tree> {
  const fresh = store.emptyTree().edit()
  edit(fresh)
  const commit = await store.branch('main').commit(() => fresh, { allowEmpty: true })
  return commit.tree()
}

async function failure(
  promise: Promise<unknown>,
): Promise<{ code: string; details: Record<string, unknown> }> {
  const cause = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (VarveError.is(cause) || (cause instanceof Error && 'code' in cause)) return cause as never
  throw new Error(`no failure, or one without a code: ${String(cause)}`)
}

const out = (...names: readonly string[]): string => join(folder, 'out', ...names)

test('writes bytes, modes, links, folders, and empty folders for submodules', async () => {
  const large = Buffer.alloc(3_000_000, 'large ')
  const tree = await treeOf((edit) => {
    edit.set('a/b/file', Buffer.from([0, 255, 13, 10]))
    edit.set('run', '#!', { mode: 'executable' })
    edit.set('link', 'a/b/nowhere', { mode: 'symlink' })
    edit.set('lib', '0'.repeat(40), { mode: 'submodule' })
    edit.set('large', large)
    edit.set('empty file', '')
    edit.setTree('empty', store.emptyTree())
    edit.set([Buffer.from([0xe9, 0x0a, 0xff])], 'a name of bytes')
  })
  const report = await write(tree)
  expect(report).toMatchObject({
    files: 5,
    links: 1,
    submodules: 1,
    directories: 3,
    bytes: large.length + 21,
  })
  expect(report.unlikeGit).toEqual([
    { path: 'empty', reason: 'empty-directory' },
    { path: 'lib', reason: 'submodule' },
  ])
  expect([...readFileSync(out('a', 'b', 'file'))]).toEqual([0, 255, 13, 10])
  expect(statSync(out('run')).mode & 0o777).toBe(0o755 & ~process.umask())
  expect(statSync(out('a/b/file')).mode & 0o777).toBe(0o644 & ~process.umask())
  expect(readlinkSync(out('link'))).toBe('a/b/nowhere')
  expect(readdirSync(out('lib'))).toEqual([])
  expect(readdirSync(out('empty'))).toEqual([])
  expect(readFileSync(out('large')).equals(large)).toBe(true)
  const names = readdirSync(join(folder, 'out'), { encoding: 'buffer' }).map((name) =>
    name.toString('latin1'),
  )
  expect(names).toContain('\u00e9\n\u00ff')
})

describe('the folder', () => {
  test('may be absent, with all that is above it, or empty', async () => {
    const tree = await treeOf((edit) => edit.set('f', 'x'))
    await write(tree, 'some/where/else')
    expect(existsSync(join(folder, 'some/where/else/f'))).toBe(true)
    mkdirSync(join(folder, 'out'))
    await write(tree)
    expect(readdirSync(join(folder, 'out'))).toEqual(['f'])
  })

  test('must not hold anything, be a file, or be a link', async () => {
    const tree = await treeOf((edit) => edit.set('f', 'x'))
    mkdirSync(out('other'), { recursive: true })
    expect(await failure(write(tree))).toMatchObject({ code: 'NOT_EMPTY' })
    expect(readdirSync(join(folder, 'out'))).toEqual(['other'])
    writeFileSync(join(folder, 'file'), '')
    expect(await failure(write(tree, 'file'))).toMatchObject({ code: 'EXISTS' })
    mkdirSync(join(folder, 'real'))
    symlinkSync(join(folder, 'real'), join(folder, 'link'))
    expect(await failure(write(tree, 'link'))).toMatchObject({ code: 'EXISTS' })
    expect(readdirSync(join(folder, 'real'))).toEqual([])
  })

  test('is gone again when the tree is refused', async () => {
    const tree = await treeOf((edit) => edit.set('.git/config', 'x'))
    await failure(write(tree))
    expect(existsSync(join(folder, 'out'))).toBe(false)
  })
})

describe('names that Git would take for its own', () => {
  test.each(['.git', '.GIT', '.Git ', '.git.', 'git~1', 'GIT~1', '.g\u200cit'])(
    'are refused: %j',
    async (name) => {
      const tree = await treeOf((edit) => edit.set(['d', name, 'hooks'], 'x'))
      expect(await failure(write(tree))).toMatchObject({ code: 'INVALID_PATH' })
      const report = await write(tree, 'out', { allowDotGit: true })
      expect(report.unlikeGit).toEqual([{ path: `d/${name}`, reason: 'git-name' }])
    },
  )

  test('others are not', async () => {
    const tree = await treeOf((edit) => {
      for (const name of ['.gitignore', 'git', '.gitmodules', 'x.git', 'git~2']) edit.set(name, 'x')
    })
    expect((await write(tree)).files).toBe(5)
  })
})

describe('names that are one on the file system', () => {
  test.each<[NameFolding, string, string, boolean]>([
    ['case', 'README', 'readme', true],
    ['case', 'caf\u00e9', 'CAFE\u0301', true],
    ['case', 'stra\u00dfe', 'STRASSE', false],
    ['case', 'a', 'b', false],
    ['normalisation', 'caf\u00e9', 'cafe\u0301', true],
    ['normalisation', 'README', 'readme', false],
    ['none', 'README', 'readme', false],
  ])('%s: %j and %j', async (folding, one, other, isCollision) => {
    expect(foldedName(Buffer.from(one), folding) === foldedName(Buffer.from(other), folding)).toBe(
      isCollision,
    )
    const tree = await treeOf((edit) => {
      edit.set(['d', one, 'x'], '1').set(['d', other], '2').set(['e', one], '3')
    })
    const done = write(tree, 'out', { folding })
    if (!isCollision) return expect((await done).files).toBe(3)
    expect(await failure(done)).toMatchObject({ code: 'CHECKOUT_COLLISION' })
    expect(existsSync(join(folder, 'out'))).toBe(false)
  })

  test('the file system is asked, and nothing of the question stays', async () => {
    mkdirSync(join(folder, 'out'))
    const folding = await probeFolding(new NodeFiles(), join(folder, 'out'))
    writeFileSync(out('probe'), '')
    expect(folding === 'case').toBe(existsSync(out('PROBE')))
    expect(readdirSync(join(folder, 'out'))).toEqual(['probe'])
  })
})

describe('into a folder with files', () => {
  let outside = ''

  beforeEach(() => {
    outside = join(folder, 'outside')
    mkdirSync(join(outside, 'd'), { recursive: true })
    writeFileSync(join(outside, 'd', 'f'), 'not to be touched')
    mkdirSync(out('d'), { recursive: true })
    writeFileSync(out('d', 'f'), 'before')
    writeFileSync(out('d', 'other'), 'other')
    mkdirSync(out('gone', 'with'), { recursive: true })
    writeFileSync(out('gone', 'with', 'all'), 'x')
  })

  test('merge replaces what has the same path, and leaves the rest', async () => {
    chmodSync(out('d', 'f'), 0o400)
    await write(await treeOf((edit) => edit.set('d/f', 'after')), 'out', { existing: 'merge' })
    expect(readFileSync(out('d', 'f'), 'utf8')).toBe('after')
    expect(readFileSync(out('d', 'other'), 'utf8')).toBe('other')
    expect(existsSync(out('gone', 'with', 'all'))).toBe(true)
  })

  test('delete makes the folder hold nothing else', async () => {
    symlinkSync(outside, out('link to outside'))
    const report = await write(
      await treeOf((edit) => edit.set('d/f', 'after').set('gone', 'a file now')),
      'out',
      { existing: 'delete' },
    )
    expect(report.files).toBe(2)
    expect(readdirSync(join(folder, 'out'))).toEqual(['d', 'gone'])
    expect(readdirSync(out('d'))).toEqual(['f'])
    expect(readFileSync(out('gone'), 'utf8')).toBe('a file now')
    expect(readFileSync(join(outside, 'd', 'f'), 'utf8')).toBe('not to be touched')
  })

  test('merge does not replace a folder by a file', async () => {
    const tree = await treeOf((edit) => edit.set('gone', 'a file'))
    expect(await failure(write(tree, 'out', { existing: 'merge' }))).toMatchObject({ code: 'EXISTS' })
    expect(existsSync(out('gone', 'with', 'all'))).toBe(true)
  })

  test.each(['merge', 'delete'] as const)(
    '%s: a link to a folder makes way for the folder',
    async (existing) => {
      rmSync(out('d'), { recursive: true })
      symlinkSync(join(outside, 'd'), out('d'))
      await write(await treeOf((edit) => edit.set('d/f', 'inside')), 'out', { existing })
      expect(lstatSync(out('d')).isSymbolicLink()).toBe(false)
      expect(readFileSync(out('d', 'f'), 'utf8')).toBe('inside')
      expect(readFileSync(join(outside, 'd', 'f'), 'utf8')).toBe('not to be touched')
    },
  )

  test.each(['merge', 'delete'] as const)('%s: a link to a file makes way for the file', async (existing) => {
    rmSync(out('d', 'f'))
    symlinkSync(join(outside, 'd', 'f'), out('d', 'f'))
    await write(await treeOf((edit) => edit.set('d/f', 'inside')), 'out', { existing })
    expect(readFileSync(out('d', 'f'), 'utf8')).toBe('inside')
    expect(readFileSync(join(outside, 'd', 'f'), 'utf8')).toBe('not to be touched')
  })

  test('a link of the tree is no way out: what is written comes before it', async () => {
    const tree = await treeOf((edit) => edit.set('escape', outside, { mode: 'symlink' }))
    await write(tree, 'twice', {})
    const next = await treeOf((edit) => edit.set('escape/d/f', 'x'))
    await write(next, 'twice', { existing: 'merge' })
    expect(lstatSync(join(folder, 'twice', 'escape')).isDirectory()).toBe(true)
    expect(readFileSync(join(outside, 'd', 'f'), 'utf8')).toBe('not to be touched')
  })
})

test('ends when it is interrupted', async () => {
  const tree = await treeOf((edit) => {
    for (let n = 0; n < 500; n++) edit.set(`${n}`, 'x')
  })
  const interrupted = new AbortController()
  const files = new NodeFiles()
  const writing = checkout(tree, join(folder, 'out'), {
    ...{ store, files, existing: 'refuse', allowDotGit: false, signal: interrupted.signal },
    onProgress: ({ entries }) => {
      if (entries === 20) interrupted.abort()
    },
  })
  expect(await failure(writing)).toMatchObject({ code: 'ABORTED' })
  expect(readdirSync(join(folder, 'out')).length).toBeLessThan(200)
})
