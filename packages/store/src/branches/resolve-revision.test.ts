/** What a text means: against a parser and a walk straight from the grammar, over a store in memory. */
import { VarveError } from '@varve/pack/errors'
import { rawToHex, recordKind } from '@varve/pack/objects'
import type { MemoryFileSystem } from '@varve/pack/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Hash } from '../api/index.ts'
import { emptyDisk, MemoryRooms } from '../assembly/testing/memory-rooms.ts'
import { hashOf, RecordChunks } from '../hash-index/testing/record-chunks.ts'
import type { StoredCommit } from '../reader/index.ts'
import { RefStore } from '../refs/index.ts'
import { resolveRevision } from './resolve-revision.ts'
import { TagHandle } from './tag-handle.ts'

const gitIds = ['a1b2c3d4e5', 'a1b2c3d4f6'].map((start) => start.padEnd(40, '0')) as [string, string]

let disk: MemoryFileSystem
let store: MemoryRooms
let commits: StoredCommit[]
/** What each plain name stands for, as the test has set it up. */
let names: Map<string, StoredCommit>

/** A merge of two lines: 0 ─ 1 ─ 3, and 2 beside 1; 4 is another root. */
beforeAll(async () => {
  disk = await emptyDisk()
  store = await MemoryRooms.open({ disk })
  const make = (message: string, parents: StoredCommit[], gitId?: string): Promise<StoredCommit> =>
    store.commit(message, { parents, ...(gitId === undefined ? {} : { gitId }) })
  const zero = await make('0', [], gitIds[0])
  const one = await make('1', [zero], gitIds[1])
  const two = await make('2', [zero])
  const three = await make('3', [one, two])
  const four = await make('4', [])
  commits = [zero, one, two, three, four]
  names = new Map([
    ['main', three],
    ['v1', one],
    ['both', two],
    ['feature/x', four],
    [`git:${gitIds[0]}`, zero],
    [`git:${gitIds[1].slice(0, 10)}`, one],
  ])
  for (const commit of commits) {
    names.set(hexOf(commit), commit)
    names.set(hexOf(commit).slice(0, 12), commit)
  }
  const named = (name: string): Hash<'commit'> => hexOf(names.get(name) as StoredCommit)
  for (const name of ['main', 'both', 'feature/x']) await store.branch(name).set(named(name))
  await new TagHandle(store.rooms, 'v1').create(named('v1'))
  // A branch of the same name comes first.
  await new TagHandle(store.rooms, 'both').create(named('v1'))
})
afterAll(() => store.close())

function hexOf({ hash }: { readonly hash: string }): Hash<'commit'> {
  return rawToHex(hash) as Hash<'commit'>
}

async function resolved(text: string): Promise<string | undefined> {
  const found = await resolveRevision(store.rooms, store.rooms.files.index, text)
  return found === undefined ? undefined : hexOf(found)
}

/**
 * The grammar, a character at a time: name, then `~` or `^`, each with a number of at most 9 digits or none.
 */
function meant(text: string): string | undefined {
  let at = 0
  while (at < text.length && text[at] !== '~' && text[at] !== '^') at++
  let commit = names.get(text.slice(0, at))
  while (at < text.length) {
    const sign = text[at++]
    let digits = ''
    while (at < text.length && text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) digits += text[at++]
    const isStep = (sign === '~' || sign === '^') && digits.length <= 9
    if (!isStep) return undefined
    const n = digits === '' ? 1 : Number(digits)
    if (sign === '^') commit = n === 0 ? commit : parentOf(commit, n)
    else for (let left = n; left > 0 && commit !== undefined; left--) commit = parentOf(commit, 1)
  }
  return commit === undefined ? undefined : hexOf(commit)
}

function parentOf(commit: StoredCommit | undefined, n: number): StoredCommit | undefined {
  const hash = commit?.parents[n - 1]
  return commits.find((each) => each.hash === hash)
}

