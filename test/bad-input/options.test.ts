/** Options and arguments that no compiler has looked at: each is refused by name, before anything happens. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Store, VarveError, type WriterOptions } from '@varve/store'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { emptyDisk, openMemory } from '../support/memory-store.ts'

let parent: string
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'varve-options-'))
})
afterAll(() => rm(parent, { recursive: true, force: true }))

/** Whatever a call comes to, thrown or rejected. */
async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  return undefined
}

describe('opening refuses', () => {
  const wrong: readonly [option: string, options: unknown][] = [
    ['readOnly', { readOnly: 'yes' }],
    ['create', { readOnly: true, create: 'if-missing' }],
    ['lock', { readOnly: true, lock: { wait: 5 } }],
    ['durability', { readOnly: true, durability: 'flush' }],
    ['follow', { readOnly: true, follow: 'yes' }],
    ['cacheBytes', { readOnly: true, cacheBytes: -1 }],
    ['readOnly', { readOnly: null }],
    ['follow', { readOnly: false, follow: true }],
    ['lower', { lower: 5 }],
    ['lower', { lower: '' }],
    ['lower', { lower: { missing: 'refuse' } }],
    ['lower', { lower: { path: 'archive', missing: 'maybe' } }],
    ['lower', { readOnly: true, lower: { path: 'archive', mising: 'refuse' } }],
    ['control', { control: true }],
    ['foo', { foo: 1 }],
    ['author', { author: 5 }],
    ['create', { create: null }],
    ['create', { create: { hsah: 'sha256' } }],
    ['lock', { lock: 5 }],
    ['lock', { lock: null }],
    ['lock', { lock: { wait: null } }],
    ['lock', { lock: { wiat: '5s' } }],
    ['now', { now: 5 }],
    ['onEvent', { onEvent: 'print' }],
    ['signal', { signal: {} }],
    ['cacheBytes', { cacheBytes: '64 MiB' }],
    ['durability', { durability: null }],
    ['options', null],
    ['options', 'never'],
  ]
  test.each(wrong)('%s as in %j, and makes nothing', async (option, options) => {
    const failure = await failureOf(() => Store.open(join(parent, 'new'), options as WriterOptions))
    expect(failure).toMatchObject({ code: 'OPTION_MISMATCH', details: { option } })
    expect(await readdir(parent)).toEqual([])
  })

  test('what is not in this version, and says so', async () => {
    for (const options of [{ control: true }]) {
      const failure = await failureOf(() => Store.open(join(parent, 'new'), options as WriterOptions))
      expect(VarveError.is(failure) ? failure.hint : failure).toContain('not in this version')
    }
  })

  test('to read only and wait for the lock, while a writer is there', async () => {
    const path = join(parent, 'store')
    const store = await Store.open(path, { readOnly: false })
    const options = { readOnly: true, lock: { wait: 5 } }
    const failure = await failureOf(() => Store.open(path, options as never))
    expect(failure).toMatchObject({ code: 'OPTION_MISMATCH', details: { option: 'lock' } })
    await store.branch('main').commit((edit) => void edit.set('a', 'b'))
    await store.close()
    await rm(path, { recursive: true })
  })

  test.each([[5], [undefined], [null], ['a\0b'], [new URL('https://example.org/store')]])(
    'a path that is none: %j',
    async (path) => {
      const failure = await failureOf(() => Store.open(path as string))
      expect(failure).toMatchObject({ code: 'INVALID_PATH' })
    },
  )
})

test('a path that the file system does not take is told as one, and nothing is made', async () => {
  for (const name of ['x'.repeat(300), 'é'.repeat(150), `${'y'.repeat(200)}/`.repeat(25)]) {
    const path = join(parent, name)
    const failure = await failureOf(() => Store.open(path))
    expect(failure).toMatchObject({
      code: 'INVALID_PATH',
      details: { path },
      cause: { code: 'ENAMETOOLONG' },
    })
    expect(await readdir(parent)).toEqual([])
  }
})

test('a store comes from open alone, and its insides are not to be had', () => {
  const statics = Object.getOwnPropertyNames(Store).filter(
    (name) => typeof Store[name as never] === 'function',
  )
  expect(statics).toEqual(['open'])
  // @ts-expect-error the constructor is private
  expect(() => new Store({}, Symbol('store'))).toThrow('a store comes from Store.open')
})

