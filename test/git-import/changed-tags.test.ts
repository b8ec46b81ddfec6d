/** Tags that have changed since they came over, and tags that were made here. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as anyTest, beforeEach, describe, expect, onTestFinished } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'
import { git } from '../support/git-command.ts'
import { isInstalled } from '../support/installed.ts'

const test = anyTest.skipIf(!isInstalled('git', 'the import of changed tags is'))

let folder = ''
let repository = ''
let first = ''
let second = ''

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'varve-changed-tags-'))
  const made = folder
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  repository = join(folder, 'repository')
  git(folder, ['init', '--quiet', '--bare', '--initial-branch=main', 'repository'])
  const tree = git(repository, ['mktree'])
  first = git(repository, ['commit-tree', '-m', 'first', tree])
  second = git(repository, ['commit-tree', '-m', 'second', '-p', first, tree])
  git(repository, ['update-ref', 'refs/heads/main', second])
  await run('init')
})

const run = (...argv: readonly string[]): Promise<CommandOutcome> => varve(['-s', 's', ...argv], { folder })

function tag(...args: readonly string[]): void {
  git(repository, ['tag', ...args])
}

/** The exit code, and what was done about v1. */
async function imported(...options: readonly string[]): Promise<unknown> {
  const { exit, stdout } = await run('--json', 'import', 'git', 'repository', ...options)
  const { refs } = JSON.parse(stdout) as { refs: readonly { name: string; state: string }[] }
  return { exit, state: refs.find(({ name }) => name === 'tags/v1')?.state }
}

interface ShownTag {
  readonly commit: string
  readonly message?: string
  readonly author?: string
  readonly tagDate?: string
}

async function v1(): Promise<ShownTag> {
  return JSON.parse((await run('--json', 'tag', 'ls', 'v1')).stdout) as ShownTag
}

const moved = { exit: 0, state: 'moved' }
const kept = { exit: 3, state: 'kept' }
const same = { exit: 0, state: 'same' }

const lightweight: readonly string[] = ['v1', 'main']

describe('a tag that was remade at the same commit stays, and changes with --force', () => {
  test.each([
    ['with another message', ['-a', '-m', 'FIRST', 'v1', 'main'], ['-a', '-m', 'SECOND', 'v1', 'main']],
    ['with a message', lightweight, ['-a', '-m', 'SECOND', 'v1', 'main']],
    ['without its message', ['-a', '-m', 'FIRST', 'v1', 'main'], lightweight],
  ])('%s', async (_what, before, after) => {
    tag(...before)
    await imported()
    const old = await v1()
    expect(await imported()).toEqual(same)
    tag('-f', ...after)
    expect(await imported()).toEqual(kept)
    expect(await v1()).toEqual(old)
    expect(await imported('--force')).toEqual(moved)
    expect(await v1()).toMatchObject({ commit: old.commit })
    expect((await v1()).message).toBe(after.includes('SECOND') ? 'SECOND\n' : undefined)
    expect(await imported()).toEqual(same)
  })

  test.each([
    ['by another tagger', { GIT_COMMITTER_NAME: 'Carol' }, { author: 'Carol <bob@example.org>' }],
    ['at another time', { GIT_COMMITTER_DATE: '1700009999 +0000' }, { tagDate: '2023-11-15T00:59:59.000Z' }],
  ])('%s', async (_what, env, expected) => {
    const words = ['tag', '-f', '-a', '-m', 'words', 'v1', 'main']
    git(repository, words)
    await imported()
    git(repository, words, { env })
    expect(await imported()).toEqual(kept)
    expect(await imported('--force')).toEqual(moved)
    expect(await v1()).toMatchObject(expected)
  })
})

describe('a tag at another commit than in Git', () => {
  test('stays when it came from Git, and moves with --force', async () => {
    tag('v1', first)
    await imported()
    const { commit } = await v1()
    tag('-f', 'v1', second)
    expect(await imported()).toEqual(kept)
    expect((await v1()).commit).toBe(commit)
    expect(await imported('--force')).toEqual(moved)
    expect((await v1()).commit).not.toBe(commit)
  })

  test('stays when it was made here', async () => {
    await run('import', 'git', 'repository')
    await run('tag', 'create', 'v1', 'main', '-m', 'mine')
    tag('v1', first)
    expect(await imported()).toEqual(kept)
    expect(await v1()).toMatchObject({ message: 'mine' })
    expect(await imported('--force')).toEqual(moved)
    expect((await v1()).message).toBeUndefined()
  })

  test('moves when it is the same in Git: parents that were missing have come', async () => {
    const shallow = join(folder, 'shallow')
    tag('-a', '-m', 'words', 'v1', 'main')
    git(folder, [
      'clone',
      '--quiet',
      '--bare',
      '--depth',
      '1',
      '--branch',
      'v1',
      `file://${repository}`,
      shallow,
    ])
    await run('import', 'git', 'shallow')
    const { commit } = await v1()
    expect(await imported()).toEqual(moved)
    expect((await v1()).commit).not.toBe(commit)
  })
})

test('a tag without a tagger, whose date is that of the import, is the same the next time', async () => {
  const text = `object ${second}\ntype commit\ntag v1\n\nnobody signed this\n`
  const id = git(repository, ['hash-object', '-w', '-t', 'tag', '--literally', '--stdin'], { input: text })
  git(repository, ['update-ref', 'refs/tags/v1', id])
  await imported()
  expect(await imported()).toEqual(same)
})
