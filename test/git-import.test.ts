/**
 * Real histories come over whole: into a store, through a collection, out to files, with every id of Git's.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@varve/pack/base'
import { type Commit, Store } from '@varve/store'
import { afterAll, afterEach, test as anyTest, beforeAll, describe, expect } from 'vitest'
import { CheckedOut } from './support/checked-out.ts'
import { varve } from './support/command-line.ts'
import { git } from './support/git-command.ts'
import { GitIds } from './support/git-ids.ts'
import { isInstalled } from './support/installed.ts'
import { makeSampleRepository } from './support/sample-repository.ts'

const own = fileURLToPath(new URL('..', import.meta.url))
const program = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url))
/** Of a history longer than this, so many commits are written to files; of a shorter one, every one. */
const checkedOutMax = 150

const test = anyTest.skipIf(!isInstalled('git', 'the import of whole histories is'))

let sample = ''
const folders: string[] = []

beforeAll(() => {
  sample = makeSampleRepository()
})

afterAll(() => rmSync(sample, { recursive: true, force: true }))

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-import-'))
  folders.push(folder)
  return folder
}

interface Report {
  readonly commits: number
  readonly objects: number
  readonly refs: readonly {
    readonly name: string
    readonly state: string
    readonly commit: string
    readonly at?: string
  }[]
  readonly skipped: readonly { readonly gitName: string; readonly reason: string }[]
  readonly leftOut: readonly unknown[]
  readonly odd: readonly string[]
  readonly cut: readonly string[]
}

async function imported(
  store: string,
  repository: string,
  ...options: readonly string[]
): Promise<{ exit: number; report: Report }> {
  const outcome = await varve(['-s', store, '--json', 'import', 'git', repository, ...options])
  expect(outcome.stderr).toBe('')
  return { exit: outcome.exit, report: JSON.parse(outcome.stdout) as Report }
}

async function newStore(): Promise<string> {
  const store = join(newFolder(), 'store')
  expect((await varve(['-s', store, 'init'])).exit).toBe(0)
  return store
}

/** Every commit that the store has, with the id that it has in Git. */
async function commitsOf(store: Store): Promise<Map<string, Commit>> {
  const heads: Commit[] = []
  for await (const branch of store.branches()) heads.push((await branch.head())!)
  for await (const tag of store.tags()) heads.push((await tag.target())!)
  const found = new Map<string, Commit>()
  for await (const commit of store.log(heads)) found.set(commit.extra['git:id'] ?? '', commit)
  return found
}

function expectSameIds(repository: string, commits: ReadonlyMap<string, Commit>): void {
  const ids = new GitIds()
  const trees = treesOf(repository, [...commits.keys()])
  expect(trees.size).toBe(commits.size)
  for (const [id, tree] of trees) {
    const commit = commits.get(id)!
    expect(ids.treeOf(commit), `tree of ${id}`).toBe(tree)
    expect(ids.commit(commit)).toBe(id)
  }
}

/** The tree id that Git has for each commit. */
function treesOf(repository: string, commits: readonly string[]): Map<string, string> {
  const args = ['log', '--no-walk=unsorted', '--format=%H %T', '--stdin']
  const lines = git(repository, args, { input: `${commits.join('\n')}\n` }).split('\n')
  return new Map(lines.map((line) => line.split(' ') as [string, string]))
}

/** Collects at the middle of main, then writes the commits that are left to files. */
async function expectSameFilesAfterCollection(store: Store, repository: string): Promise<void> {
  const before = await commitsOf(store)
  const line = await store.log((await store.branch('main').head())!, { firstParent: true }).toArray()
  const target = line[Math.floor(line.length / 2)]!
  const stats = await store.gc.run(target, { grace: 0 })
  expect(stats.target).toBe(target.hash)
  const kept = await commitsOf(store)
  expect(kept.size).toBeLessThan(before.size)
  expect(kept.has(target.extra['git:id']!)).toBe(true)
  expectSameIds(repository, kept)
  const written = new CheckedOut(store, { repository, isFresh: repository === sample })
  try {
    const step = Math.max(1, Math.ceil(kept.size / checkedOutMax))
    const chosen = [...kept].filter((_, at) => at % step === 0)
    const trees = treesOf(
      repository,
      chosen.map(([id]) => id),
    )
    const unlikeGit = new Set<string>()
    for (const [id, commit] of chosen) {
      const { id: tree, unlike } = await written.treeId(commit)
      for (const reason of unlike) unlikeGit.add(reason)
      if (unlike.length === 0) expect(tree, `files of ${id}`).toBe(trees.get(id))
    }
    expect([...unlikeGit]).toEqual(repository === sample ? ['submodule'] : [])
  } finally {
    written.remove()
  }
}

