/**
 * Streams that go on for longer than a collection, or two. Their chunks are pinned until the blob's own
 * record holds them, whether they were new or there before; nothing else holds them, and `grace` is 0.
 */
import type { Hash, Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { CollectionCourse, type CourseStep, courseSteps } from '../support/collection-course.ts'
import { PausedSource } from '../support/paused-source.ts'
import { readRefs, sha256 } from '../support/read-whole.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { Stepper, settled } from '../support/stepper.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

/** Large enough for several chunks in each third. */
const content = seededBytes(11, 1_800_000)
const thirds = [
  content.subarray(0, 600_000),
  content.subarray(600_000, 1_200_000),
  content.subarray(1_200_000),
]
/** Shares its first two thirds with `content`, and the chunks of these. */
const before = Buffer.concat([thirds[0] as Uint8Array, thirds[1] as Uint8Array, seededBytes(12, 500_000)])

/** Where in the course of the collection each third comes: every way in order. */
const ways = courseSteps
  .slice(0, -1)
  .flatMap((first, index, steps) => steps.slice(index).map((last): [CourseStep, CourseStep] => [first, last]))

describe('an upload while a collection runs', () => {
  test.each(ways)('its middle comes at %s, its end at %s', (middle, end) =>
    withCourse(async ({ temp, course }) => {
      const { store } = temp
      const source = new PausedSource()
      const put = store.putBlob(source, { size: content.length })
      source.give(thirds[0] as Uint8Array)
      await settled()
      await course.goTo(middle)
      source.give(thirds[1] as Uint8Array)
      await settled()
      await course.goTo(end)
      source.give(thirds[2] as Uint8Array)
      source.end()
      await settled()
      await course.goTo('after')
      const hash = await put
      expect(hash).toBe(sha256(content))
      await expectBlob(store, hash, content)
      await store.branch('result').commit((edit) => void edit.setBlob('x', hash))
      await temp.reopen()
      await expectBlob(temp.store, hash, content)
    }),
  )

  test.each(courseSteps)('chunks that were there before, of a blob that goes: ends at %s', (end) =>
    withCourse(async ({ temp, course }) => {
      const { store } = temp
      // In the first commit only, which the collection drops.
      const old = sha256(before) as Hash<'blob'>
      const source = new PausedSource()
      const put = store.putBlob(source)
      source.give(thirds[0] as Uint8Array)
      source.give(thirds[1] as Uint8Array)
      await settled()
      await course.goTo('after')
      expect(await store.getBlob(old)).toBeUndefined()
      await course.goTo(end === 'again' ? 'again' : 'after')
      source.give(thirds[2] as Uint8Array)
      source.end()
      const hash = await put
      await expectBlob(store, hash, content)
      await store.branch('result').commit((edit) => void edit.setBlob('x', hash))
      await store.gc.run(undefined, { grace: 0 })
      await temp.reopen()
      await expectBlob(temp.store, hash, content)
    }),
  )

  test('a third of it before, between, and after two collections', () =>
    withCourse(async ({ temp, course }) => {
      const { store } = temp
      const source = new PausedSource()
      const put = store.putBlob(source)
      for (const [index, third] of thirds.entries()) {
        source.give(third)
        await settled()
        if (index === 0) await course.goTo('after')
        if (index === 1) {
          const head = await store.branch('main').commit((edit) => void edit.set('pad', 'pad text'))
          await store.gc.run(head, { grace: 0 })
        }
      }
      source.end()
      const hash = await put
      await expectBlob(store, hash, content)
      await temp.reopen()
      await expectBlob(temp.store, hash, content)
    }))

  test('one so large that its chunks need several lists, across three collections', () =>
    withCourse(async ({ temp, course }) => {
      const { store } = temp
      const parts = [31, 32, 33, 34].map((seed) => seededBytes(seed, 11 * 2 ** 20))
      const source = new PausedSource()
      const put = store.putBlob(source)
      for (const [index, part] of parts.entries()) {
        source.give(part)
        await settled()
        if (index === 0) await course.goTo('after')
        else await store.gc.run(undefined, { grace: 0 })
      }
      source.end()
      const hash = await put
      await expectBlob(store, hash, Buffer.concat(parts))
      await store.branch('result').commit((edit) => void edit.setBlob('x', hash))
      await store.gc.run(undefined, { grace: 0 })
      await temp.reopen()
      await expectBlob(temp.store, hash, Buffer.concat(parts))
    }))

  test('one that fails halfway lets go of its chunks', () =>
    withCourse(async ({ temp }) => {
      const { store } = temp
      await store.gc.run(undefined, { grace: 0 })
      const held = store.stats().objects
      const source = new PausedSource()
      const put = store.putBlob(source)
      put.catch(() => undefined)
      source.give(content)
      await settled()
      await store.gc.run(undefined, { grace: 0 })
      expect(store.stats().objects.blob, 'the chunks are pinned').toBeGreaterThan(held.blob)
      const failure = new Error('the sender is gone')
      source.fail(failure)
      await expect(put).rejects.toBe(failure)
      await store.gc.run(undefined, { grace: 0 })
      expect(store.stats().objects).toEqual(held)
    }))

  test('one that is aborted halfway lets go of its chunks, and says ABORTED', () =>
    withCourse(async ({ temp }) => {
      const { store } = temp
      await store.gc.run(undefined, { grace: 0 })
      const held = store.stats().objects
      const source = new PausedSource()
      const abort = new AbortController()
      const put = store.putBlob(source, { signal: abort.signal })
      put.catch(() => undefined)
      source.give(content.subarray(0, 1_000_000))
      await settled()
      abort.abort()
      source.give(content.subarray(1_000_000))
      await expect(put).rejects.toMatchObject({ code: 'ABORTED', name: 'AbortError' })
      await store.gc.run(undefined, { grace: 0 })
      expect(store.stats().objects).toEqual(held)
    }))
})

interface Players {
  readonly temp: TempStore
  readonly course: CollectionCourse
}

async function withCourse(body: (players: Players) => Promise<void>): Promise<void> {
  const stepper = new Stepper()
  await withStore({ wrap: stepper.wrap }, async (temp) => {
    const main = temp.store.branch('main')
    await main.commit((edit) => void edit.set('old', before))
    await main.commit((edit) => void edit.delete('old').set('new', 'new text'))
    const course = new CollectionCourse({
      stepper,
      store: () => temp.store,
      target: () => temp.store.branch('main').headSync(),
    })
    try {
      await body({ temp, course })
    } finally {
      stepper.releaseAll()
    }
    expect(Object.keys(await readRefs(temp.store))).toContain('heads/main')
  })
}

async function expectBlob(store: Store, hash: Hash<'blob'>, wanted: Uint8Array): Promise<void> {
  const found = await store.getBlob(hash)
  expect(found?.length).toBe(wanted.length)
  expect(sha256(found as Uint8Array)).toBe(sha256(wanted))
}
