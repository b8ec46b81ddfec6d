/** Repositories that Git itself stumbles over, or shows otherwise than they are. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Commit, Store } from '@varve/store'
import { test as anyTest, beforeEach, describe, expect, onTestFinished } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'
import { git } from '../support/git-command.ts'
import { GitIds } from '../support/git-ids.ts'
import { isInstalled } from '../support/installed.ts'

const test = anyTest.skipIf(!isInstalled('git', 'the import of odd repositories is'))

let folder = ''
let repository = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-odd-'))
  const made = folder
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  repository = join(folder, 'repository')
  git(folder, ['init', '--quiet', '--bare', '--initial-branch=main', 'repository'])
})

function object(type: 'blob' | 'tree', content: string | Uint8Array): string {
  return git(repository, ['hash-object', '-w', '--stdin', '-t', type, '--literally'], { input: content })
}

/** One entry, as it stands. */
function entry(mode: string, name: string, id: string): Buffer {
  return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])
}

function commit(tree: string, ...parents: readonly string[]): string {
  const above = parents.flatMap((id) => ['-p', id])
  return git(repository, ['commit-tree', '-m', 'a commit', ...above, tree])
}

function branch(name: string, id: string): void {
  git(repository, ['update-ref', `refs/heads/${name}`, id])
}

async function importAll(...options: readonly string[]): Promise<CommandOutcome> {
  await varve(['-s', 's', 'init'], { folder })
  return varve(['-s', 's', '--json', 'import', 'git', 'repository', ...options], { folder })
}

async function stored(id: string): Promise<{ commit: Commit | undefined; id: string | undefined }> {
  await using store = await Store.open(join(folder, 's'), { create: 'never' })
  const found = await store.resolve(`git:${id}`)
  return { commit: found, id: found && new GitIds().commit(found) }
}

describe('objects that git replace has put in the place of others', () => {
  test('are not imported: what an id means does not depend on refs/replace', async () => {
    const before = commit(object('tree', entry('100644', 'file', object('blob', 'as it was'))))
    const head = commit(object('tree', entry('100644', 'file', object('blob', 'the head'))), before)
    branch('main', head)
    const other = commit(object('tree', entry('100644', 'file', object('blob', 'in its place'))))
    git(repository, ['replace', before, other])
    git(repository, ['replace', object('blob', 'the head'), object('blob', 'another content')])
    expect(git(repository, ['cat-file', 'blob', `${before}:file`])).toBe('in its place')
    expect(git(repository, ['cat-file', 'blob', `${head}:file`])).toBe('another content')
    expect(await importAll()).toMatchObject({ exit: 0, stderr: '' })
    for (const id of [before, head]) expect((await stored(id)).id).toBe(id)
    expect((await stored(other)).commit).toBeUndefined()
    const cat = (at: string): Promise<CommandOutcome> => varve(['-s', 's', 'cat', at], { folder })
    expect((await cat('main~1:file')).stdout).toBe('as it was')
    expect((await cat('main:file')).stdout).toBe('the head')
  })
})

describe('a tree that Git will not read', () => {
  test('because of an empty name is odd, and comes over', async () => {
    const blob = object('blob', 'content')
    const good = commit(object('tree', entry('100644', 'file', blob)))
    const inner = object('tree', Buffer.concat([entry('100644', '', blob), entry('100644', 'b', blob)]))
    const odd = commit(object('tree', entry('40000', 'dir', inner)), good)
    branch('main', commit(object('tree', entry('100644', 'later', blob)), odd))
    const { exit, stdout, stderr } = await importAll()
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ commits: 3, odd: [odd], leftOut: [] })
    expect((await stored(good)).id).toBe(good)
    expect((await stored(odd)).commit?.extra['git:tree']).toBe(
      git(repository, ['rev-parse', `${odd}^{tree}`]),
    )
    expect((await varve(['-s', 's', 'cat', 'main~1:dir/%'], { folder })).stdout).toBe('content')
    const again = await varve(['-s', 's', '--json', 'import', 'git', 'repository'], { folder })
    expect(JSON.parse(again.stdout)).toMatchObject({ commits: 0, objects: 0 })
  })

  test.each([
    ['a mode that is none', (blob: string) => entry('10x644', 'file', blob)],
    ['an end in the middle of an entry', () => Buffer.from('100644 file')],
  ])('because of %s is told with its commit and path', async (_, content) => {
    const blob = object('blob', 'content')
    const good = commit(object('tree', entry('100644', 'file', blob)))
    const inner = object('tree', content(blob))
    const bad = commit(object('tree', entry('40000', 'dir', inner)), good)
    branch('main', bad)
    const refused = await importAll()
    expect(refused.exit).toBe(1)
    expect(JSON.parse(refused.stderr)).toMatchObject({
      code: 'GIT_OBJECT_MISSING',
      details: { commit: bad, path: 'dir', id: inner },
    })
    const skipped = await importAll('--missing', 'skip')
    expect(skipped.exit).toBe(3)
    expect(JSON.parse(skipped.stdout)).toMatchObject({
      leftOut: [{ commit: bad, path: 'dir', id: inner }],
      refs: [{ name: 'heads/main', state: 'behind', at: good }],
    })
  })
})

describe('refs that Git passes over without a word', () => {
  test('are listed as skipped: symbolic ones that lead nowhere, and broken ones', async () => {
    branch('main', commit(object('tree', '')))
    git(repository, ['symbolic-ref', 'refs/heads/dangling', 'refs/heads/nowhere'])
    git(repository, ['symbolic-ref', 'refs/heads/deep/er', 'refs/heads/nowhere'])
    git(repository, ['symbolic-ref', 'refs/heads/alias', 'refs/heads/main'])
    writeFileSync(join(repository, 'refs', 'tags', 'broken'), 'no id\n')
    writeFileSync(join(repository, 'refs', 'heads', 'being-made.lock'), '')
    const { exit, stdout } = await importAll()
    expect(exit).toBe(3)
    const report = JSON.parse(stdout) as { refs: { name: string }[]; skipped: unknown[] }
    expect(report.refs.map(({ name }) => name)).toEqual(['heads/alias', 'heads/main'])
    expect(report.skipped).toEqual([
      { gitName: 'refs/heads/dangling', reason: 'it leads to refs/heads/nowhere, which is not there' },
      { gitName: 'refs/heads/deep/er', reason: 'it leads to refs/heads/nowhere, which is not there' },
      { gitName: 'refs/tags/broken', reason: 'Git cannot read it' },
    ])
  })
})

describe('parents that info/grafts hides', () => {
  test('are imported nevertheless', async () => {
    const tree = object('tree', entry('100644', 'file', object('blob', 'content')))
    const root = commit(tree)
    const head = commit(tree, root)
    branch('main', head)
    writeFileSync(join(repository, 'info', 'grafts'), `${head}\n`)
    expect(git(repository, ['rev-list', '--count', 'main'])).toBe('1')
    expect(await importAll()).toMatchObject({ exit: 0, stderr: '' })
    for (const id of [root, head]) expect((await stored(id)).id).toBe(id)
  })
})