describe('a repository with one of everything', () => {
  test('comes over with every branch, tag, and commit', async () => {
    const path = await newStore()
    const { exit, report } = await imported(path, sample)
    const expected = git(sample, ['rev-list', '--count', '--branches', '--tags'])
    expect(String(report.commits)).toBe(expected)
    expect(report).toMatchObject({ leftOut: [], odd: [], cut: [] })
    expect(report.skipped).toEqual([
      { gitName: 'refs/tags/of-a-blob', reason: 'it is a blob' },
      { gitName: 'refs/tags/of-a-tree', reason: 'it is a tag of a tree' },
    ])
    expect(exit).toBe(3)
    await using store = await Store.open(path, { create: 'never' })
    const commits = await commitsOf(store)
    expect(String(commits.size)).toBe(expected)
    expectSameIds(sample, commits)
    const names = git(sample, [
      'for-each-ref',
      '--format=%(refname)',
      'refs/heads',
      'refs/tags/v1',
      'refs/tags/light',
    ])
    for (const name of names.split('\n')) {
      const [, kind, ...rest] = name.split('/')
      const short = rest.join('/')
      const commit = kind === 'heads' ? await store.branch(short).head() : await store.tag(short).target()
      expect(commit?.extra['git:id'], name).toBe(git(sample, ['rev-parse', `${name}^{commit}`]))
    }
  })

  test('says what Git says: authors, dates, messages, parents, modes, names', async () => {
    const path = await newStore()
    await imported(path, sample)
    await using store = await Store.open(path, { create: 'never' })
    const find = async (message: string): Promise<Commit> => {
      const id = git(sample, ['log', '--format=%H', '-1', `--grep=${message}`, 'main'])
      return (await store.resolve(`git:${id}`))!
    }
    const octopus = await find('octopus')
    expect(octopus.parents).toHaveLength(3)
    expect(octopus).toMatchObject({ author: 'Ad\u00e4 <ada@example.org>', message: 'an octopus\n' })
    expect(octopus.extra['git:author-zone']).toBe('+0530')
    expect(octopus.extra['git:committer']).toMatch(/^Bob <bob@example\.org> \d+ -0330$/)
    const seconds = git(sample, ['log', '--format=%at', '-1', octopus.extra['git:id']!])
    expect(octopus.date.getTime()).toBe(Number(seconds) * 1_000)
    const empty = await find('nothing changes')
    expect((await store.getCommit(empty.parents[0]!))?.treeHash).toBe(empty.treeHash)
    const head = (await store.branch('main').head())!
    expect(head.message).toBe('bytes \u00ff\u00fe of no encoding\n')
    const signed = (await store.getCommit(head.parents[0]!))!
    expect(signed.extra['git:headers']).toContain('BEGIN PGP SIGNATURE')
    const latin1 = (await store.resolve('main~3'))!
    expect(latin1.message).toBe('gr\u00fc\u00dfe\n')
    const withModule = (await store.resolve('main~4'))!.tree()
    expect(await withModule.stat('vendor/lib')).toMatchObject({ mode: 'submodule' })
    expect(Buffer.from((await withModule.get('vendor/lib'))!).toString()).toBe(
      '0123456789abcdef0123456789abcdef01234567',
    )
    expect(await withModule.stat('bin/link')).toMatchObject({ mode: 'symlink' })
    expect(await withModule.has([Buffer.from([0x63, 0x61, 0x66, 0xe9])])).toBe(true)
    expect((await store.tag('v1').target())?.extra['git:id']).toBe(git(sample, ['rev-parse', 'v1^{commit}']))
  })

  test('is collected at the middle and written to files', async () => {
    const path = await newStore()
    await imported(path, sample)
    await using store = await Store.open(path, { create: 'never' })
    await expectSameFilesAfterCollection(store, sample)
  })

  test('other refs come when they are named', async () => {
    const path = await newStore()
    const { report } = await imported(path, sample, '--ref', 'refs/notes', '--ref', 'origin/main')
    const names = report.refs.map(({ name }) => name)
    expect(names).toContain('heads/notes/reviews')
    expect(names).toContain('heads/remotes/origin/main')
    const failed = await varve(['-s', path, 'import', 'git', sample, '--ref', 'refs/nothing'])
    expect(failed).toMatchObject({ exit: 4 })
    expect(failed.stderr).toContain('[REF_NOT_FOUND]')
  })

  test('names of refs are text, also old ones in Latin-1; too long ones are skipped', async () => {
    const path = await newStore()
    const clone = join(newFolder(), 'clone')
    git(sample, ['clone', '--quiet', '--mirror', '.', clone])
    const long = Array.from({ length: 9 }, () => 'x'.repeat(120)).join('/')
    const id = git(clone, ['rev-parse', 'main'])
    const packed = Buffer.from(`${id} refs/heads/${long}\n${id} refs/heads/gr\u00fcn\n`, 'latin1')
    writeFileSync(join(clone, 'packed-refs'), packed)
    const { exit, report } = await imported(path, clone)
    expect(exit).toBe(3)
    expect(report.refs.map(({ name }) => name)).toContain('heads/gr\u00fcn')
    expect(report.skipped.map(({ gitName }) => gitName)).toContain(`refs/heads/${long}`)
    await using store = await Store.open(path, { create: 'never' })
    expect((await store.branch('gr\u00fcn').head())?.extra['git:id']).toBe(id)
  })

  test('a second import adds nothing, and later only what is new', async () => {
    const path = await newStore()
    const clone = join(newFolder(), 'clone')
    git(sample, ['clone', '--quiet', '--mirror', '.', clone])
    await imported(path, clone)
    const again = await imported(path, clone)
    expect(again.report).toMatchObject({ objects: 0 })
    expect(new Set(again.report.refs.map(({ state }) => state))).toEqual(new Set(['same']))
    const head = git(clone, ['rev-parse', 'main'])
    const next = git(clone, ['commit-tree', '-p', head, '-m', 'one more', `${head}~5^{tree}`])
    git(clone, ['update-ref', 'refs/heads/main', next])
    const third = await imported(path, clone)
    expect(third.report).toMatchObject({ commits: 1 })
    expect(third.report.refs.filter(({ state }) => state !== 'same')).toEqual([
      expect.objectContaining({ name: 'heads/main', state: 'moved', commit: next }),
    ])
    await using store = await Store.open(path, { create: 'never' })
    expectSameIds(clone, await commitsOf(store))
  })

  test('a second import goes on where a collection has left its horizon', async () => {
    const path = await newStore()
    const clone = join(newFolder(), 'clone')
    git(sample, ['clone', '--quiet', '--mirror', '.', clone])
    await imported(path, clone)
    const before = await varve(['-s', path, 'gc', 'run', 'main~2', '--yes', '--grace', '0s'])
    expect(before.exit).toBe(0)
    const head = git(clone, ['rev-parse', 'main'])
    const next = git(clone, ['commit-tree', '-p', head, '-m', 'one more', `${head}^{tree}`])
    git(clone, ['update-ref', 'refs/heads/main', next])
    const { report } = await imported(path, clone)
    expect(report).toMatchObject({ commits: 1, cut: [] })
  })

  test('a branch with commits of its own stays, unless it is told otherwise', async () => {
    const path = await newStore()
    await imported(path, sample)
    await varve(['-s', path, 'set', 'main:mine'], { input: 'my work' })
    const kept = await imported(path, sample)
    expect(kept.exit).toBe(3)
    expect(kept.report.refs.find(({ name }) => name === 'heads/main')).toMatchObject({ state: 'kept' })
    expect((await varve(['-s', path, 'cat', 'main:mine'])).stdout).toBe('my work')
    const forced = await imported(path, sample, '--force')
    expect(forced.report.refs.find(({ name }) => name === 'heads/main')).toMatchObject({ state: 'moved' })
    expect((await varve(['-s', path, 'cat', 'main:mine'])).exit).toBe(4)
  })
})

