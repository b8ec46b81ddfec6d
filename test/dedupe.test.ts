/** What the store holds is not written again: also not by the next opening, nor after a collection. */
import type { Store, StoreStats, TreeEdit } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { seededBytes } from './support/seeded-bytes.ts'
import { places, type TempStore, withStore } from './support/temp-store.ts'

type Fill = (edit: TreeEdit) => TreeEdit

/** Large enough to be stored in chunks. */
const big = seededBytes(11, 600_000)

const trees: readonly { readonly name: string; readonly fill: Fill }[] = [
  { name: 'a small directory', fill: (edit) => edit.set('a', 'one').set('b', 'two') },
  {
    name: 'directories in directories',
    fill: (edit) => {
      for (let n = 0; n < 60; n++) edit.set(`${n % 3}/${n % 5}/name ${n}`, `text ${n}`)
      return edit
    },
  },
  {
    name: 'a directory of many nodes',
    fill: (edit) => {
      for (let n = 0; n < 2_000; n++) edit.set(`d/name ${n}`, `text ${n % 700}`)
      return edit
    },
  },
  { name: 'a large blob', fill: (edit) => edit.set('d/big', big) },
]

/** A commit and the move of a branch, framed. */
const commitBytesMax = 1_024

const betweens: readonly { readonly name: string; readonly go: (temp: TempStore) => Promise<unknown> }[] = [
  { name: 'at once', go: async () => undefined },
  { name: 'after an opening', go: (temp) => temp.reopen() },
  {
    name: 'after a new chunk and an opening',
    go: async (temp) => {
      await temp.store.advanced.split()
      await temp.reopen()
    },
  },
  {
    name: 'after a collection and an opening',
    go: async (temp) => {
      await temp.store.gc.run(undefined, { grace: 0 })
      await temp.reopen()
    },
  },
  {
    name: 'after two openings with something new in between',
    go: async (temp) => {
      await temp.reopen()
      await temp.store.branch('new').commit((edit) => void edit.set('new/x', 'y'))
      await temp.reopen()
    },
  },
]

describe.each(places)('equal trees, %s', (place) => {
  describe.each(trees)('$name', ({ fill }) => {
    test.each(betweens)('$name: not one record more', ({ go }) =>
      withStore({ place }, async (temp) => {
        const first = await temp.store.branch('main').commit((edit) => void fill(edit))
        await go(temp)
        const before = temp.store.stats()
        const second = await temp.store
          .branch('other')
          .commit((edit) => void fill(edit), { message: 'again' })
        expect(second.treeHash).toBe(first.treeHash)
        const after = temp.store.stats()
        expect(after.objects).toEqual({ ...before.objects, commit: before.objects.commit + 1 })
        expect(packBytes(after) - packBytes(before)).toBeLessThan(commitBytesMax)
        await expectNothingPut(temp.store, fill)
      }),
    )
  })
})

/** A bare put says only that it was made. */
async function expectNothingPut(store: Store, fill: Fill): Promise<void> {
  const { objects } = store.stats()
  await store.putTree(await fill(store.emptyTree().edit()).tree())
  await store.flush()
  expect(store.stats().objects).toEqual(objects)
}

function packBytes({ files }: StoreStats): number {
  return files.reduce((sum, { name, bytes }) => (name.endsWith('.pack') ? sum + bytes : sum), 0)
}
