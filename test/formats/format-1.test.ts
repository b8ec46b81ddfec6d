import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Store, type StoreEvent, type StoreReader } from '@varve/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { varve } from '../support/command-line.ts'
import { sha256 } from '../support/read-whole.ts'
import { holdingsOf } from '../support/store-holdings.js'

/**
 * A store that the first build of format 1 wrote (scripts/make-format-1.js tells how), frozen: every later
 * build opens it, finds all that is in it, and goes on with it. `db/` and `lock/` are not part of the format.
 */
const fixture = fileURLToPath(new URL('../fixtures/format-1/', import.meta.url))
const frozen = JSON.parse(readFileSync(join(fixture, 'holdings.json'), 'utf8')) as Frozen
const frozenFiles = [
  'control',
  'gen-3.idx',
  'gen-3.map',
  'gen-3.pack',
  'meta-2.ckpt',
  'suffix-259.idx',
  'suffix-259.pack',
  'suffix-260.pack',
]
const now = (): number => 1_700_001_000_000

type Frozen = Awaited<ReturnType<typeof holdingsOf>> & {
  /** Hashes of a blob that was put without a holder, and of a commit that a collection removed. */
  readonly bare: Parameters<Store['getBlob']>[0]
  readonly gone: Parameters<Store['getCommit']>[0]
}

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-format-'))
  path = join(folder, 'store')
  cpSync(join(fixture, 'store'), path, { recursive: true })
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the frozen store of format 1', () => {
  test('has a file of every kind', () => {
    expect(readdirSync(join(fixture, 'store')).sort()).toEqual(frozenFiles)
  })

  test('is opened, with everything in it, and nothing had to be mended', async () => {
    const events: StoreEvent[] = []
    const store = await Store.open(path, { now, onEvent: (event) => void events.push(event) })
    await expectFrozen(store)
    await store.close()
    expect(events.map(({ type }) => type)).toEqual(['projections-rebuilt'])
  })

  test('goes on: commits, collections, openings', async () => {
    let store = await Store.open(path, { now })
    const main = store.branch('main')
    const made = await main.commit((edit) => void edit.set('many/entry-9', 'anew').delete('large'))
    expect(made.parents).toEqual([frozen.refs['heads/main']])
    await store.branch('short-lived').set(made)
    await store.gc.run(made, { grace: '1h' })
    await store.close()
    store = await Store.open(path, { now })
    const kept = new Map(frozen.commits.map((commit) => [commit.hash, commit]))
    const { refs, commits } = await holdingsOf(store)
    expect(refs).toEqual({ ...frozen.refs, 'heads/main': made.hash, 'heads/short-lived': made.hash })
    for (const commit of commits) {
      if (commit.hash !== made.hash) expect(commit).toEqual(kept.get(commit.hash))
    }
    const before = kept.get(made.parents[0] as NonNullable<Frozen['refs'][string]>)
    const { large, ...files } = before?.files ?? {}
    expect(large).toBeDefined()
    expect(commits.find(({ hash }) => hash === made.hash)?.files).toEqual({
      ...files,
      'many/entry-9': `file 4 ${sha256('anew')}`,
    })
    expect(Buffer.from((await store.getBlob(frozen.bare)) ?? '').toString()).toBe('put bare\n')
    await store.gc.run(undefined, { grace: 0 })
    expect(await store.getBlob(frozen.bare)).toBeUndefined()
    await store.close()
  })

  test('gets a lower layer, and with it format 2; nothing is lost', async () => {
    const lower = join(folder, 'lower')
    const formatOf = (): unknown => /"format":(\d)/.exec(readFileSync(join(path, 'control'), 'latin1'))?.[1]
    expect(formatOf()).toBe('1')
    const store = await Store.open(path, { now, lower })
    const made = await store.branch('main').commit((edit) => void edit.delete('large'))
    expect((await store.gc.run(made, { grace: 0 })).bytesArchived).toBeGreaterThan(300_000)
    await store.close()
    expect(formatOf()).toBe('2')
    const reopened = await Store.open(path, { now })
    const { commits } = await holdingsOf(reopened)
    expect(commits.filter(({ hash }) => hash !== made.hash)).toEqual(frozen.commits)
    expect(Buffer.from((await reopened.getBlob(frozen.bare)) ?? '').toString()).toBe('put bare\n')
    await reopened.close()
  })

  test('is read and inspected without a change to any byte or name', async () => {
    const events: StoreEvent[] = []
    const store = await Store.open(path, { readOnly: true, onEvent: (event) => void events.push(event) })
    await expectFrozen(store)
    await store.close()
    expect(events.map(({ type }) => type).filter((type) => type !== 'projections-rebuilt')).toEqual([])
    expect(await varve(['-s', path, 'log', '--oneline', 'main'])).toMatchObject({ exit: 0, stderr: '' })
    for (const name of frozenFiles) {
      expect(await varve(['inspect', '--json', join(path, name)]), name).toMatchObject({
        exit: 0,
        stderr: '',
      })
    }
    expect(readdirSync(path).sort()).toEqual(frozenFiles)
    for (const name of frozenFiles) expect(readFileSync(join(path, name)), name).toEqual(frozenBytes(name))
  })
})

async function expectFrozen(store: StoreReader): Promise<void> {
  const { refs, commits } = frozen
  expect(await holdingsOf(store)).toEqual({ refs, commits })
  expect(Buffer.from((await store.getBlob(frozen.bare)) ?? '').toString()).toBe('put bare\n')
  expect(await store.getCommit(frozen.gone)).toBeUndefined()
}

function frozenBytes(name: string): Buffer {
  return readFileSync(join(fixture, 'store', name))
}