describe('objects that Git cannot supply', () => {
  async function damaged(): Promise<{ store: string; clone: string; commit: string; blob: string }> {
    const clone = join(newFolder(), 'clone')
    git(sample, ['clone', '--quiet', '--mirror', '--no-hardlinks', '.', clone])
    git(clone, ['unpack-objects', '-q'], { input: packOf(clone) })
    const commit = git(clone, ['log', '--format=%H', '-1', '--', 'topic2'])
    const blob = git(clone, ['rev-parse', `${commit}:topic2`])
    rmSync(join(clone, 'objects', blob.slice(0, 2), blob.slice(2)))
    return { store: await newStore(), clone, commit, blob }
  }

  /** The packs are taken out of the way: git does not unpack what it has. */
  function packOf(clone: string): Buffer {
    const ids = git(clone, ['rev-list', '--objects', '--all', '--no-object-names'])
    const pack = Buffer.from(git(clone, ['pack-objects', '--stdout', '-q'], { input: `${ids}\n` }), 'latin1')
    rmSync(join(clone, 'objects', 'pack'), { recursive: true })
    return pack
  }

  test('are refused before any ref moves', async () => {
    const { store: path, clone, blob } = await damaged()
    const failed = await varve(['-s', path, '--json', 'import', 'git', clone])
    expect(failed.exit).toBe(1)
    const error = JSON.parse(failed.stderr) as { code: string; details: Record<string, string> }
    expect(error).toMatchObject({ code: 'GIT_OBJECT_MISSING', details: { path: 'topic2', id: blob } })
    expect(git(sample, ['rev-parse', `${error.details['commit']}:topic2`])).toBe(blob)
    expect((await varve(['-s', path, 'branch', 'ls'])).stdout).toBe('')
    expect((await varve(['-s', path, 'tag', 'ls'])).stdout).toBe('')
  })

  test('or left out with their commits, and listed', async () => {
    const { store: path, clone, blob } = await damaged()
    const { exit, report } = await imported(path, clone, '--missing', 'skip')
    expect(exit).toBe(3)
    expect(report.leftOut.length).toBeGreaterThan(0)
    for (const left of report.leftOut) expect(left).toMatchObject({ path: 'topic2', id: blob })
    const main = report.refs.find(({ name }) => name === 'heads/main')
    expect(main).toMatchObject({ state: 'behind', commit: git(sample, ['rev-parse', 'main']) })
    await using store = await Store.open(path, { create: 'never' })
    expect((await store.branch('main').head())?.extra['git:id']).toBe(main?.at)
    const commits = await commitsOf(store)
    const total = Number(git(sample, ['rev-list', '--count', '--branches', '--tags']))
    expect(commits.size + report.leftOut.length).toBe(total)
    expectSameIds(sample, commits)
  })
})

