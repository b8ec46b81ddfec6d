/** A store that is closed while an index is being built for a chunk that a collection has retired. */
import { systemClock } from '@varve/pack/base'
import { expect, test } from 'vitest'
import { TempStore } from '../support/temp-store.ts'

test.each([0, 20, 500])('leaves nothing behind, closed %i turns after the collection', async (turns) => {
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
    for (let turn = 0; turn < turns; turn++) await systemClock.turn()
    await temp.close()
    await temp.checkLeftovers()
    await temp.open()
    expect((await temp.store.branch('main').head())?.hash).toBe(last.hash)
  } finally {
    await temp.remove()
  }
})
