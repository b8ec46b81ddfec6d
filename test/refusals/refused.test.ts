/** Collections that do not begin: each for its own reason, told by its own code, and without a trace. */
import type { FileSystem } from '@varve/pack/fs'
import { InterceptedFileSystem } from '@varve/pack/testing'
import type { Commit, GcOptions, Hash, VarveError } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { checkpoint, open, segment } from '../support/file-letters.ts'
import { expectCode } from '../support/scenario.ts'
import { collectionSteps, Stepper } from '../support/stepper.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

const unknown = 'cd'.repeat(32) as Hash<'commit'>

function commitTo(temp: TempStore, text: string): Promise<Commit> {
  return temp.store.branch('main').commit((edit) => void edit.set('text', text))
}

/** Asserts that every way in is refused with this code, and that the folder is as it was. */
async function expectRefused(
  temp: TempStore,
  code: VarveError['code'],
  o: { readonly target?: Hash<'commit'> | undefined; readonly options?: GcOptions } = {},
): Promise<void> {
  const { store } = temp
  const before = await temp.disk.list(temp.folder)
  await expectCode(store.startGc(o.target, o.options), code)
  await expectCode(store.gc.run(o.target, o.options), code)
  expect(await temp.disk.list(temp.folder)).toEqual(before)
  expect(store.gc.status).toEqual({ state: 'idle' })
  expect(store.gc.isFinished()).toBe(true)
}

/** The disk with as many free bytes as the test says. */
function withFree(free: () => number): (inner: FileSystem) => FileSystem {
  return (inner) => {
    const copy = new InterceptedFileSystem(inner, { before: () => undefined })
    return Object.assign(copy, { freeBytes: async () => free() })
  }
}

describe('a collection is refused', () => {
  test('of a closed store: STORE_CLOSED', () =>
    withStore({}, async (temp) => {
      const { store } = temp
      await commitTo(temp, 'one')
      await temp.close()
      const before = await temp.disk.list(temp.folder)
      await expectCode(store.startGc(), 'STORE_CLOSED')
      await expectCode(store.gc.run(), 'STORE_CLOSED')
      await expectCode(store.finaliseGc(), 'STORE_CLOSED')
      await expectCode(store.gc.wait(), 'STORE_CLOSED')
      expect(await store.gc.isAllowed()).toMatchObject({ code: 'STORE_CLOSED' })
      expect(await store.gc.cancel()).toBe(false)
      expect(await temp.disk.list(temp.folder)).toEqual(before)
    }))

  test('for a commit that is not there: UNKNOWN_COMMIT', () =>
    withStore({}, async (temp) => {
      const first = await commitTo(temp, 'one')
      await expectRefused(temp, 'UNKNOWN_COMMIT', { target: unknown })
      await expectRefused(temp, 'UNKNOWN_COMMIT', { target: first.hash, options: { keep: [unknown] } })
      expect(await temp.store.gc.isAllowed(unknown)).toMatchObject({ code: 'UNKNOWN_COMMIT' })
      await temp.files.expect(open('A'))
    }))

  test('for a target older than the last: TARGET_TOO_OLD; the same one may be collected again', () =>
    withStore({}, async (temp) => {
      const { store, files } = temp
      await files.expect(open('A'))
      const first = await commitTo(temp, 'one')
      const second = await commitTo(temp, 'two')
      await store.branch('old').set(first)
      expect(store.gc.latestTarget()).toBeUndefined()
      await store.gc.run(second, { grace: 0 })
      await files.expect(segment('A'), checkpoint('A'), open('B'))
      expect(store.gc.latestTarget()).toBe(second.hash)
      await expectRefused(temp, 'TARGET_TOO_OLD', { target: first.hash })
      expect(await store.gc.isAllowed(first)).toMatchObject({
        code: 'TARGET_TOO_OLD',
        details: { latest: second.hash },
      })
      expect(await store.gc.isAllowed(second)).toBe(true)
      expect(await store.gc.run(second, { grace: 0 })).toMatchObject({ target: second.hash })
      await store.gc.run(undefined, { grace: 0 })
      expect(store.gc.latestTarget()).toBe(second.hash)
      await temp.reopen()
      expect(temp.store.gc.latestTarget()).toBe(second.hash)
      await expectRefused(temp, 'TARGET_TOO_OLD', { target: first.hash })
    }))

  test('without space: NO_SPACE says how much it takes', () => {
    let free = 0
    return withStore({ wrap: withFree(() => free) }, async (temp) => {
      const { store } = temp
      const head = await commitTo(temp, 'x'.repeat(10_000))
      await expectRefused(temp, 'NO_SPACE', { target: head.hash })
      const refused = await store.gc.isAllowed(head)
      expect(refused).toMatchObject({ code: 'NO_SPACE', details: { free: 0 } })
      const { needed } = (refused as VarveError<'NO_SPACE'>).details
      expect(needed).toBeGreaterThan(0)
      free = needed - 1
      await expectRefused(temp, 'NO_SPACE', { target: head.hash })
      free = needed
      expect(await store.gc.isAllowed(head)).toBe(true)
      expect(await store.gc.run(head)).toMatchObject({ target: head.hash })
    })
  })

  test.each(['soon', '10 parsecs', -1, Number.NaN])('for a grace of %s: OPTION_MISMATCH', (grace) =>
    withStore({}, async (temp) => {
      await commitTo(temp, 'one')
      const options = { grace: grace as NonNullable<GcOptions['grace']> }
      await expectRefused(temp, 'OPTION_MISMATCH', { options })
    }),
  )

  test('by a signal that was aborted before: ABORTED with its reason', () =>
    withStore({}, async (temp) => {
      await commitTo(temp, 'one')
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await expectRefused(temp, 'ABORTED', { options: { signal } })
      const failure = await temp.store.gc.run(undefined, { signal }).catch((e: unknown) => e)
      expect(failure).toMatchObject({ name: 'AbortError', cause: reason })
    }))
})

