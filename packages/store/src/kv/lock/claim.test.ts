import { systemClock } from '@varve/pack/base'
import { VarveError } from '@varve/pack/errors'
import { type FileSystem, writeFully } from '@varve/pack/fs'
import { InterceptedFileSystem, MemoryFileSystem } from '@varve/pack/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claimOwnership } from './claim.ts'
import { type Owner, ownerPath, removeOwnerFile } from './owner-file.ts'

const owner: Owner = {
  pid: 77,
  start: '123456',
  boot: 'this-boot',
  host: 'here',
  namespace: '',
  sinceMs: 1,
  program: 'test',
  backing: 'level',
}
const path = ownerPath('/s', owner)
const longAgo = 1_000

/** A folder with a file that is older than this process; what comes later is younger. */
async function folderWith(leftover: string | undefined): Promise<MemoryFileSystem> {
  let isLongAgo = true
  const fileSystem = new MemoryFileSystem({ now: () => (isLongAgo ? longAgo : systemClock.now()) })
  await fileSystem.mkdir('/s')
  if (leftover !== undefined) await write(fileSystem, 'lock-owner-77', leftover)
  isLongAgo = false
  return fileSystem
}

async function write(fileSystem: FileSystem, name: string, content: string): Promise<void> {
  const handle = await fileSystem.open(`/s/${name}`, 'create')
  await writeFully(handle, Buffer.from(content), 0, content.length, 0)
  await handle.close()
}

const leftovers = {
  nothing: undefined,
  'a file of a dead process with our number': JSON.stringify({ ...owner, start: '99' }),
  'a file of an earlier boot': JSON.stringify({ ...owner, boot: 'earlier' }),
  'a file that a power cut has emptied': '',
  'a file that a power cut has torn': '\0\0\0\0',
}

describe.each(Object.entries(leftovers))('with %s there', (_, leftover) => {
  it('lets one in, refuses all others, and lets the next one in after a release', async () => {
    const fileSystem = await folderWith(leftover)
    const claim = { owner, clock: systemClock }
    await claimOwnership(fileSystem, path, claim)
    const error = await claimOwnership(fileSystem, path, claim).catch((refusal: unknown) => refusal)
    expect(VarveError.is(error, 'STORE_LOCKED') && error.details).toEqual({
      pid: 77,
      since: new Date(1),
      program: 'test',
    })
    expect(await fileSystem.list('/s')).toEqual(['lock-owner-77'])
    await removeOwnerFile(fileSystem, path)
    await claimOwnership(fileSystem, path, claim)
    expect(await fileSystem.list('/s')).toEqual(['lock-owner-77'])
  })

  it('never lets two in at once, in whatever order their calls are carried out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 4 }), async (scheduler, count) => {
        const memory = await folderWith(leftover)
        let calls = 0
        const fileSystem = new InterceptedFileSystem(memory, {
          before: () => undefined,
          delay: (operation) => scheduler.schedule(Promise.resolve(), `${calls++} ${operation.kind}`),
        })
        let inside = 0
        let entered = 0
        const enter = async (): Promise<void> => {
          await claimOwnership(fileSystem, path, { owner, clock: systemClock })
          entered++
          expect(++inside).toBe(1)
          await scheduler.schedule(Promise.resolve(), 'inside')
          inside--
          await removeOwnerFile(fileSystem, path)
        }
        const results = Promise.allSettled(Array.from({ length: count }, enter))
        for (const result of await scheduler.waitFor(results)) {
          if (result.status === 'rejected') expect(VarveError.is(result.reason, 'STORE_LOCKED')).toBe(true)
        }
        expect(entered).toBeGreaterThan(0)
        expect((await memory.list('/s')).filter((name) => name.includes('claim'))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

it('takes an unreadable file that is as young as this process for one that is being written', async () => {
  const fileSystem = new MemoryFileSystem({ now: () => systemClock.now() })
  await fileSystem.mkdir('/s')
  await write(fileSystem, 'lock-owner-77', '')
  await expect(claimOwnership(fileSystem, path, { owner, clock: systemClock })).rejects.toThrow(VarveError)
})
