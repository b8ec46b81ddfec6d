/** The lower layer goes away at every step of an archive, in each way that it can, and comes back. */
import { describe, expect, test } from 'vitest'
import { everyStep, expectLowerFailure, openThrough, stepsMax, ways } from '../support/layer-goes-away.ts'
import { expectAll, expectExactFiles, layeredLife, lifeKinds } from '../support/layered-life.ts'
import { lowerFolder, MovableLayer } from '../support/movable-layer.ts'

/** Each way in one of the two: all of them in both are for the long tests. */
describe.each(lifeKinds)('an archive (%s)', (kind) => {
  test.each(ways)('whose layer is %s at any step is made again when it is back', (way) =>
    everyStep(kind, way, ways.indexOf(way) % 2 === lifeKinds.indexOf(kind) % 2),
  )
})

test('an archive that fails again and again leaves no more than the manifest of one names', async () => {
  const life = await layeredLife('lifted')
  const layer = new MovableLayer(life.disk)
  const store = await openThrough(layer)
  const failures = async (): Promise<void> => {
    for (let step = 0; step < stepsMax; step += 7) {
      layer.changeAt(step, 'renamed')
      await store.gc.run(life.target, { grace: 0 }).catch(expectLowerFailure)
      if (!layer.isChanged) return
      layer.place = 'there'
    }
  }
  await failures()
  const next = await store.branch('main').commit((edit) => void edit.set('dir/next', 'next'))
  await store.gc.run(next, { grace: 0 })
  await expectAll(store, life)
  expect((await store.check({ full: true })).findings).toEqual([])
  await store.close()
  await expectExactFiles(layer.disk, lowerFolder, 'of archives')
})
