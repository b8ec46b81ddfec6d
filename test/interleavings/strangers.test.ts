/**
 * Trees and commits of another store, and of another opening of the same one. Epochs and offsets of two
 * stores can be equal while other bytes lie there, so nothing that one store has found out counts in another:
 * what is named is looked up by kind and hash, and is there, whole, or refused.
 */
import type { Commit, Store, Tree } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { type Appended, doomed, Field } from '../support/race.ts'
import { describe as describeContent, readTree } from '../support/read-whole.ts'
import { expectCode } from '../support/scenario.ts'
import { Stepper } from '../support/stepper.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

describe('trees and commits of another store', () => {
  test('the same offsets, other bytes: each is refused where it would be wrong', () =>
    withTwo(async (ours, theirs) => {
      const mine = await layOut(ours.store, 'mine')
      const other = await layOut(theirs.store, 'hers')
      const { store } = ours
      await expectCode(store.commit({ tree: other.tree() }), 'COLLECTED')
      await expectCode(store.putTree(other.tree()), 'COLLECTED')
      const below = (await other.tree().getTree('d')) as Tree
      await expectCode(
        commitOf(store, (tree) => tree.setTree('g', below)),
        'COLLECTED',
      )
      await expectCode(store.branch('main').set(other), 'COLLECTED')
      await expectCode(store.branch('new').compareAndSet(undefined, other), 'COLLECTED')
      await expectCode(store.tag('v1').create(other), 'COLLECTED')
      expect(await store.branch('main').compareAndSet(other, mine)).toBe(false)
      expect((await store.branch('main').head())?.hash).toBe(mine.hash)
      expect(await store.getCommit(other.hash)).toBeUndefined()
    }))

  test('what both hold is found by its hash, wherever it lies', () =>
    withTwo(async (ours, theirs) => {
      const { store } = ours
      // Other offsets for the same content.
      await store.branch('first').commit((edit) => void edit.set('long', 'something else before it'))
      const mine = await layOut(store, 'same')
      const other = await layOut(theirs.store, 'same')
      expect(mine.treeHash).toBe(other.treeHash)
      const made = await store.commit({ tree: other.tree(), message: 'of their tree' })
      expect(made.treeHash).toBe(mine.treeHash)
      const below = (await other.tree().getTree('d')) as Tree
      const grafted = await commitOf(store, (tree) => tree.setTree('g', below))
      expect(await readTree(grafted.tree())).toEqual(
        new Map([
          ['g', 'tree 2 8'],
          ['g/a', describeContent('same')],
          ['g/b', describeContent('same')],
        ]),
      )
      if (mine.hash === other.hash) await store.branch('moved').set(other)
      await ours.reopen()
      expect(await readTree(((await ours.store.getCommit(made.hash)) as Commit).tree())).toEqual(
        await readTree(other.tree()),
      )
    }))

  test('a target or a kept commit of another store is refused', () =>
    withTwo(async (ours, theirs) => {
      const mine = await layOut(ours.store, 'mine')
      const other = await layOut(theirs.store, 'hers')
      const { store } = ours
      const files = await ours.files.names()
      await expect(store.startGc(other)).rejects.toMatchObject({ code: /COLLECTED|UNKNOWN_COMMIT/ })
      await expect(store.startGc(mine, { keep: [other] })).rejects.toMatchObject({
        code: expect.stringMatching(/COLLECTED|UNKNOWN_COMMIT/),
      })
      expect(store.gc.isFinished()).toBe(true)
      expect(await ours.files.names()).toEqual(files)
    }))
})

describe('edits of another store', () => {
  test('are written where all they stand on is there, and refused elsewhere', () =>
    withTwo(async (ours, theirs) => {
      await layOut(ours.store, 'same')
      const other = await layOut(theirs.store, 'same')
      const { store } = ours
      const edit = other.tree().edit().set('new', 'text')
      const made = await store.branch('main').commit(() => edit)
      expect(await readTree(made.tree())).toEqual(await readTree(await edit.tree()))
      const hers = await layOut(theirs.store, 'hers')
      const standing = hers.tree().edit().set('new', 'text')
      await expectCode(
        store.branch('main').commit(() => standing),
        'COLLECTED',
      )
      expect((await store.branch('main').head())?.hash).toBe(made.hash)
      // It goes on in its own store.
      await theirs.store.branch('main').commit(() => standing.set('more', 'text'))
    }))

  test('of an opening that is over: a typed error', () =>
    withTwo(async (ours) => {
      const first = await layOut(ours.store, 'same')
      const edit = first.tree().edit().set('d/c', 'text')
      await ours.reopen()
      await expectCode(
        ours.store.branch('main').commit(() => edit),
        'STORE_CLOSED',
      )
    }))
})

