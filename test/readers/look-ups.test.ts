/** What a reader finds by other names than hashes: Git ids, beginnings, steps, tags; and whole histories. */
import type { MemoryFileSystem } from '@varve/pack/testing'
import type { Commit, Store } from '@varve/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryReader } from '../support/memory-reader.ts'
import { emptyDisk, expectTidy, openMemory } from '../support/memory-store.ts'

let disk: MemoryFileSystem
let store: Store
let reader: MemoryReader

beforeEach(async () => {
  disk = await emptyDisk()
  store = await openMemory(disk)
})
afterEach(async () => {
  await reader.store.close()
  await store.close()
  await expectTidy(disk)
})

async function commit(content: string, gitId?: string, branch = 'main'): Promise<Commit> {
  return store.branch(branch).commit((edit) => void edit.set('a', content), {
    ...(gitId !== undefined && { extra: { 'git:id': gitId } }),
  })
}

async function found(text: string): Promise<string | undefined> {
  return (await reader.store.resolve(text))?.hash
}

describe('by its Git id a commit', () => {
  const [a, b, c] = ['a'.repeat(40), `${'a'.repeat(39)}b`, 'c'.repeat(40)] as const

  test('is found whole and by its beginning, in chunks that are sealed and in the open one', async () => {
    const first = await commit('1', a)
    await store.advanced.split()
    const second = await commit('2', c)
    reader = await MemoryReader.open(disk)
    expect(await found(`git:${a}`)).toBe(first.hash)
    expect(await found('git:aaaaaaa')).toBe(first.hash)
    expect(await found('git:ccccccccc')).toBe(second.hash)
    expect(await found('git:ccccccccc~1')).toBe(first.hash)
    expect(await found('git:ccccccd')).toBeUndefined()
    expect(await found('git:cccccc')).toBeUndefined()
    expect(await found('git:C'.padEnd(44, 'C'))).toBeUndefined()
  })

  test('that came later is found after a reload, and then a beginning may mean two', async () => {
    const first = await commit('1', a)
    reader = await MemoryReader.open(disk)
    expect(await found('git:aaaaaaaa')).toBe(first.hash)
    const second = await commit('2', b)
    expect(await found('git:aaaaaaaa')).toBe(first.hash)
    expect(await found(`git:${b}`)).toBeUndefined()
    await reader.store.reload()
    expect(await found(`git:${b}`)).toBe(second.hash)
    await expect(reader.store.resolve('git:aaaaaaaa')).rejects.toMatchObject({
      code: 'AMBIGUOUS',
      details: { candidates: [first.hash, second.hash] },
    })
  })

  test('that was collected is not found after the reload, another of the same id is', async () => {
    const first = await commit('1', a, 'one')
    const again = await commit('2', a, 'two')
    const gone = await commit('3', c, 'three')
    reader = await MemoryReader.open(disk)
    expect([first.hash, again.hash]).toContain(await found(`git:${a}`))
    expect(await found(`git:${c}`)).toBe(gone.hash)
    await store.branch('one').delete()
    await store.branch('three').delete()
    await store.gc.run(undefined, { grace: 0 })
    expect(await found(`git:${c}`)).toBe(gone.hash)
    await reader.store.reload()
    expect(await found(`git:${c}`)).toBeUndefined()
    expect(await found(`git:${a}`)).toBe(again.hash)
    const late = await MemoryReader.open(disk)
    expect((await late.store.resolve(`git:${a}`))?.hash).toBe(again.hash)
    await late.store.close()
  })

  test('is looked for in the reader that is being closed: it ends', async () => {
    for (let n = 0; n < 1_200; n++) await commit(`${n}`, n.toString(16).padStart(40, '0'))
    reader = await MemoryReader.open(disk)
    const looking = reader.store.resolve('git:000000000').then(
      () => 'found',
      (error: { code: string }) => error.code,
    )
    await reader.store.close()
    expect(await looking).toBe('STORE_CLOSED')
  })
})

