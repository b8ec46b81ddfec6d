/**
 * Commits that a collection drops and that come again, while it runs and after it; and reading through
 * handles, cursors, and streams from before.
 */
import type { Commit, Tree } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { CollectionCourse, type CourseStep, courseSteps } from '../support/collection-course.ts'
import { checkpoint, open, segment } from '../support/file-letters.ts'
import { doomed, Field } from '../support/race.ts'
import { readTree, sha256 } from '../support/read-whole.ts'
import { expectCode } from '../support/scenario.ts'
import { Stepper, settled } from '../support/stepper.ts'
import { withStore } from '../support/temp-store.ts'

const all: readonly CourseStep[] = courseSteps.slice(0, -1)
const streamSteps = all.filter((step) => step !== 'start' && step !== 'unlinking')

describe('commits that are dropped and come again', () => {
  test.each(all)('the same commit, from its content, at %s', (step) =>
    withField(async (field, course) => {
      const { store } = field
      await course.goTo(step)
      const remade = remake(field)
      remade.catch(() => undefined)
      await settled()
      await course.goTo('after')
      const commit = await remade
      expect(commit.hash).toBe(field.first.hash)
      const wanted = await readTree(commit.tree())
      expect([...wanted.keys()]).toEqual(['doomed', 'doomed/big', 'doomed/other', 'doomed/text', 'kept'])
      // The handle of the one that went leads to the one that has come.
      expect(await readTree(field.first.tree())).toEqual(wanted)
      await store.branch('back').set(field.first)
      await store.gc.run(undefined, { grace: 0 })
      await field.temp.reopen()
      expect(await readTree(((await field.store.branch('back').head()) as Commit).tree())).toEqual(wanted)
    }),
  )

  test.each(all)('the same commit on top of a doomed base, at %s', (step) =>
    withField(async (field, course) => {
      await course.goTo(step)
      const made = field.store
        .commit({ tree: field.second.tree(), parents: [field.first], message: 'x' })
        .then(
          (commit) => commit,
          (error: { code: string }) => error.code,
        )
      await settled()
      await course.goTo('after')
      const outcome = await made
      if (typeof outcome === 'string') {
        expect(outcome).toBe('COLLECTED')
        expect(all.indexOf(step)).toBeGreaterThan(all.indexOf('swept'))
        return
      }
      expect(all.indexOf(step)).toBeLessThan(all.indexOf('held'))
      expect(await readTree(outcome.tree())).toEqual(new Map([['kept', (await keptEntry(field)) as string]]))
      // Its parent went: parents are named by hash only.
      expect(await field.store.getCommit(field.first.hash)).toBeUndefined()
      expect((await field.store.log(outcome).toArray()).map(({ hash }) => hash)).toEqual([outcome.hash])
    }),
  )
})

describe('reading on', () => {
  test.each(streamSteps)(
    'a stream of a blob that goes, begun before and read on at %s, gives all of it',
    (step) =>
      withField(
        async (field, course) => {
          const { files } = field.temp
          await files.names()
          const blob = await field.store.openBlob(field.bigHash)
          const reader = blob?.stream().getReader()
          const pieces: Uint8Array[] = []
          const first = await reader?.read()
          if (first?.done === false) pieces.push(first.value)
          await course.goTo(step)
          expect(await files.names()).toContain('suffix-A.pack')
          for (let next = await reader?.read(); next?.done === false; next = await reader?.read())
            pieces.push(next.value)
          expect(sha256(Buffer.concat(pieces))).toBe(sha256(doomed.big))
          await course.goTo('after')
          expect(await field.store.openBlob(field.bigHash)).toBeUndefined()
          // Whoever reads a file keeps it, and no longer than that.
          await files.expect(segment('A'), checkpoint('A'), open('B'))
        },
        ['unlinking'],
      ),
  )

  test.each(all.slice(1))('a cursor over a tree that goes, read on at %s: all of it, or COLLECTED', (step) =>
    withField(async (field, course) => {
      const cursor = field.first.tree().entries('', { recursive: true })
      const names = [(await cursor.next()).value?.name]
      await course.goTo(step)
      try {
        for await (const entry of cursor) names.push(entry.name)
        expect(names).toEqual(['doomed', 'big', 'other', 'text', 'kept'])
      } catch (error) {
        expect(error).toMatchObject({ code: 'COLLECTED' })
        expect(courseSteps.indexOf(step)).toBeGreaterThanOrEqual(courseSteps.indexOf('folder'))
      }
    }),
  )

  test('a handle of what is gone never answers "absent"', () =>
    withField(async (field, course) => {
      const tree = field.first.tree()
      const below = (await tree.getTree('doomed')) as Tree
      const edit = tree.edit().set('x', 'x')
      await course.goTo('after')
      const asks: readonly (() => Promise<unknown>)[] = [
        () => tree.get('doomed/text'),
        () => tree.get('no such path'),
        () => tree.has('kept'),
        () => tree.stat('kept'),
        () => tree.getTree('doomed'),
        () => tree.getMany(['kept', 'other']),
        () => tree.entries().toArray(),
        () => tree.values().toArray(),
        () => tree.count(),
        () => tree.set('y', 'y').then((changed) => changed.hash()),
        () => tree.delete('kept').then((changed) => changed.hash()),
        () => tree.diff(field.third).toArray(),
        () => below.get('text'),
        () => below.count(),
        () => edit.get('kept'),
        () => edit.tree().then((changed) => changed.hash()),
        async () => field.store.diff(field.first, field.third).toArray(),
      ]
      for (const [index, ask] of asks.entries()) {
        const answered = (answer: unknown): never => {
          throw new Error(`question ${index} was answered: ${String(answer)}`)
        }
        await expectCode(ask().then(answered), 'COLLECTED')
      }
      // Its own hash is known without reading.
      expect(await tree.hash()).toBe(field.first.treeHash)
    }))
})

async function withField(
  body: (field: Field, course: CollectionCourse) => Promise<void>,
  without: readonly CourseStep[] = [],
): Promise<void> {
  const stepper = new Stepper()
  await withStore({ wrap: stepper.wrap }, async (temp) => {
    const field = new Field(temp, stepper)
    await field.lay()
    const course = new CollectionCourse({
      stepper,
      store: () => temp.store,
      target: () => field.third,
      without,
    })
    try {
      await body(field, course)
    } finally {
      stepper.releaseAll()
    }
  })
}

/** The first commit of the field, from its content alone. */
async function remake(field: Field): Promise<Commit> {
  const edit = field.store.emptyTree().edit()
  edit.set('doomed/text', doomed.text).set('doomed/other', doomed.other).set('doomed/big', doomed.big)
  edit.set('kept', 'kept text')
  const { parents, message, author, date } = field.first
  return field.store.commit({ tree: await edit.tree(), parents, message, author, date })
}

async function keptEntry(field: Field): Promise<string | undefined> {
  return (await readTree(field.third.tree())).get('kept')
}
