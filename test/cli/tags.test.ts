/** What an annotated tag says can be read back: of tags made here, and of tags that came from Git. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Store } from '@varve/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'
import { git } from '../support/git-command.ts'
import { isInstalled } from '../support/installed.ts'

const gitTest = test.skipIf(!isInstalled('git', 'tags from Git are'))

let folder = ''

beforeEach(async () => {
  process.env['TZ'] = 'UTC'
  folder = mkdtempSync(join(tmpdir(), 'varve-tags-'))
  await run('init')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const run = (...argv: readonly string[]): Promise<CommandOutcome> => varve(['-s', 's', ...argv], { folder })

async function documents(...argv: readonly string[]): Promise<Record<string, unknown>[]> {
  const { exit, stdout, stderr } = await run('--json', ...argv)
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
  const lines = stdout.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

async function makeTags(): Promise<void> {
  await varve(['-s', 's', 'set', 'main:file', '--author', 'Ada'], { folder, input: 'x' })
  await run('tag', 'create', 'plain', 'main')
  await run('tag', 'create', 'v1', 'main', '-m', 'first release\n\nwith notes', '--author', 'Eve')
  await run('tag', 'create', 'signed-off', 'main', '--author', 'Bob')
}

describe('a tag that was made here', () => {
  test('says so in lists', async () => {
    await makeTags()
    const tags = await documents('tag', 'ls')
    expect(tags.map(({ name, message, author }) => ({ name, message, author }))).toEqual([
      { name: 'plain', message: undefined, author: undefined },
      { name: 'signed-off', message: '', author: 'Bob' },
      { name: 'v1', message: 'first release\n\nwith notes', author: 'Eve' },
    ])
    expect(tags.map((tag) => 'tagDate' in tag)).toEqual([false, true, true])
    const { stdout } = await run('tag', 'ls', '-v', 'v1')
    const [commit, date] = [tags[2]?.['commit'], tags[2]?.['tagDate']]
    const facts = ['tag\tv1', `commit\t${commit}`, 'author\tEve', `date\t${date}`]
    expect(stdout.split('\n')).toEqual([...facts, '', '    first release', '', '    with notes', '', ''])
  })

  test('is shown before its commit', async () => {
    await makeTags()
    expect((await run('show', 'v1')).stdout).toMatch(
      /^tag\tv1\ncommit\t(\w{64})\nauthor\tEve\ndate\t.*\n\n {4}first release\n\n.*\n\ncommit\t\1\n/,
    )
    expect((await documents('show', 'v1')).map(({ type }) => type)).toEqual(['tag', 'commit', 'change'])
    expect((await documents('show', 'plain')).map(({ type }) => type)).toEqual(['commit', 'change'])
    expect((await documents('show', 'main')).map(({ type }) => type)).toEqual(['commit', 'change'])
    expect((await documents('show', 'v1~0')).map(({ type }) => type)).toEqual(['commit', 'change'])
  })

  test('can be asked by programs', async () => {
    await makeTags()
    await using store = await Store.open(join(folder, 's'), { create: 'never' })
    expect(await store.tag('plain').annotation()).toBeUndefined()
    expect(await store.tag('nowhere').annotation()).toBeUndefined()
    const annotation = await store.tag('v1').annotation()
    expect(annotation).toMatchObject({ message: 'first release\n\nwith notes', author: 'Eve' })
    expect(annotation?.date).toBeInstanceOf(Date)
  })
})

describe('a tag from Git', () => {
  gitTest('has its message, tagger, and date', async () => {
    const repository = join(folder, 'repository')
    git(folder, ['init', '--quiet', '--bare', 'repository'])
    const tree = git(repository, ['mktree'])
    const commit = git(repository, ['commit-tree', '-m', 'a commit', tree])
    git(repository, ['update-ref', 'refs/heads/main', commit])
    git(repository, ['tag', '-m', 'one line', 'short', commit])
    git(repository, ['tag', '-F', '-', 'long', commit], { input: 'subject\n\nbody of the\ntag\n' })
    git(repository, ['tag', 'light', commit])
    const old = `object ${commit}\ntype commit\ntag old\n\nnobody signed this\n`
    const id = git(repository, ['hash-object', '-w', '-t', 'tag', '--literally', '--stdin'], { input: old })
    git(repository, ['update-ref', 'refs/tags/old', id])
    await run('import', 'git', repository)
    const tags = await documents('tag', 'ls')
    const bob = { author: 'Bob <bob@example.org>', tagDate: '2023-11-14T22:15:00.000Z' }
    expect(tags.map(({ name, message, author, tagDate }) => ({ name, message, author, tagDate }))).toEqual([
      { name: 'light', message: undefined, author: undefined, tagDate: undefined },
      { name: 'long', message: 'subject\n\nbody of the\ntag\n', ...bob },
      { name: 'old', message: 'nobody signed this\n', author: undefined, tagDate: expect.any(String) },
      { name: 'short', message: 'one line\n', ...bob },
    ])
    expect((await run('show', 'long')).stdout).toContain('\n    subject\n\n    body of the\n    tag\n\n')
    const terminal = await varve(['-s', 's', '--color', 'never', 'tag', 'ls', '-v', 'long'], {
      ...{ folder, terminal: {} },
    })
    expect(terminal.stdout).toContain('author  Bob <bob@example.org>\ndate    14 Nov 2023 22:15\n')
  })
})
