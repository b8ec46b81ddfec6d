/**
 * A collection seals the log and replaces control before its start resolves. Closing waits for that: whatever
 * came to the folder later would strike the next writer.
 */
import type { Commit } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { collectionSteps, Stepper, settled } from '../support/stepper.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

/** Gives up what is starting, in several ways; resolves when the store is closed. */
const endings: [string, (temp: TempStore) => Promise<void>][] = [
  ['closed', (temp) => temp.close()],
  [
    'cancelled and closed',
    async (temp) => {
      expect(await temp.store.gc.cancel()).toBe(true)
      await temp.close()
    },
  ],
  [
    'closed while a cancel is under way',
    async (temp) => {
      const cancelled = temp.store.gc.cancel()
      await temp.close()
      expect(await cancelled).toBe(true)
    },
  ],
]

/** With an empty open chunk there is nothing to seal; control is replaced for the file numbers alone. */
const chunks: [string, (temp: TempStore) => Promise<Commit>][] = [
  ['an empty open chunk', (temp) => collectedHead(temp)],
  [
    'an open chunk',
    async (temp) => {
      await collectedHead(temp)
      return commitTo(temp, 'more')
    },
  ],
]

function commitTo(temp: TempStore, text: string): Promise<Commit> {
  return temp.store.branch('main').commit((edit) => void edit.set('text', text))
}

async function collectedHead(temp: TempStore): Promise<Commit> {
  const head = await commitTo(temp, 'one')
  await temp.store.gc.run(head, { grace: 0 })
  return head
}

async function controlOf({ disk, folder }: TempStore): Promise<Buffer> {
  const handle = await disk.open(`${folder}/control`, 'read')
  try {
    const bytes = Buffer.alloc(handle.sizeSync())
    handle.readSync(bytes, 0, bytes.length, 0)
    return bytes
  } finally {
    await handle.close()
  }
}

describe.each(chunks)('a collection that is starting over %s', (_, prepare) => {
  test.each(endings)('is %s: nothing comes to the folder afterwards', (_, end) => {
    const stepper = new Stepper()
    return withStore({ wrap: stepper.wrap }, async (temp) => {
      const head = await prepare(temp)
      const hold = stepper.hold(collectionSteps.controlDraft)
      const starting = temp.store.startGc(head, { grace: 0 }).catch((e: unknown) => e)
      await hold.reached()
      let isEnded = false
      const ended = end(temp).then(() => {
        isEnded = true
      })
      await settled()
      expect(isEnded, 'while control is being replaced').toBe(false)
      hold.release()
      await ended
      const control = await controlOf(temp)
      expect(await starting).toMatchObject({ code: 'ABORTED' })
      await temp.checkLeftovers()
      temp.checkHandles()
      await settled()
      expect(await controlOf(temp)).toEqual(control)
      await temp.open()
      expect((await temp.store.branch('main').head())?.hash).toBe(head.hash)
      expect(await temp.store.gc.run(head, { grace: 0 })).toMatchObject({ target: head.hash })
    })
  })

  test('is closed before it has come to the log: nothing is sealed', () => {
    const stepper = new Stepper()
    return withStore({ wrap: stepper.wrap }, async (temp) => {
      const head = await prepare(temp)
      const files = await temp.files.names()
      const starting = temp.store.startGc(head, { grace: 0 }).catch((e: unknown) => e)
      await temp.close()
      expect(await starting).toMatchObject({ code: 'ABORTED' })
      expect(await temp.files.names()).toEqual(files)
      await temp.open()
    })
  })
})