describe('while one is running', () => {
  test('startGc is false; run joins where it would do no more, and is GC_RUNNING else', () => {
    const stepper = new Stepper()
    return withStore({ wrap: stepper.wrap }, async (temp) => {
      const { store } = temp
      const first = await commitTo(temp, 'one')
      const second = await commitTo(temp, 'two')
      const hold = stepper.hold(collectionSteps.segment)
      expect(await store.startGc(second, { grace: 0 })).toBe(true)
      await hold.reached()
      const before = await temp.disk.list(temp.folder)
      expect(await store.startGc(second)).toBe(false)
      expect(await store.startGc(first)).toBe(false)
      expect(await store.startGc()).toBe(false)
      await expectCode(store.gc.run(first), 'GC_RUNNING')
      await expectCode(store.gc.run(), 'GC_RUNNING')
      expect(await store.gc.isAllowed(second)).toMatchObject({ code: 'GC_RUNNING' })
      expect(await temp.disk.list(temp.folder)).toEqual(before)
      for (const more of [{ keep: [first] }, { grace: '1m' }, { unlink: false }] as const)
        await expectCode(store.gc.run(second, more), 'GC_RUNNING')
      const leaving = new AbortController()
      const joined = [store.gc.run(second), store.gc.run(second.hash, { keep: [second], grace: 0 })]
      const left = store.gc.run(second, { signal: leaving.signal })
      left.catch(() => undefined)
      leaving.abort()
      await expectCode(left, 'ABORTED')
      expect(store.gc.status.state, 'who joins and leaves does not cancel').toBe('running')
      hold.release()
      const [one, two] = await Promise.all(joined)
      expect(one).toMatchObject({ target: second.hash })
      expect(two).toEqual(one)
      expect(await store.getCommit(first.hash)).toBeUndefined()
    })
  })

  test('two that start in the same moment: one of them does', () =>
    withStore({}, async (temp) => {
      const head = await commitTo(temp, 'one')
      const started = await Promise.all([temp.store.startGc(head), temp.store.startGc(head)])
      expect(started).toEqual([true, false])
      expect(await temp.store.finaliseGc()).toMatchObject({ state: 'finalised' })
    }))
})