describe('a history', () => {
  test('is walked in a reader while a collection takes it', async () => {
    const commits: Commit[] = []
    for (let n = 0; n < 30; n++) commits.unshift(await commit(`${n}`))
    reader = await MemoryReader.open(disk)
    const log = reader.store.log((await reader.store.branch('main').head()) as Commit)
    expect((await log.next()).value?.hash).toBe(commits[0]?.hash)
    await store.gc.run(commits[3], { grace: 0 })
    const rest: string[] = []
    for await (const { hash } of log) rest.push(hash)
    expect(rest).toEqual(commits.slice(1).map(({ hash }) => hash))
    await reader.store.reload()
    const kept = await reader.store.log(commits[0]?.hash as Commit['hash']).toArray()
    expect(kept.map(({ hash }) => hash)).toEqual(commits.slice(0, 4).map(({ hash }) => hash))
    const [newest, older] = commits as [Commit, Commit]
    expect(await reader.store.isAncestor(older.hash, newest.hash)).toBe(true)
    const changes = await reader.store.diff(older.hash, newest.hash).toArray()
    expect(changes.map(({ path }) => path)).toEqual([['a']])
  })

  test('of what moved is told by a reload, with what changed', async () => {
    const first = await commit('1')
    await store.branch('old').set(first)
    await store.tag('v1').create(first)
    reader = await MemoryReader.open(disk)
    const second = await store.branch('main').commit((edit) => void edit.set('b', '2').delete('a'))
    await store.branch('old').delete()
    await store.branch('new').set(second)
    await store.tag('v1').delete()
    await store.tag('v1').create(first)
    const changes = await reader.store.reload()
    const told = new Map(changes.map((change) => [change.ref, change]))
    expect([...told.keys()].sort()).toEqual(['heads/main', 'heads/new', 'heads/old'])
    const pathsOf = async (ref: string): Promise<string[]> => {
      const list = (await told.get(ref)?.changes().toArray()) ?? []
      return list.map(({ type, path }) => `${type} ${path.join('/')}`)
    }
    expect(await pathsOf('heads/main')).toEqual(['removed a', 'added b'])
    expect(await pathsOf('heads/new')).toEqual(['added b'])
    expect(await pathsOf('heads/old')).toEqual(['removed a'])
    expect(told.get('heads/old')).toMatchObject({ before: { hash: first.hash }, after: undefined })
    expect(told.get('heads/new')).toMatchObject({ before: undefined, after: { hash: second.hash } })
    await store.gc.run(second, { grace: 0 })
    await store.tag('v1').delete()
    await store.gc.run(second, { grace: 0 })
    await reader.store.reload()
    const before = told.get('heads/main')?.before
    expect(before?.message, 'what it said was read then').toBe('')
    await expect(told.get('heads/main')?.changes().next()).rejects.toMatchObject({ code: 'COLLECTED' })
  })
})

test('a stream that a reader has begun goes on over reloads, and ends with the reader', async () => {
  const big = new Uint8Array(3_000_000).map((_, at) => at * 31)
  const hash = await store.putBlob(big)
  const head = await store.branch('main').commit((edit) => void edit.setBlob('big', hash))
  reader = await MemoryReader.open(disk)
  const blob = await reader.store.openBlob(hash)
  const stream = blob?.stream().getReader()
  let read = (await stream?.read())?.value?.length ?? 0
  await store.branch('main').commit((edit) => void edit.delete('big'))
  await store.gc.run(await store.branch('main').head(), { grace: 0 })
  await reader.store.reload()
  expect(await reader.store.getBlob(hash)).toBeUndefined()
  expect(await reader.store.getCommit(head.hash)).toBeUndefined()
  expect(reader.store.stats().openReaders).toBe(1)
  for (let next = await stream?.read(); next?.done === false; next = await stream?.read()) {
    read += next.value.length
  }
  expect(read).toBe(big.length)
  expect(reader.store.stats().openReaders).toBe(0)
})
