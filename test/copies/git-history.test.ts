/** The oldest commit of a real history, copied out of where it rests: still what Git says that it is. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Commit, Store } from '@varve/store'
import { bundleOf, takeBundleInto } from '@varve/store/internal'
import { afterAll, test as anyTest, beforeAll, describe, expect } from 'vitest'
import { CheckedOut } from '../support/checked-out.ts'
import { varve } from '../support/command-line.ts'
import { git } from '../support/git-command.ts'
import { GitIds } from '../support/git-ids.ts'
import { isInstalled } from '../support/installed.ts'
import { makeSampleRepository } from '../support/sample-repository.ts'

const test = anyTest.skipIf(!isInstalled('git', 'a copy of an imported history is'))

let sample = ''
let folder = ''

beforeAll(() => {
  sample = makeSampleRepository()
  folder = mkdtempSync(join(tmpdir(), 'varve-git-copy-'))
})

afterAll(() => {
  for (const made of [sample, folder]) rmSync(made, { recursive: true, force: true })
})

async function head(store: Store): Promise<Commit> {
  return (await store.branch('main').head()) as Commit
}

/** What the history rests in when its oldest commit is copied. */
const places = {
  'the log': async () => {},
  'a generation': async (store: Store) => void (await store.gc.run()),
  'a lower layer': async (store: Store) => {
    await store.gc.run(await head(store), { grace: 0 })
  },
} as const

describe.each(Object.keys(places) as (keyof typeof places)[])('out of %s', (place) => {
  test('the oldest commit has the tree of Git, is checked out, committed to, and collected', async () => {
    const path = join(folder, place.replaceAll(' ', '-'))
    expect((await varve(['-s', path, 'init'])).exit).toBe(0)
    expect((await varve(['-s', path, 'import', 'git', sample])).exit).toBe(3)
    const lower = place === 'a lower layer' ? `${path}-lower` : undefined
    await using store = await Store.open(path, { create: 'never', ...(lower !== undefined && { lower }) })
    const line = await store.log(await head(store), { firstParent: true }).toArray()
    const oldest = line.at(-1) as Commit
    await places[place](store)
    const expected = lower === undefined ? 'present' : 'archived'
    expect((await store.locate(oldest.hash)).state).toBe(expected)

    await store.copyTo(`${path}-copy`, { commits: [oldest.hash], depth: 1 })
    await using copy = await Store.open(`${path}-copy`, { create: 'never' })
    const found = (await copy.getCommit(oldest.hash)) as Commit
    const id = found.extra['git:id'] as string
    const tree = git(sample, ['rev-parse', `${id}^{tree}`])
    const ids = new GitIds()
    expect([ids.treeOf(found), ids.commit(found)]).toEqual([tree, id])
    const written = new CheckedOut(copy, { repository: sample, isFresh: true })
    try {
      expect(await written.treeId(found)).toEqual({ id: tree, unlike: [] })
    } finally {
      written.remove()
    }
    await copy.branch('main').set(found)
    const next = await copy.branch('main').commit((edit) => void edit.set('of the copy', 'new'))
    const stats = await copy.gc.run(next, { grace: 0 })
    expect(stats.objectsKept).toBeGreaterThan(0)
    expect(await copy.getCommit(oldest.hash)).toBeUndefined()
    const rest = await next.tree().delete('of the copy')
    expect(ids.tree(rest, await rest.hash())).toBe(tree)
  })
})

describe('as a bundle', () => {
  test('the whole history comes over, with every id of Git, and gives the same bundle', async () => {
    const path = join(folder, 'bundled')
    expect((await varve(['-s', path, 'init'])).exit).toBe(0)
    expect((await varve(['-s', path, 'import', 'git', sample])).exit).toBe(3)
    await using store = await Store.open(path, { create: 'never' })
    await using other = await Store.open(`${path}-other`)
    await takeBundleInto(other, (await bundleOf(store)).bytes, { name: 'the history' })
    const ids = new GitIds()
    const all = await other.log(await head(other)).toArray()
    expect(String(all.length)).toBe(git(sample, ['rev-list', '--count', 'main']))
    for (const commit of all) expect(ids.commit(commit)).toBe(commit.extra['git:id'])
    const bytes = async (from: Store): Promise<Buffer> => {
      const parts: Buffer[] = []
      for await (const part of (await bundleOf(from)).bytes) parts.push(part)
      return Buffer.concat(parts)
    }
    expect((await bytes(other)).equals(await bytes(store))).toBe(true)
  })
})
