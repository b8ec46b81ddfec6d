/**
 * Refs that are moved, made, and deleted while a collection runs. What they name at its start, and all that
 * they are set to until the switch, is kept; so a branch never dangles, wherever it is moved and however
 * often.
 */
import type { Commit, Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { CollectionCourse, type CourseStep } from '../support/collection-course.ts'
import { readCommit } from '../support/read-whole.ts'
import { Stepper, settled } from '../support/stepper.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

const whileOpen: readonly CourseStep[] = ['start', 'sweeping', 'swept']
const whileHeld: readonly CourseStep[] = ['held', 'control', 'folder']
const later: readonly CourseStep[] = ['unlinking', 'after']

describe('refs move while a collection runs', () => {
  test.each(whileOpen)('a branch moved backwards, beyond the target, at %s', (step) =>
    withHistory(async ({ temp, course, commits }) => {
      const { store } = temp
      const main = store.branch('main')
      await course.goTo(step)
      await main.set(commits[1] as Commit)
      await course.goTo('after')
      expect((await main.head())?.hash).toBe(commits[1]?.hash)
      await expectHeld(store, commits, [1, 3, 4])
      // The history of what was moved to went with the collection: its line ends there.
      expect((await store.log(commits[1] as Commit).toArray()).map(({ hash }) => hash)).toEqual([
        commits[1]?.hash,
      ])
      const made = await main.commit((edit) => void edit.set('x', 'x'))
      expect(made.parents).toEqual([commits[1]?.hash])
      await temp.reopen()
      await expectHeld(temp.store, commits, [1, 3, 4])
    }),
  )

  test.each([...whileHeld, ...later])('a branch moved backwards, beyond the target, at %s: refused', (step) =>
    withHistory(async ({ temp, course, commits }) => {
      const main = temp.store.branch('main')
      await course.goTo(step)
      const moved = main.set(commits[1] as Commit).then(
        () => 'moved',
        (error: { code: string }) => error.code,
      )
      await settled()
      await course.goTo('after')
      expect(await moved).toBe('COLLECTED')
      expect((await main.head())?.hash).toBe(commits[4]?.hash)
      await expectHeld(temp.store, commits, [3, 4])
    }),
  )

  test.each(whileOpen)(
    'a branch moved back and forth, its head from the start among the old ones, at %s',
    (step) =>
      withHistory(async ({ temp, course, commits }) => {
        const { store } = temp
        const other = store.branch('other')
        await other.set(commits[0] as Commit)
        await course.goTo(step)
        await other.set(commits[1] as Commit)
        await other.set(commits[2] as Commit)
        await course.goTo('after')
        expect((await other.head())?.hash).toBe(commits[2]?.hash)
        await expectHeld(store, commits, [2, 3, 4], [0, 1])
        await store.gc.run(await store.branch('main').head(), { grace: 0 })
        await expectHeld(store, commits, [2, 4])
        await temp.reopen()
        await expectHeld(temp.store, commits, [2, 4])
      }),
  )

  test.each(whileOpen)('a tag on an old commit, and an annotated one, at %s', (step) =>
    withHistory(async ({ temp, course, commits }) => {
      const { store } = temp
      await course.goTo(step)
      await store.tag('v0').create(commits[0] as Commit)
      await store.tag('v1').create(commits[1] as Commit, { message: 'first', author: 'somebody', date: 5 })
      await course.goTo('after')
      await expectHeld(store, commits, [0, 1, 3, 4])
      await temp.reopen()
      await temp.store.gc.run(await temp.store.branch('main').head(), { grace: 0 })
      await expectHeld(temp.store, commits, [0, 1, 4])
      expect(await temp.store.tag('v1').delete()).toBe(true)
      await temp.store.gc.run(await temp.store.branch('main').head(), { grace: 0 })
      await expectHeld(temp.store, commits, [0, 4])
    }),
  )

  test.each(whileOpen)(
    'a branch deleted at %s: its head stays for this collection and goes with the next',
    (step) =>
      withHistory(async ({ temp, course, commits }) => {
        const { store } = temp
        const old = store.branch('old')
        await old.set(commits[0] as Commit)
        await course.goTo(step)
        expect(await old.delete()).toBe(true)
        await course.goTo('after')
        expect(await old.head()).toBeUndefined()
        await expectHeld(store, commits, [3, 4], [0])
        await store.gc.run(await store.branch('main').head(), { grace: 0 })
        await expectHeld(store, commits, [4])
      }),
  )

  test.each(whileHeld)('moves that wait for the switch at %s come in order after it', (step) =>
    withHistory(async ({ temp, course, commits }) => {
      const { store } = temp
      const main = store.branch('main')
      await course.goTo(step)
      const moves = [
        main.compareAndSet(commits[4], commits[3]),
        main.compareAndSet(commits[4], commits[3]),
        main.compareAndSet(commits[3], commits[4]),
        main.delete(),
        main.compareAndSet(undefined, commits[3]),
      ]
      await settled()
      await course.goTo('after')
      expect(await Promise.all(moves)).toEqual([true, false, true, true, true])
      expect((await main.head())?.hash).toBe(commits[3]?.hash)
    }),
  )

  test.each([...whileOpen, ...whileHeld])('commits in a row, begun at %s, one after the other', (step) =>
    withHistory(async ({ temp, course, commits }) => {
      const main = temp.store.branch('main')
      await course.goTo(step)
      const made = Array.from({ length: 20 }, (_, index) =>
        main.commit((edit) => void edit.set(`n/${index}`, `number ${index}`)),
      )
      await settled()
      await course.goTo('after')
      const line = [commits[4] as Commit, ...(await Promise.all(made))]
      for (const [index, commit] of line.entries()) {
        if (index > 0) expect(commit.parents).toEqual([line[index - 1]?.hash])
      }
      expect(await main.count('n')).toBe(20)
      expect((await main.head())?.hash).toBe(line.at(-1)?.hash)
    }),
  )

  test('a commit made on a branch that moves backwards meanwhile is made again on what it was moved to', () =>
    withHistory(async ({ temp, course, commits }) => {
      const main = temp.store.branch('main')
      const gate = new EventTarget()
      const opened = new Promise<void>((resolve) =>
        gate.addEventListener('open', () => resolve(), { once: true }),
      )
      let runs = 0
      await course.goTo('sweeping')
      const made = main.commit(async (edit) => {
        runs++
        await opened
        edit.set('x', 'x')
      })
      await settled()
      await main.set(commits[1] as Commit)
      gate.dispatchEvent(new Event('open'))
      await course.goTo('after')
      expect((await made).parents).toEqual([commits[1]?.hash])
      expect(runs).toBe(2)
      expect([...((await readCommit(temp.store, (await made).hash)) ?? []).keys()]).toEqual(['f0', 'f1', 'x'])
    }))
})

interface Players {
  readonly temp: TempStore
  readonly course: CollectionCourse
  /** Five on `main`, each with one file more; the collection's target is the fourth. */
  readonly commits: readonly Commit[]
}

async function withHistory(body: (players: Players) => Promise<void>): Promise<void> {
  const stepper = new Stepper()
  await withStore({ wrap: stepper.wrap }, async (temp) => {
    const commits: Commit[] = []
    for (let index = 0; index < 5; index++) {
      const text = `only in ${index} and later`
      commits.push(await temp.store.branch('main').commit((edit) => void edit.set(`f${index}`, text)))
    }
    const course = new CollectionCourse({ stepper, store: () => temp.store, target: () => commits[3] })
    try {
      await body({ temp, course, commits })
    } finally {
      stepper.releaseAll()
    }
  })
}

/** Asserts which commits are there, whole; `either` may be or not. */
async function expectHeld(
  store: Store,
  commits: readonly Commit[],
  held: readonly number[],
  either: readonly number[] = [],
): Promise<void> {
  for (const [index, commit] of commits.entries()) {
    const tree = await readCommit(store, commit.hash)
    if (either.includes(index) && tree === undefined) continue
    if (!held.includes(index) && !either.includes(index)) {
      expect(tree, `commit ${index} is gone`).toBeUndefined()
      continue
    }
    expect([...(tree ?? []).keys()]).toEqual(Array.from({ length: index + 1 }, (_, n) => `f${n}`))
  }
}
