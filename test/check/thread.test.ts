/** Checks whose thread dies, or never gets to the files. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FileSystem, NodeFileSystem } from '@varve/pack/fs'
import { type Store, VarveError } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder = ''
let store: Store
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-check-thread-'))
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

/** The disk, which the thread of a check builds by the program of failures. */
async function openFailing(how: string): Promise<Store> {
  const module = new URL('../dist/failing-origin.js', import.meta.url).href
  const disk = new NodeFileSystem()
  const options = { how, at: 'check' }
  const fileSystem: FileSystem = Object.defineProperty(disk, 'origin', { value: { module, options } })
  store = await openStore(folder, {}, { fileSystem })
  await store.branch('main').commit((edit) => void edit.set('a', 'a'))
  return store
}

test.each([
  ['exit', 'worker'],
  ['memory', 'memory'],
  ['throw', 'other'],
  ['disk', 'disk'],
  ['nothing', 'other'],
])('a thread to which %s happens is told with the reason, and the store goes on', async (how, reason) => {
  const failing = await openFailing(how)
  const outcome = await failing.check().catch((error: unknown) => error)
  expect(VarveError.is(outcome, 'GC_FAILED') && outcome.details.reason).toBe(reason)
  await failing.branch('main').commit((edit) => void edit.set('b', 'b'))
})

test('an aborted check ends its thread, whatever that waits for', async () => {
  const failing = await openFailing('wait')
  const controller = new AbortController()
  const checking = failing.check({ signal: controller.signal })
  controller.abort()
  await expect(checking).rejects.toMatchObject({ code: 'ABORTED' })
})

test('so does closing the store', async () => {
  const failing = await openFailing('wait')
  const checking = failing.check().catch((error: unknown) => error)
  await failing.close()
  expect(await checking).toMatchObject({ code: 'STORE_CLOSED' })
})
