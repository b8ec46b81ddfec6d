/** Commits whose records are damaged: the store opens, and only they are missing. */
import type { MemoryFileSystem } from '@varve/pack/testing'
import type { Commit } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { type TempStore, withStore } from '../support/temp-store.ts'

describe.each(['open', 'sealed', 'collected'] as const)('a damaged commit in a file that is %s', (state) => {
  test('does not keep the store from being opened, nor others from being read', () =>
    withStore({}, async (temp) => {
      const { store } = temp
      const orphan = await store.commit({
        tree: await store.emptyTree().set('x', 'y'),
        extra: { 'git:id': 'ab'.repeat(20) },
        message: 'orphan',
      })
      const kept = await store.branch('main').commit((edit) => void edit.set('a', 'b'))
      if (state === 'sealed') await store.advanced.split()
      if (state === 'collected') await store.gc.run()
      await temp.close()
      const undo = await damage(temp, orphan)
      await temp.open()
      expect((await temp.store.branch('main').head())?.hash).toBe(kept.hash)
      await expect(temp.store.getCommit(orphan.hash)).rejects.toMatchObject({ code: 'CORRUPT' })
      await temp.store.resolve(`git:${'ab'.repeat(20)}`).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'CORRUPT' })
      })
      await temp.close()
      await undo()
      temp.events.length = 0
      await temp.open()
      expect((await temp.store.resolve(`git:${'ab'.repeat(20)}`))?.hash).toBe(orphan.hash)
    }))
})

/** Flips a bit of the commit's record, wherever it lies; gives the way back. */
async function damage(temp: TempStore, commit: Commit): Promise<() => Promise<void>> {
  const disk = temp.disk as MemoryFileSystem
  const message = Buffer.from(commit.message)
  for (const name of await disk.list(temp.folder)) {
    if (!name.endsWith('.pack')) continue
    const path = `${temp.folder}/${name}`
    const at = (await disk.readFile(path)).indexOf(message)
    if (at < 0) continue
    const flip = async (): Promise<void> => {
      const handle = await disk.open(path, 'write')
      const byte = Buffer.alloc(1)
      handle.readSync(byte, 0, 1, at)
      handle.writeSync(Buffer.from([(byte[0] as number) ^ 4]), 0, 1, at)
      await handle.datasync()
      await handle.close()
    }
    await flip()
    return flip
  }
  throw new Error('the commit is in no file')
}
