/**
 * A commit of so many changes that it is written in several slices, and a collection that switches between
 * two of them and drops everything that the commit has met in the store: the writing begins again, or the
 * commit is refused, at whichever slice that happens.
 */
import type { Commit, Hash, Store, Tree, TreeEdit } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { readTree, sha256, describe as shown } from '../support/read-whole.ts'
import { expectCode } from '../support/scenario.ts'
import { SliceClock } from '../support/slice-clock.ts'
import { settled } from '../support/stepper.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

/** More than two slices of changes, and more names than are sorted at once. */
const changeCount = 4_500
/** No commit has so many slices. */
const slicesMax = 40

const texts = Array.from({ length: changeCount }, (_, n) => `text ${n}, which only the old commits have`)
const pathOf = (n: number): string => `new/${n}`
const nestedPathOf = (n: number): string => `new/${n % 40}/${n}`

interface Sliced {
  readonly name: string
  /** Before the collection starts. */
  readonly make: (store: Store, first: Commit) => Promise<Tree | TreeEdit>
  /** Where the texts lie in the commit; without: what it stands on is gone. */
  readonly wanted?: (n: number) => string
}

function withTexts(edit: TreeEdit, place: (n: number) => string): TreeEdit {
  for (const [n, text] of texts.entries()) edit.set(place(n), text)
  return edit
}

const commits: readonly Sliced[] = [
  {
    name: 'an edit with all in one directory',
    make: async (store) => withTexts(store.emptyTree().edit(), pathOf),
    wanted: pathOf,
  },
  {
    name: 'an edit with many directories',
    make: async (store) => withTexts(store.emptyTree().edit(), nestedPathOf),
    wanted: nestedPathOf,
  },
  {
    name: 'an edit that stands on nodes in memory',
    make: async (store) => {
      const tree = await withTexts(store.emptyTree().edit(), (n) => `${n}`).tree()
      return store.emptyTree().edit().setTree('new', tree)
    },
    wanted: pathOf,
  },
  {
    name: 'a tree in memory',
    make: (store) => withTexts(store.emptyTree().edit(), nestedPathOf).tree(),
    wanted: nestedPathOf,
  },
  {
    name: 'an edit that names the texts by their hashes',
    make: async (store) => {
      const edit = store.emptyTree().edit()
      for (const [n, text] of texts.entries()) edit.setBlob(pathOf(n), sha256(text) as Hash<'blob'>)
      return edit
    },
  },
  {
    name: 'an edit of a tree that goes',
    make: async (_, first) => withTexts(first.tree().edit(), pathOf),
  },
]

describe('a switch between two slices of a commit', () => {
  test.each(commits)('$name', async (sliced) => {
    let at = 0
    let isCut = true
    while (isCut) {
      expect(++at).toBeLessThan(slicesMax)
      const clock = new SliceClock()
      await withStore({ clock }, async (temp) => {
        isCut = await cut(temp, clock, { sliced, at })
      })
    }
    expect(at, 'there are several slices').toBeGreaterThan(2)
  })
})

/** False: the commit has no slice after that one. */
async function cut(
  temp: TempStore,
  clock: SliceClock,
  { sliced, at }: { readonly sliced: Sliced; readonly at: number },
): Promise<boolean> {
  const { store } = temp
  const main = store.branch('main')
  const first = await main.commit((edit) => void withTexts(edit, (n) => `old/${n}`))
  await main.commit((edit) => void edit.delete('old'))
  const target = await main.commit((edit) => void edit.set('kept', 'kept text'))
  const made = await sliced.make(store, first)
  expect(await store.startGc(target, { grace: 0 })).toBe(true)
  while (store.gc.status.state === 'running') await settled()
  clock.stopAt(at)
  let isDone = false
  const committing = store
    .branch('result')
    .commit(() => made)
    .finally(() => {
      isDone = true
    })
  committing.catch(() => undefined)
  await settled()
  const isCut = clock.isStopped && !isDone
  expect(await store.finaliseGc({ wait: true })).toMatchObject({ state: 'finalised' })
  clock.goOn()
  const { wanted } = sliced
  if (wanted === undefined) {
    // Where the last slice was over before the switch, what it rests on was not gone yet.
    if (isCut) await expectCode(committing, 'COLLECTED')
    return isCut
  }
  const { hash } = await committing
  await expectTexts(store, hash, wanted)
  await temp.reopen()
  await expectTexts(temp.store, hash, wanted)
  return isCut
}

async function expectTexts(store: Store, hash: Hash<'commit'>, place: (n: number) => string): Promise<void> {
  const commit = await store.getCommit(hash)
  const tree = await readTree((commit as Commit).tree())
  const found = [...tree].filter(([, what]) => !what.startsWith('tree '))
  expect(new Map(found)).toEqual(new Map(texts.map((text, n) => [place(n), shown(text)])))
}
