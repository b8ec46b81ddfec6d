/**
 * A program that writes without a pause while a collection runs: commits, uploads, and hits on what is about
 * to go, many at a time. The collection catches up in rounds, in the end while the writer waits; nothing is
 * lost and nothing is torn.
 */
import type { Commit, Hash, Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { readRefs, readTree, sha256 } from '../support/read-whole.ts'
import { piecesOf, seededBytes } from '../support/seeded-bytes.ts'
import { type Place, places, withStore } from '../support/temp-store.ts'

const writers = 4
const oldTexts = Array.from({ length: 400 }, (_, n) => `an old text, number ${n}`)

describe.each(places)('a busy writer and collections, %s', (place) => {
  test.each(['with a target', 'without a target'])('%s', (how) =>
    withBusyStore(place, async (store, head) => {
      let isDone = false
      const writing = Array.from({ length: writers }, (_, writer) => write(store, writer, () => isDone))
      for (let round = 0; round < 3; round++) {
        const target = how === 'with a target' ? await store.branch(`w${round % writers}`).head() : undefined
        const stats = await store.gc.run(target ?? (how === 'with a target' ? head : undefined), { grace: 0 })
        expect(stats.objectsKept).toBeGreaterThan(0)
      }
      isDone = true
      const lines = await Promise.all(writing)
      for (const [writer, line] of lines.entries()) await expectLine(store, writer, line)
    }),
  )

  test('more at once than a round may hold', () =>
    withBusyStore(place, async (store, head) => {
      expect(await store.startGc(head, { grace: 0 })).toBe(true)
      // Some 12 MiB, and hits on hundreds of texts that only the old commits have.
      const made = Array.from({ length: 48 }, (_, n) =>
        store.branch(`b${n % 6}`).commit((edit) => {
          edit.set(`large/${n}`, seededBytes(1_000 + n, 250_000))
          for (let old = n; old < oldTexts.length; old += 5) edit.set(`old/${old}`, oldTexts[old] as string)
        }),
      )
      const finished = store.finaliseGc({ wait: true })
      const commits = await Promise.all(made)
      expect((await finished).state).toBe('finalised')
      for (const [n, commit] of commits.entries()) {
        const tree = await readTree(commit.tree())
        expect(tree.get(`large/${n}`)).toBe(`file 250000 ${sha256(seededBytes(1_000 + n, 250_000))}`)
      }
    }))
})

test('a writer that never lets a round fit is slowed, and loses nothing', () =>
  withBusyStore('memory', async (store, head) => {
    let isDone = false
    const commits: Commit[] = []
    const writing = (async () => {
      // More in each commit than the queue may be held for.
      for (let n = 0; !isDone && n < 500; n++) {
        const content = seededBytes(n, 1_200_000)
        commits.push(await store.branch('fast').commit((edit) => void edit.set(`large/${n % 4}`, content)))
      }
    })()
    const stats = await store.gc.run(head, { grace: 0 })
    isDone = true
    await writing
    expect(stats.objectsKept).toBeGreaterThan(0)
    for (const [n, { parents }] of commits.entries())
      expect(parents).toEqual(n === 0 ? [] : [commits[n - 1]?.hash])
    expect((await store.branch('fast').head())?.hash).toBe(commits.at(-1)?.hash)
  }))

/** A store whose old commits hold texts that the newest does not. */
function withBusyStore(place: Place, body: (store: Store, head: Commit) => Promise<void>): Promise<void> {
  return withStore({ place }, async (temp) => {
    const main = temp.store.branch('main')
    await main.commit((edit) => {
      for (const [n, text] of oldTexts.entries()) edit.set(`old/${n}`, text)
    })
    const head = await main.commit((edit) => void edit.delete('old').set('new', 'a new text'))
    await body(temp.store, head)
    await readRefs(temp.store)
  })
}

interface Line {
  readonly commits: readonly Commit[]
  readonly uploads: readonly Hash<'blob'>[]
}

/** Commits on a branch of its own, each with a text of the old ones and every so often an upload. */
async function write(store: Store, writer: number, isDone: () => boolean): Promise<Line> {
  const branch = store.branch(`w${writer}`)
  const commits: Commit[] = []
  const uploads: Hash<'blob'>[] = []
  for (let n = 0; n < 20 || (!isDone() && n < 2_000); n++) {
    if (n % 5 === 0)
      uploads.push(await store.putBlob(piecesOf(seededBytes(100 * writer + n, 300_000), 50_000)))
    const commit = await branch.commit((edit) => {
      edit.set(`n/${n % 50}`, `${writer} wrote ${n}`)
      edit.set('old', oldTexts[(n * 7 + writer) % oldTexts.length] as string)
      if (n % 5 === 0) edit.setBlob(`upload/${n % 50}`, uploads.at(-1) as Hash<'blob'>)
    })
    commits.push(commit)
  }
  return { commits, uploads }
}

/** The head holds what was written last, and each commit follows the one before. */
async function expectLine(store: Store, writer: number, { commits }: Line): Promise<void> {
  const head = await store.branch(`w${writer}`).head()
  expect(head?.hash).toBe(commits.at(-1)?.hash)
  for (const [n, commit] of commits.entries()) {
    expect(commit.parents).toEqual(n === 0 ? [] : [commits[n - 1]?.hash])
  }
  const last = commits.length - 1
  const text = await (head as Commit).tree().get(`n/${last % 50}`)
  expect(Buffer.from(text ?? []).toString()).toBe(`${writer} wrote ${last}`)
  await readTree((head as Commit).tree())
}
