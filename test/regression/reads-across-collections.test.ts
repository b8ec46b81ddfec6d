/** Reads that began before a collection dropped what they read. */
import { systemClock } from '@varve/pack/base'
import { MemoryFileSystem } from '@varve/pack/testing'
import type { Store } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { expect, test } from 'vitest'
import { seededBytes } from '../support/seeded-bytes.ts'

const content = seededBytes(5, 3_000_000)

test.each([
  ['getBlob', (store: Store, hash: never) => store.getBlob(hash)],
  ['bytes of an open blob', async (store: Store, hash: never) => (await store.openBlob(hash))?.bytes()],
  ['get of a path', (store: Store) => store.branch('main').get('big')],
  ['getMany', async (store: Store) => (await store.branch('main').getMany(['a', 'big']))[1]],
])('%s reads on to the end', async (_, read) => {
  const disk = new MemoryFileSystem()
  const turns = new HeldTurns()
  const clock = { ...systemClock, turn: () => turns.turn() }
  const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline', clock } as const
  const store = await openStore('/store', {}, platform)
  const main = store.branch('main')
  const hash = await store.putBlob(content)
  await main.commit((edit) => void edit.setBlob('big', hash).set('a', 'b'))
  turns.isHeld = true
  const reading = read(store, hash as never)
  await turns.reached()
  turns.isHeld = false
  const last = await main.commit((edit) => void edit.delete('big'))
  await store.gc.run(last, { grace: 0 })
  expect(await store.hasBlobs([hash])).toEqual([false])
  expect(store.stats().openReaders).toBe(1)
  turns.release()
  expect(Buffer.compare((await reading) ?? Buffer.alloc(0), content)).toBe(0)
  expect(store.stats().openReaders).toBe(0)
  await store.close()
  expect(disk.openHandles()).toEqual([])
})

/** Turns of the event loop that come when a test lets them. */
class HeldTurns {
  isHeld = false
  readonly #waiting: (() => void)[] = []

  turn(): Promise<void> {
    if (!this.isHeld) return systemClock.turn()
    return new Promise((resolve) => void this.#waiting.push(resolve))
  }

  async reached(): Promise<void> {
    for (let left = 1_000; this.#waiting.length === 0 && left > 0; left--) await systemClock.turn()
    expect(this.#waiting.length).toBeGreaterThan(0)
  }

  release(): void {
    for (const go of this.#waiting.splice(0)) go()
  }
}