type Call = (store: Store) => unknown
const hash = 'a'.repeat(64) as never
const change = (edit: { set(path: string, text: string): unknown }): void => void edit.set('a', 'c')

describe('an option of another type, or of no call', () => {
  const calls: readonly [option: string, call: Call][] = [
    ['author', (s) => s.branch('main').commit(change, { author: 5 } as never)],
    ['message', (s) => s.branch('main').commit(change, { message: null } as never)],
    ['extra', (s) => s.branch('main').commit(change, { extra: { a: 5 } } as never)],
    ['extra', (s) => s.branch('main').commit(change, { extra: 'abc' } as never)],
    ['date', (s) => s.branch('main').commit(change, { date: null } as never)],
    ['date', (s) => s.branch('main').commit(change, { date: '2020-01-01' } as never)],
    ['allowEmpty', (s) => s.branch('main').commit(change, { allowEmpty: 'no' } as never)],
    ['retries', (s) => s.branch('main').commit(change, { retries: -1 })],
    ['retries', (s) => s.branch('main').commit(change, { retries: Number.NaN })],
    ['signal', (s) => s.branch('main').commit(change, { signal: 5 } as never)],
    ['mesage', (s) => s.branch('main').commit(change, { mesage: 'x' } as never)],
    ['options', (s) => s.branch('main').commit(change, null as never)],
    ['author', (s) => s.commit({ tree: s.emptyTree(), author: 5 } as never)],
    ['parents', (s) => s.commit({ tree: s.emptyTree(), parents: 5 } as never)],
    ['tree', (s) => s.commit({} as never)],
    ['tree', (s) => s.commit({ tree: hash } as never)],
    ['retries', (s) => s.commit({ tree: s.emptyTree(), retries: 1 } as never)],
    ['message', async (s) => s.tag('v').create((await headOf(s)) as never, { message: 5 } as never)],
    ['author', async (s) => s.tag('v').create((await headOf(s)) as never, { author: null } as never)],
    ['options', async (s) => s.tag('v').create((await headOf(s)) as never, null as never)],
    ['keep', (s) => s.gc.run(undefined, { keep: 5 } as never)],
    ['keep', (s) => s.gc.run(undefined, { keep: hash } as never)],
    ['grace', (s) => s.gc.run(undefined, { grace: null } as never)],
    ['unlink', (s) => s.startGc(undefined, { unlink: 0 } as never)],
    ['retain', (s) => s.startGc(undefined, { retain: { keepLast: 5 } } as never)],
    ['kepe', (s) => s.gc.run(undefined, { kepe: [] } as never)],
    ['onProgress', (s) => s.gc.run(undefined, { onProgress: 5 } as never)],
    ['options', (s) => s.startGc(undefined, null as never)],
    ['wait', (s) => s.finaliseGc({ wait: 0 } as never)],
    ['limit', async (s) => s.log((await headOf(s)) as never, { limit: -1 }).toArray()],
    ['limit', async (s) => s.log((await headOf(s)) as never, { limit: 1.5 }).toArray()],
    ['firstParent', async (s) => s.log((await headOf(s)) as never, { firstParent: 1 } as never).toArray()],
    ['not', async (s) => s.log((await headOf(s)) as never, { not: hash } as never).toArray()],
    ['options', async (s) => s.log((await headOf(s)) as never, null as never).toArray()],
    ['pth', async (s) => s.diff(undefined, (await headOf(s)) as never, { pth: 'a' } as never).toArray()],
    ['limit', (s) => s.branch('main').entries('', { limit: Number.NaN }).toArray()],
    ['limit', (s) => s.branch('main').values('', { limit: -1 }).toArray()],
    ['prefix', (s) => s.branch('main').entriesSync('', { prefix: 5 } as never)],
    [
      'gt',
      (s) =>
        s
          .emptyTree()
          .edit()
          .entries('', { gt: null } as never)
          .toArray(),
    ],
    [
      'recusive',
      (s) =>
        s
          .branch('main')
          .entries('', { recusive: true } as never)
          .toArray(),
    ],
    ['size', (s) => s.putBlob('x', { size: '1' } as never)],
    ['expected', (s) => s.putBlob('x', { expected: 5 } as never)],
    ['onProgress', (s) => s.putBlob('x', { onProgress: 5 } as never)],
    [
      'prefix',
      (s) =>
        s
          .branches({ prefix: 5 } as never)
          [Symbol.asyncIterator]()
          .next(),
    ],
    [
      'prefix',
      (s) =>
        s
          .tags({ prefix: 5 } as never)
          [Symbol.asyncIterator]()
          .next(),
    ],
    ['touch', (s) => s.hasBlobs([], { touch: 1 } as never)],
    ['mode', (s) => s.emptyTree().set('a', 'b', { mode: 'directory' } as never)],
    [
      'replace',
      (s) =>
        s
          .emptyTree()
          .edit()
          .set('a', 'b', { replace: 1 } as never),
    ],
    ['offset', async (s) => (await blobOf(s))?.stream({ offset: '1' } as never)],
  ]
  test.each(calls)('%s is refused (%#)', async (option, call) => {
    const store = await openStoreWithCommit()
    const failure = await failureOf(() => call(store))
    expect(failure).toMatchObject({ code: 'OPTION_MISMATCH', details: { option } })
    expect(store.gc.isFinished()).toBe(true)
    expect((await store.log((await headOf(store)) as never).toArray()).length).toBe(1)
    await store.close()
  })
})