test('every text means what its grammar says', async () => {
  const name = fc.oneof(
    { weight: 4, arbitrary: fc.nat().map((at) => [...names.keys()][at % names.size] as string) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', 'nothing', 'git:', 'git:0000000', 'heads/main', 'f'.repeat(64)),
    },
  )
  const number = fc.constantFrom('', '', '0', '1', '2', '3', '00', '01', '007', '999999999', '0000000000')
  const step = fc.tuple(fc.constantFrom('~', '^'), number).map((parts) => parts.join(''))
  const noise = fc.constantFrom('', '', '', '', 'x', ' ', '~-1', '^{}', '~1x', '^2 ', '@')
  const text = fc.tuple(name, fc.array(step, { maxLength: 4 }), noise).map(([a, b, c]) => a + b.join('') + c)
  await fc.assert(
    fc.asyncProperty(text, async (revision) => {
      expect(await resolved(revision), revision).toBe(meant(revision))
    }),
    { numRuns: 1_500 },
  )
})

describe('the start of a hash', () => {
  test('is taken from 7 digits on, and asks for more where several commits begin so', async () => {
    const hex = hexOf(commits[3] as StoredCommit)
    expect(await resolved(hex.slice(0, 7))).toBe(hex)
    expect(await resolved(hex.slice(0, 6))).toBeUndefined()
    expect(await resolved(hex.toUpperCase())).toBeUndefined()
    expect(await resolved(`${hex}0`)).toBeUndefined()
  })

  test('of trees and blobs means no commit', async () => {
    expect(await resolved(hexOf((commits[0] as StoredCommit).tree))).toBeUndefined()
  })
})

test('the start of a hash that commits share is ambiguous; objects of other kinds do not count', async () => {
  const three = commits[3] as StoredCommit
  const start = hexOf(three).slice(0, 12)
  const chunks = await RecordChunks.create()
  chunks.put(recordKind.commit, three.hash)
  chunks.put(recordKind.node, hashOf(start, 'e'))
  chunks.put(recordKind.blob, hashOf(start, 'd'))
  expect((await resolveRevision(store.rooms, chunks.index, start))?.hash).toBe(three.hash)
  chunks.put(recordKind.commit, hashOf(start, 'f'))
  const failure = await resolveRevision(store.rooms, chunks.index, start).catch((error: unknown) => error)
  expect(failure).toMatchObject({
    code: 'AMBIGUOUS',
    details: { candidates: [expect.any(String), expect.any(String)] },
  })
})

describe('a Git id', () => {
  test('that several commits begin with is ambiguous, and says which', async () => {
    const candidates = [commits[0], commits[1]].map((commit) => hexOf(commit as StoredCommit))
    const failure = await resolved('git:a1b2c3d').catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'AMBIGUOUS' })
    const { details } = failure as { details: { candidates: string[] } }
    expect(details.candidates.toSorted()).toEqual(candidates.toSorted())
  })

  test('is believed of the commit only, not of the projection', async () => {
    const liar = { hash: hexOf(commits[4] as StoredCommit), extra: { 'git:id': 'deadbeef'.padEnd(40, '0') } }
    store.rooms.projections.noteCommit(liar, store.rooms.writer.end)
    expect(await resolved('git:deadbeef')).toBeUndefined()
    for (const odd of ['git:DEADBEEF', 'git:deadbe', `git:${'a'.repeat(65)}`, 'git:../..']) {
      expect(await resolved(odd)).toBeUndefined()
    }
  })
})

test('a ref that damage may hide is not taken for absent, unless something else is meant', async () => {
  const refs = new RefStore({
    below: 1e9,
    error: new VarveError('CORRUPT', { file: 'suffix-1.pack', offset: 64 }),
  })
  const four = commits[4] as StoredCommit
  refs.load('tags/known', { hash: four.hash, offset: four.offset, at: 0, annotation: undefined }, 2e9)
  const rooms = { ...store.rooms, refs }
  const find = (text: string): Promise<StoredCommit | undefined> =>
    resolveRevision(rooms, rooms.files.index, text)
  expect((await find('known'))?.hash).toBe(four.hash)
  expect((await find(hexOf(four)))?.hash).toBe(four.hash)
  await expect(find('main')).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(find('f'.repeat(40))).rejects.toMatchObject({ code: 'CORRUPT' })
})
