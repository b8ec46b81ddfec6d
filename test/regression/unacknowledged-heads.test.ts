/** Heads that the write queue knows and nobody else yet. */
import { expect, test } from 'vitest'
import { Stepper, settled } from '../support/stepper.ts'
import { withStore } from '../support/temp-store.ts'

test('a commit that changes nothing gives its head when that is as durable as asked', async () => {
  const stepper = new Stepper()
  await withStore({ wrap: stepper.wrap }, async ({ store }) => {
    const main = store.branch('main')
    const first = await main.commit((edit) => void edit.set('a', 'b'))
    const second = await store.commit({ tree: first.tree(), parents: [first], message: 'second' })
    const hold = stepper.hold((o) => o.kind === 'datasync')
    const moving = main.set(second)
    await hold.reached()
    let given: string | undefined
    const committing = main
      .commit(() => undefined)
      .then((commit) => {
        given = commit.hash
      })
    await settled()
    expect((await main.head())?.hash).toBe(first.hash)
    expect(given).toBeUndefined()
    hold.release()
    await Promise.all([moving, committing])
    expect(given).toBe(second.hash)
    expect((await main.head())?.hash).toBe(second.hash)
  })
})
