/** A check of a folder while the writer there makes the index of a chunk that it has sealed. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Deferred } from '@varve/pack/base'
import { NodeFileSystem } from '@varve/pack/fs'
import { InterceptedFileSystem } from '@varve/pack/testing'
import { checkFolder, openStore } from '@varve/store/internal'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder = ''
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'varve-check-')))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test.each([1, 2, 3, 4])('before write %s of it nothing is found', async (at) => {
  let writes = 0
  const reached = new Deferred()
  const released = new Deferred()
  const fileSystem = new InterceptedFileSystem(new NodeFileSystem(), {
    before: () => undefined,
    delay: async ({ kind, path }) => {
      if (kind !== 'write' || !path.endsWith('suffix-1.idx') || ++writes !== at) return
      reached.resolve()
      await released.promise
    },
  })
  const store = await openStore(folder, {}, { fileSystem, collectorWhere: 'inline' })
  await store.branch('main').commit((edit) => void edit.set('a', 'b'))
  await store.advanced.split()
  await reached.promise
  const { findings } = await checkFolder(folder, { full: true }, { where: 'inline' })
  released.resolve()
  await store.close()
  expect(findings).toEqual([])
  expect((await checkFolder(folder, { full: true }, { where: 'inline' })).findings).toEqual([])
})
