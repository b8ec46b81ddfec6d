/**
 * The queue of a branch: signals that come at every moment, functions that do not return, and closing
 * meanwhile.
 */
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { Stepper, settled } from '../support/stepper.ts'
import { withStore } from '../support/temp-store.ts'

const never = new Promise<undefined>(() => undefined)

/** A function of a commit that tells whether it was called. */
class Probe {
  isCalled = false
  readonly call = (): undefined => {
    this.isCalled = true
    return undefined
  }
}

describe('the signal of a commit', () => {
  test('comes too late once the commit is in the log', async () => {
    const stepper = new Stepper()
    await withStore({ wrap: stepper.wrap }, async ({ store }) => {
      const controller = new AbortController()
      const hold = stepper.hold((o) => o.kind === 'datasync')
      const committing = store
        .branch('main')
        .commit((edit) => void edit.set('a', 'b'), { signal: controller.signal })
      await hold.reached()
      controller.abort()
      await settled()
      hold.release()
      const commit = await committing
      expect((await store.branch('main').head())?.hash).toBe(commit.hash)
    })
  })

  test('ends the wait for a function at once, and the branch goes on', () =>
    withStore({}, async ({ store }) => {
      const main = store.branch('main')
      const controller = new AbortController()
      const stuck = main.commit(() => never, { signal: controller.signal })
      const next = main.commit((edit) => void edit.set('a', 'b'))
      await settled()
      controller.abort(new RangeError('enough'))
      await expect(stuck).rejects.toMatchObject({ code: 'ABORTED', cause: new RangeError('enough') })
      expect((await next).parents).toEqual([])
    }))

  test('takes a commit that waits out of the queue', () =>
    withStore({}, async ({ store }) => {
      const main = store.branch('main')
      const first = new AbortController()
      const second = new AbortController()
      const stuck = main.commit(() => never, { signal: first.signal })
      const probe = new Probe()
      const waiting = main.commit(probe.call, { signal: second.signal })
      await settled()
      second.abort()
      await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
      first.abort()
      await expect(stuck).rejects.toMatchObject({ code: 'ABORTED' })
      expect(probe.isCalled).toBe(false)
      await expect(main.commit(() => never, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'ABORTED',
      })
    }))

  test('may be used for many: nothing stays with it', () =>
    withStore({}, async ({ store }) => {
      const { signal } = new AbortController()
      const commits = Array.from({ length: 9 }, (_, at) =>
        store.branch(`b${at % 3}`).commit((edit) => void edit.set(`${at}`, 'x'), { signal }),
      )
      await Promise.all(commits)
      expect(getEventListeners(signal, 'abort')).toEqual([])
    }))
})

describe('closing a store', () => {
  test('does not wait for functions, nor begin others', () =>
    withStore({}, async (temp) => {
      const main = temp.store.branch('main')
      const stuck = main.commit(() => never)
      const probe = new Probe()
      const waiting = main.commit(probe.call)
      const outcomes = Promise.allSettled([stuck, waiting])
      await settled()
      await temp.close()
      for (const outcome of await outcomes)
        expect(outcome).toMatchObject({ reason: { code: 'STORE_CLOSED' } })
      const later = main.commit(probe.call)
      await expect(later).rejects.toMatchObject({ code: 'STORE_CLOSED' })
      expect(probe.isCalled).toBe(false)
    }))

  test('may be asked for by the function of a commit', () =>
    withStore({}, async (temp) => {
      const main = temp.store.branch('main')
      let closing: Promise<void> | undefined
      const commit = main.commit(async (edit) => {
        closing = temp.close()
        await closing
        edit.set('a', 'b')
      })
      await expect(commit).rejects.toMatchObject({ code: 'STORE_CLOSED' })
      await closing
      await temp.open()
      expect(await temp.store.branch('main').head()).toBeUndefined()
    }))
})
