import type { Commit } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { emptyDisk, openMemory } from '../support/memory-store.ts'

async function commits(store: Awaited<ReturnType<typeof openMemory>>, count: number): Promise<Commit[]> {
  const made: Commit[] = []
  for (let i = 0; i < count; i++) {
    made.push(
      await store.branch('main').commit((edit) => void edit.set(`dir/file-${i % 7}`, `content ${i}`), {
        message: `commit ${i}`,
      }),
    )
  }
  return made
}

describe('a lower layer', () => {
  test('takes what a collection retires, and gives it back', async () => {
    const disk = await emptyDisk()
    const store = await openMemory(disk, { lower: '/disk/lower' })
    expect(store.gc.behaviour()).toBe('archive')
    const made = await commits(store, 20)
    const stats = await store.gc.run(made[15], { grace: 0 })
    expect(stats.bytesArchived).toBeGreaterThan(0)
    for (const [i, commit] of made.entries()) {
      const found = await store.getCommit(commit.hash)
      expect(found?.message).toBe(`commit ${i}`)
      expect(await found?.tree().get(`dir/file-${i % 7}`)).toEqual(new TextEncoder().encode(`content ${i}`))
    }
    const history = await store.log(made[19] as Commit).toArray()
    expect(history).toHaveLength(20)
    // Heads that reach into a volume.
    await store.branch('old').set(made[2] as Commit)
    await store.branch('older').commit((edit) => void edit.setTree('x', (made[1] as Commit).tree()))
    await store.gc.run(made[17], { grace: 0 })
    await store.close()
    const reopened = await openMemory(disk)
    expect(reopened.gc.behaviour()).toBe('archive')
    await disk.rename('/disk/lower', '/disk/away')
    expect(await reopened.branch('old').get('dir/file-2')).toEqual(new TextEncoder().encode('content 2'))
    expect(await reopened.branch('older').get('x/dir/file-1')).toEqual(new TextEncoder().encode('content 1'))
    await expect(reopened.getCommit((made[3] as Commit).hash)).rejects.toMatchObject({
      code: 'LOWER_UNAVAILABLE',
    })
    await expect(reopened.gc.run()).rejects.toMatchObject({ code: 'LOWER_UNAVAILABLE' })
    await disk.rename('/disk/away', '/disk/lower')
    expect((await reopened.getCommit((made[3] as Commit).hash))?.message).toBe('commit 3')
    await reopened.close()
    expect(disk.openHandles()).toEqual([])
  })
})