test('Ctrl-C at any time leaves no ref behind, or all', async () => {
  const all = git(sample, ['for-each-ref', '--format=%(refname)', 'refs/heads']).split('\n').length
  const outcomes = new Set<number>()
  for (let delayMs = 100; delayMs <= 1_500; delayMs += 200) {
    const path = await newStore()
    const argv = [program, '-s', path, 'import', 'git', sample]
    // In a group of its own, so that git gets the signal as it would from a terminal.
    const child = spawn(process.execPath, argv, { detached: true, stdio: 'ignore' })
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
    const cancel = systemClock.after(delayMs, () => process.kill(-child.pid!, 'SIGINT'))
    const exit = await ended
    cancel()
    const branches = (await varve(['-s', path, 'branch', 'ls'])).stdout.split('\n').length - 1
    // Before the program has put its handler in place the signal ends it without a code.
    if (exit === 3) expect(branches).toBe(all)
    else expect([exit, branches]).toEqual([exit === null ? null : 130, 0])
    outcomes.add(exit ?? -1)
  }
  expect(outcomes.has(130)).toBe(true)
})

test("the project's own history", async () => {
  if (!existsSync(join(own, '.git'))) {
    process.stderr.write('not run: this copy of the project is no Git repository\n')
    return
  }
  const path = await newStore()
  const { report } = await imported(path, own)
  expect(report.leftOut).toEqual([])
  await using store = await Store.open(path, { create: 'never' })
  expectSameIds(own, await commitsOf(store))
  if ((await store.branch('main').head()) === undefined) {
    process.stderr.write('not collected: this copy of the project has no branch main\n')
    return
  }
  await expectSameFilesAfterCollection(store, own)
})
