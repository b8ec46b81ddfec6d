/** Calls about a collection that come while it starts, while it catches up, and after it has ended. */
import { systemClock } from '@varve/pack/base'
import { type GcStats, VarveError } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { collectionSteps, Stepper, settled } from '../support/stepper.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

describe('a collection that is still starting', () => {
  test('is joined by a second run', () =>
    withStore({}, async (temp) => {
      const target = await layHistory(temp)
      const stats = await Promise.all([temp.store.gc.run(target), temp.store.gc.run(target)])
      expect(stats[1]).toEqual(stats[0])
    }))

  test('is finalised by a call that did not wait for the start', () =>
    withStore({}, async (temp) => {
      const target = await layHistory(temp)
      const starting = temp.store.startGc(target)
      const result = await temp.store.finaliseGc()
      expect(await starting).toBe(true)
      expect(result.state).toBe('finalised')
      expect(temp.store.gc.isFinished()).toBe(true)
    }))

  test('fails for all who joined it', () =>
    withStore({}, async (temp) => {
      await layHistory(temp)
      const store = temp.store
      const keep = await store.commit({ tree: store.emptyTree() })
      const runs = [store.gc.run(undefined, { keep: [keep] }), store.gc.run()]
      expect(await store.gc.cancel()).toBe(true)
      for (const run of await Promise.allSettled(runs)) {
        expect(run).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } })
      }
      expect(store.gc.isFinished()).toBe(true)
      expect((await store.gc.run()).objectsKept).toBeGreaterThan(0)
    }))
})

describe('a signal', () => {
  test('of an earlier collection does nothing to a later one', async () => {
    const stepper = new Stepper()
    await withStore({ wrap: stepper.wrap }, async (temp) => {
      const target = await layHistory(temp)
      const controller = new AbortController()
      await temp.store.gc.run(target, { signal: controller.signal })
      const hold = stepper.hold(collectionSteps.segment)
      const later = temp.store.gc.run(target)
      await hold.reached()
      controller.abort()
      await settled()
      hold.release()
      expect((await later).target).toBe(target.hash)
    })
  })

  test('that comes after the commit point stops nothing', async () => {
    const stepper = new Stepper()
    await withStore({ wrap: stepper.wrap }, async (temp) => {
      const target = await layHistory(temp)
      const controller = new AbortController()
      const sweeping = stepper.hold(collectionSteps.segment)
      const run = temp.store.gc.run(target, { signal: controller.signal })
      await sweeping.reached()
      const hold = stepper.hold(collectionSteps.control)
      sweeping.release()
      await hold.reached()
      controller.abort()
      await settled()
      hold.release()
      const stats: GcStats = await run
      expect(stats.target).toBe(target.hash)
      expect(temp.store.gc.latestTarget()).toBe(target.hash)
    })
  })

  test('ends a catch-up round at once', async () => {
    const stepper = new Stepper()
    await withStore({ wrap: stepper.wrap }, async (temp) => {
      const target = await layHistory(temp)
      const { store } = temp
      expect(await store.startGc(target, { grace: 0 })).toBe(true)
      while (store.gc.status.state === 'running') await systemClock.turn()
      // Holds something below the boundary that the sweep has not copied, so that a round makes a segment.
      await store.putBlob('text 0')
      const hold = stepper.hold(collectionSteps.segment)
      const finishing = store.finaliseGc()
      await hold.reached()
      let isCancelled = false
      const cancelling = store.gc.cancel().then((done) => {
        isCancelled = done
      })
      await store
        .branch('main')
        .commit((edit) => void edit.set('while', 'cancelling'))
        .catch((error) => {
          if (!VarveError.is(error)) throw error
        })
      hold.release()
      await cancelling
      expect(isCancelled).toBe(true)
      expect(await finishing).toEqual({ state: 'cancelled' })
    })
  })
})

async function layHistory(
  temp: TempStore,
): Promise<Awaited<ReturnType<ReturnType<TempStore['store']['branch']>['commit']>>> {
  const main = temp.store.branch('main')
  for (let at = 0; at < 3; at++) await main.commit((edit) => void edit.set('a', `text ${at}`))
  return main.commit((edit) => void edit.set('a', 'last'))
}
