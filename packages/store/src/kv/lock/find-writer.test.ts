/** Who is found to write, without touching the lock. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@varve/pack/base'
import { NodeFileSystem } from '@varve/pack/fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { acquireStoreLock, findWriter } from './index.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'varve-writer-'))
})
afterEach(() => rmSync(root, { recursive: true }))

test('a process that holds the lock is found, and nobody when it has given it back', async () => {
  expect(await findWriter(root)).toBeUndefined()
  const lock = await acquireStoreLock({
    ...{ fileSystem: new NodeFileSystem(), root, clock: systemClock, program: 'a test' },
  })
  const names = readdirSync(root)
  const found = await findWriter(root)
  expect(found).toMatchObject({ pid: process.pid, program: 'a test' })
  expect(found?.since.getTime()).toBeLessThanOrEqual(Date.now())
  await lock.verifyStillHeld()
  expect(readdirSync(root)).toEqual(names)
  await lock.release()
  expect(await findWriter(root)).toBeUndefined()
})

test('the file of a process that is gone, or that is none of ours, is nobody', async () => {
  writeFileSync(join(root, 'lock-owner-4194303'), '')
  writeFileSync(join(root, 'lock-owner-x'), '')
  expect(await findWriter(root)).toBeUndefined()
})
