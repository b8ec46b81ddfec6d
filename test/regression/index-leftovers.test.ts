/** A store that is closed while an index is being built for a chunk that a collection has retired. */
import { systemClock } from '@varve/pack/base'
import { expect, test } from 'vitest'
import { TempStore } from '../support/temp-store.ts'

test.each([0, 50, 100])('leaves nothing behind, closed %i ms after the collection', async (ms) => {
  const temp = await TempStore.create({ place: 'disk' })
  try {
    const main = temp.store.branch('main')
    await main.commit((edit) => {
      for (let at = 0; at < 10_000; at++) edit.set(`${at}`, `text ${at}`)
    })
    const last = await main.commit((edit) => {
      for (let at = 100; at < 10_000; at++) edit.delete(`${at}`)
    })
    await temp.store.gc.run(last, { grace: 0 })
    await systemClock.sleep(ms)
    await temp.close()
    await temp.checkLeftovers()
    await temp.open()
    expect((await temp.store.branch('main').head())?.hash).toBe(last.hash)
  } finally {
    await temp.remove()
  }
})
