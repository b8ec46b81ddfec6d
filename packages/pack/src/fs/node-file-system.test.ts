import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileSystemSuite } from '../testing/index.ts'
import { createFileSystem, NodeFileSystem } from './index.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'varve-fs-'))
})
afterEach(() => rmSync(root, { recursive: true }))

describe('NodeFileSystem keeps the promises of the seam', () => {
  it.each(fileSystemSuite)('$name', async ({ run }) => {
    await run(new NodeFileSystem(), root)
  })
})

it('keeps files and folders for their owner alone', async () => {
  const fileSystem = new NodeFileSystem()
  await fileSystem.mkdir(join(root, 'a', 'b'))
  const handle = await fileSystem.open(join(root, 'a', 'b', 'file'), 'create')
  await handle.close()
  expect(statSync(join(root, 'a')).mode & 0o777).toBe(0o700)
  expect(statSync(join(root, 'a', 'b')).mode & 0o777).toBe(0o700)
  expect(statSync(join(root, 'a', 'b', 'file')).mode & 0o777).toBe(0o600)
})

it('follows symbolic links', async () => {
  const fileSystem = new NodeFileSystem()
  await fileSystem.mkdir(join(root, 'real'))
  symlinkSync(join(root, 'real'), join(root, 'link'))
  expect(await fileSystem.realPath(join(root, 'link'))).toBe(await fileSystem.realPath(join(root, 'real')))
  expect((await fileSystem.stat(join(root, 'link')))?.kind).toBe('folder')
})

it('reads and writes while many calls are under way', async () => {
  const fileSystem = new NodeFileSystem()
  const handle = await fileSystem.open(join(root, 'file'), 'create')
  const block = 4096
  await Promise.all(
    Array.from({ length: 64 }, (_, i) => handle.write(Buffer.alloc(block, i), 0, block, i * block)),
  )
  const targets = Array.from({ length: 64 }, () => Buffer.alloc(block))
  const reads = targets.map((target, i) => handle.read(target, 0, block, i * block))
  await handle.close()
  expect(await Promise.all(reads)).toEqual(targets.map(() => block))
  for (const [i, target] of targets.entries()) expect(target.every((byte) => byte === i)).toBe(true)
})

it('is built again from its origin', async () => {
  const { origin } = new NodeFileSystem()
  const module = (await import(origin.module)) as { createFileSystem: typeof createFileSystem }
  const other = module.createFileSystem(structuredClone(origin.options))
  expect(await other.list(root)).toEqual([])
  expect(createFileSystem({})).toBeInstanceOf(NodeFileSystem)
})
