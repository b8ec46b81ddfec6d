/** Openings that are given up half-way: everything is given back, and the next one works. */
import { InterceptedFileSystem, MemoryFileSystem } from '@varve/pack/testing'
import { openStore } from '@varve/store/internal'
import { expect, test } from 'vitest'

test('a signal ends an opening wherever it stands, and leaves no handle and no lock', async () => {
  const disk = new MemoryFileSystem()
  const open = (through: MemoryFileSystem | InterceptedFileSystem, signal?: AbortSignal) =>
    openStore('/store', { signal }, { fileSystem: through, memoryKey: disk, collectorWhere: 'inline' })
  const store = await open(disk)
  const head = await store.branch('main').commit((edit) => void edit.set('a', 'b'))
  await store.gc.run(head)
  await store.close()
  let operations = 0
  await (await open(new InterceptedFileSystem(disk, { before: () => void operations++ }))).close()
  let abortedCount = 0
  for (let at = 1; at <= operations; at++) {
    const controller = new AbortController()
    let seen = 0
    const through = new InterceptedFileSystem(disk, {
      before: () => {
        if (++seen === at) controller.abort()
        return undefined
      },
    })
    const outcome = await open(through, controller.signal).catch((error: unknown) => error)
    if (outcome instanceof Error) {
      expect(outcome).toMatchObject({ code: 'ABORTED' })
      abortedCount++
    } else await (outcome as Awaited<ReturnType<typeof open>>).close()
    expect(disk.openHandles(), `operation ${at}`).toEqual([])
  }
  expect(abortedCount).toBeGreaterThan(operations / 3)
  const last = await open(disk)
  expect((await last.branch('main').head())?.hash).toBe(head.hash)
  await last.close()
})
