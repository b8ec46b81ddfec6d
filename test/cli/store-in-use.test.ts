/** Commands on a store that another process, here this one, has open for writing. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Commit, Store } from '@varve/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CommandOutcome, varve } from '../support/command-line.ts'

let folder: string
let path: string
let store: Store
let head: Commit
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'varve-in-use-'))
  path = join(folder, 's')
  store = await Store.open(path)
  const git = { 'git:id': 'a'.repeat(40) }
  await store.branch('main').commit((edit) => void edit.set('a/b', 'first'), { message: 'first' })
  head = await store.branch('main').commit((edit) => void edit.set('a/c', 'second'), {
    message: 'second',
    extra: git,
  })
  await store.tag('v1').create(head, { message: 'one' })
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const run = (...argv: readonly string[]): Promise<CommandOutcome> => varve(['-s', path, ...argv], { folder })

describe('reading', () => {
  test.each<readonly [argv: readonly string[], says: string]>([
    [['status'], 'commits\t2'],
    [['du'], 'suffix-'],
    [['du', 'main:a'], 'b'],
    [['ls', 'main:a'], 'c'],
    [['cat', 'main:a/b'], 'first'],
    [['cat', 'main~1:a/b'], 'first'],
    [['log'], 'second'],
    [['log', 'git:aaaaaaa'], 'second'],
    [['show', 'v1'], 'one'],
    [['diff', 'main~1', 'main'], 'A\ta/c'],
    [['branch', 'ls'], 'main'],
    [['tag', 'ls'], 'v1'],
    [['blob', 'has', 'f'.repeat(64)], 'absent'],
    [['checkout', 'main:', 'out'], ''],
    [['gc', 'status'], 'unknown'],
    [['gc', 'run', 'main', '-n'], 'drop the commit before'],
    [['branch', 'rm', 'main', '-n'], 'remove the branch main'],
    [['tag', 'rm', 'v1', '-n'], 'remove the tag v1'],
    [['rm', 'main:a/b', '-n'], 'remove main:a/b'],
    [['check'], 'checked'],
    [['repair'], 'plan'],
    [['volume', 'ls'], ''],
    [['volume', 'verify'], 'checked'],
    [['bundle', 'create', 'all.varve'], 'bundle\t2'],
    [['backup', 'saved'], 'saved'],
    [['clone', 's', 'cloned'], 'cloned'],
  ])('%j works and leaves every file as it was', async (argv, says) => {
    const before = readdirSync(path).sort()
    const { exit, stdout, stderr } = await run(...argv)
    expect({ exit, stderr }).toEqual({ exit: argv[1] === 'has' ? 3 : 0, stderr: '' })
    expect(stdout).toContain(says)
    expect(readdirSync(path).sort()).toEqual(before)
    // The writer still is one.
    const made = await store.branch('main').commit((edit) => void edit.set('later', argv.join(' ')))
    expect((await run('log', '-n', '1', '--json')).stdout).toContain(made.hash)
  })

  test('gc status names the writer, and says idle when it has gone', async () => {
    const { stdout } = await run('gc', 'status', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ state: 'unknown', writer: { pid: process.pid } })
    await store.gc.run(head, { grace: 0 })
    expect(JSON.parse((await run('gc', 'status', '--json')).stdout)).toMatchObject({
      latestTarget: head.hash,
    })
    await store.close()
    const idle = JSON.parse((await run('gc', 'status', '--json')).stdout) as Record<string, unknown>
    expect(idle).toMatchObject({ state: 'idle', behaviour: 'delete', latestTarget: head.hash })
    expect(idle).not.toHaveProperty('writer')
  })

  test('a dry run says what a collection would be refused for', async () => {
    await store.gc.run(head, { grace: 0 })
    const older = await store.branch('side').commit((edit) => void edit.set('x', 'y'))
    await store.gc.run(older, { grace: 0 })
    expect(await run('gc', 'run', 'main', '-n')).toMatchObject({ exit: 1 })
    expect((await run('gc', 'run', 'main', '-n')).stderr).toContain('[TARGET_TOO_OLD]')
  })
})

describe('writing', () => {
  test.each<readonly (readonly string[])[]>([
    [['set', 'main:a/b', '-']],
    [['rm', 'main:a/b', '--yes']],
    [['branch', 'create', 'other', 'main']],
    [['branch', 'rm', 'main', '--yes']],
    [['tag', 'create', 'v2', 'main']],
    [['tag', 'rm', 'v1', '--yes']],
    [['blob', 'put', '-']],
    [['gc', 'run', 'main', '--yes']],
    [['volume', 'add', '--lower', 'lower']],
  ])('%j ends with 11, and says who writes and since when', async (argv) => {
    const { exit, stdout, stderr } = await run(...argv)
    expect({ exit, stdout }).toEqual({ exit: 11, stdout: '' })
    expect(stderr).toMatch(/^varve: process \d+ \(.+\) has been writing to the store since \d{4}-.*Z {2}\[/)
    expect(stderr).toContain(`process ${process.pid} `)
    expect((await store.branch('main').head())?.hash).toBe(head.hash)
  })
})