test('a difference to a commit that is gone is told by the cursor, not by the call', () =>
  withField(async ({ temp, first, third }) => {
    const { store } = temp
    await store.gc.run(third, { grace: 0 })
    const cursors = [
      [store.diff(first, third), 'COLLECTED'],
      [store.diff(first.hash, third), 'UNKNOWN_COMMIT'],
      [store.diff(undefined, first.hash), 'UNKNOWN_COMMIT'],
    ] as const
    for (const [cursor, code] of cursors) await expectCode(cursor.next(), code)
  }))

describe('trees and commits of an earlier opening', () => {
  test('handles of what is still there go on', () =>
    withField(async (field) => {
      const { temp } = field
      const tree = field.first.tree()
      const below = (await tree.getTree('doomed')) as Tree
      await temp.reopen()
      const { store } = temp
      const made = await store.commit({ tree, parents: [field.first], message: 'again' })
      expect(made.treeHash).toBe(field.first.treeHash)
      const grafted = await commitOf(store, (empty) => empty.setTree('g', below))
      expect(await grafted.tree().count('g')).toBe(3)
      await store.branch('back').set(field.first)
      expect(await readTree(((await store.branch('back').head()) as Commit).tree())).toEqual(
        await readTree(made.tree()),
      )
    }))

  test('handles of what is gone are refused', () =>
    withField(async (field) => {
      const { temp } = field
      const tree = field.first.tree()
      const below = (await tree.getTree('doomed')) as Tree
      await temp.store.gc.run(field.third, { grace: 0 })
      await temp.reopen()
      const { store } = temp
      await expectCode(store.commit({ tree }), 'COLLECTED')
      await expectCode(store.putTree(below), 'COLLECTED')
      await expectCode(
        commitOf(store, (empty) => empty.setTree('g', below)),
        'COLLECTED',
      )
      await expectCode(store.branch('back').set(field.first), 'COLLECTED')
    }))

  test('trees that were changed in memory stand on what is there, and are refused on what is gone', () =>
    withField(async (field) => {
      const { temp } = field
      const good = await field.third.tree().set('x', 'new text')
      const bad = await field.first.tree().set('doomed/x', 'new text')
      await temp.store.gc.run(field.third, { grace: 0 })
      await temp.reopen()
      const { store } = temp
      const made = await store.commit({ tree: good })
      const kept: Appended['wanted'] = { kept: 'kept text', later: 'later text', x: 'new text' }
      expect(await readTree(made.tree())).toEqual(
        new Map(Object.entries(kept).map(([path, content]) => [path, describeContent(content)])),
      )
      await expectCode(store.commit({ tree: bad }), 'COLLECTED')
    }))
})

async function withTwo(body: (ours: TempStore, theirs: TempStore) => Promise<void>): Promise<void> {
  await withStore({}, (ours) => withStore({}, (theirs) => body(ours, theirs)))
}

async function withField(body: (field: Field) => Promise<void>): Promise<void> {
  const stepper = new Stepper()
  await withStore({ wrap: stepper.wrap }, async (temp) => {
    const field = new Field(temp, stepper)
    await field.lay()
    expect(await field.first.tree().count('doomed')).toBe(Object.keys(doomed).length)
    await body(field)
  })
}

/** A commit on `main` whose records have the same sizes whatever the word, if it has four letters. */
function layOut(store: Store, word: string): Promise<Commit> {
  expect(word).toHaveLength(4)
  return store.branch('main').commit((edit) => void edit.set('d/a', word).set('d/b', word), { date: 0 })
}

async function commitOf(store: Store, make: (empty: Tree) => Promise<Tree>): Promise<Commit> {
  return store.commit({ tree: await make(store.emptyTree()), date: 0 })
}