describe('an argument that is not what it should be', () => {
  const calls: readonly [code: string, call: Call][] = [
    ['INVALID_HASH', (s) => s.branch('main').set(null as never)],
    ['INVALID_HASH', (s) => s.branch('main').set({ hash: 5 } as never)],
    ['INVALID_HASH', (s) => s.branch('main').set(s.emptyTree() as never)],
    ['INVALID_HASH', (s) => s.branch('main').compareAndSet('nope' as never, hash)],
    ['INVALID_HASH', (s) => s.branch('main').compareAndSet(null as never, hash)],
    ['INVALID_HASH', (s) => s.branch('main').compareAndSet(undefined, null as never)],
    ['INVALID_HASH', (s) => s.tag('v1').create(null as never)],
    ['INVALID_HASH', (s) => s.startGc(null as never)],
    ['INVALID_HASH', (s) => s.gc.run(5 as never)],
    ['INVALID_HASH', (s) => s.gc.run(undefined, { keep: [null] } as never)],
    ['INVALID_HASH', (s) => s.log(undefined as never).toArray()],
    ['INVALID_HASH', (s) => s.log([null] as never).toArray()],
    ['INVALID_HASH', (s) => s.log([], { not: [5n] } as never).toArray()],
    ['INVALID_HASH', (s) => s.diff(undefined, null as never).toArray()],
    ['INVALID_HASH', (s) => s.mergeBases(null as never, hash)],
    ['INVALID_HASH', (s) => s.isAncestor(Object.create(null), hash)],
    ['INVALID_HASH', (s) => s.commit({ tree: s.emptyTree(), parents: [null] } as never)],
    ['INVALID_HASH', (s) => s.getBlob(null as never)],
    ['INVALID_HASH', (s) => s.getCommit(5n as never)],
    ['INVALID_HASH', (s) => s.hasBlobs(5 as never)],
    ['INVALID_HASH', (s) => s.hasBlobs([Symbol('hash')] as never)],
    ['UNKNOWN_COMMIT', (s) => s.resolve(5 as never)],
    ['UNKNOWN_COMMIT', (s) => s.resolve(undefined as never)],
    ['INVALID_PATH', (s) => s.branch(5 as never)],
    ['INVALID_PATH', (s) => s.tag(undefined as never)],
    ['INVALID_PATH', (s) => s.branch('main').get(5 as never)],
  ]
  test.each(calls)('%s (%#)', async (code, call) => {
    const store = await openStoreWithCommit()
    const failure = await failureOf(() => call(store))
    expect(failure).toMatchObject({ code })
    expect(store.gc.isFinished()).toBe(true)
    await store.close()
  })

  test('a target that is none is told by isAllowed as well', async () => {
    const store = await openStoreWithCommit()
    expect(await store.gc.isAllowed(null as never)).toMatchObject({ code: 'INVALID_HASH' })
    await store.close()
  })
})

async function openStoreWithCommit(): Promise<Store> {
  const store = await openMemory(await emptyDisk())
  await store.branch('main').commit((edit) => void edit.set('a', 'b'))
  return store
}

async function headOf(store: Store): Promise<unknown> {
  return store.branch('main').head()
}

async function blobOf(store: Store): ReturnType<Store['openBlob']> {
  return store.openBlob(await store.putBlob('content'))
}
