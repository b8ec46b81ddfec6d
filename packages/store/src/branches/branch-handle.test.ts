/** Commits on a branch that others move, and refs compared, set, and deleted. */
import { Deferred } from '@varve/pack/base'
import { rawToHex } from '@varve/pack/objects'
import type { MemoryFileSystem } from '@varve/pack/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Hash } from '../api/index.ts'
import { emptyDisk, MemoryRooms } from '../assembly/testing/memory-rooms.ts'
import type { StoredCommit } from '../reader/index.ts'
import { BranchHandle } from './branch-handle.ts'
import { CommitQueues } from './commit-queues.ts'
import { TagHandle } from './tag-handle.ts'

let disk: MemoryFileSystem
let store: MemoryRooms
let main: BranchHandle
beforeEach(async () => {
  disk = await emptyDisk()
  store = await MemoryRooms.open({ disk })
  main = store.branch('main')
})
afterEach(() => store.close())

function hashOf(commit: StoredCommit): Hash<'commit'> {
  return rawToHex(commit.hash) as Hash<'commit'>
}

describe('a commit', () => {
  test.each([0, 1, 3])('with %i retries tries once more than that, then gives up', async (retries) => {
    // A queue of its own: as somebody who moves the branch past all others.
    const other = new BranchHandle(store.rooms, new CommitQueues(), 'main')
    let calls = 0
    const committing = main.commit(
      async (edit) => {
        calls++
        await other.commit((theirs) => void theirs.set('their', `${calls}`))
        edit.set('mine', 'x')
      },
      { retries },
    )
    await expect(committing).rejects.toMatchObject({ code: 'CONFLICT', details: { ref: 'main' } })
    expect(calls).toBe(retries + 1)
    expect(main.hasSync('mine')).toBe(false)
  })

  test('that is overtaken begins again on the new head', async () => {
    const other = new BranchHandle(store.rooms, new CommitQueues(), 'main')
    const seen: boolean[] = []
    const commit = await main.commit(async (edit) => {
      seen.push(edit.hasSync('their'))
      if (seen.length === 1) await other.commit((theirs) => void theirs.set('their', 'x'))
      edit.set('mine', 'x')
    })
    expect(seen).toEqual([false, true])
    expect([main.hasSync('their'), main.hasSync('mine')]).toEqual([true, true])
    expect(commit.parents).toHaveLength(1)
  })

  test('on a branch that was deleted meanwhile begins anew, without a parent', async () => {
    await main.commit((edit) => void edit.set('a', 'x'))
    let calls = 0
    const commit = await main.commit(async (edit) => {
      if (++calls === 1) await main.delete()
      edit.set('b', 'x')
    })
    expect([calls, commit.parents, main.hasSync('a')]).toEqual([2, [], false])
  })

  test('that changes nothing gives the head, unless an empty one is asked for', async () => {
    const head = await main.commit((edit) => void edit.set('a', 'x'))
    expect((await main.commit((edit) => void edit.set('a', 'x'))).hash).toBe(head.hash)
    const empty = await main.commit(() => undefined, { allowEmpty: true })
    expect([empty.treeHash, empty.parents]).toEqual([head.treeHash, [head.hash]])
  })

  test('whose signal comes while its function runs ends at once and leaves no trace', async () => {
    const controller = new AbortController()
    const gate = new Deferred()
    const end = store.rooms.log.end
    const committing = main.commit(
      async (edit) => {
        await gate.promise
        edit.set('a', 'x')
      },
      { signal: controller.signal },
    )
    const waiting = main.commit((edit) => void edit.set('b', 'x'))
    controller.abort()
    await expect(committing).rejects.toMatchObject({ code: 'ABORTED' })
    gate.resolve()
    expect((await waiting).parents).toEqual([])
    expect(main.hasSync('a')).toBe(false)
    expect(store.rooms.log.end).toBeGreaterThan(end)
  })

  test('that fails in its function leaves the branch as it was', async () => {
    const failing = main.commit((edit) => {
      edit.set('a', 'x')
      throw new RangeError('no')
    })
    await expect(failing).rejects.toThrow(new RangeError('no'))
    expect(main.headSync()).toBeUndefined()
    expect(store.rooms.queues.size).toBe(0)
  })
})

describe('compare and set', () => {
  test('moves the branch only from what is expected', async () => {
    const [a, b] = [await store.commit('a'), await store.commit('b')].map(hashOf) as [
      Hash<'commit'>,
      Hash<'commit'>,
    ]
    expect(await main.compareAndSet(a, b)).toBe(false)
    expect(await main.compareAndSet(undefined, a)).toBe(true)
    expect(await main.compareAndSet(undefined, b)).toBe(false)
    expect(await main.compareAndSet(b, a)).toBe(false)
    expect(main.headSync()?.hash).toBe(a)
    expect(await main.compareAndSet(a, b)).toBe(true)
    expect(await main.compareAndSet(b, undefined)).toBe(true)
    expect(main.headSync()).toBeUndefined()
  })

  test('is decided by the newest value, which nobody else sees yet', async () => {
    const [a, b] = [await store.commit('a'), await store.commit('b')].map(hashOf) as [
      Hash<'commit'>,
      Hash<'commit'>,
    ]
    const both = await Promise.all([main.compareAndSet(undefined, a), main.compareAndSet(undefined, b)])
    expect(both).toEqual([true, false])
    expect(main.headSync()?.hash).toBe(a)
  })

  test('of a commit that the store does not hold changes nothing', async () => {
    const unknown = 'f'.repeat(64) as Hash<'commit'>
    await expect(main.compareAndSet(undefined, unknown)).rejects.toMatchObject({ code: 'UNKNOWN_COMMIT' })
    await expect(main.set('x' as Hash<'commit'>)).rejects.toMatchObject({ code: 'INVALID_HASH' })
    expect(main.headSync()).toBeUndefined()
  })
})

describe('refs', () => {
  test('are as they were when the store is opened again', async () => {
    const a = hashOf(await store.commit('a'))
    await main.set(a)
    await store.branch('gone').set(a)
    expect([await store.branch('gone').delete(), await store.branch('gone').delete()]).toEqual([true, false])
    const tag = new TagHandle(store.rooms, 'v1')
    await tag.create(a, { message: 'm', author: 'x', date: 7 })
    await store.close()
    store = await MemoryRooms.open({ disk })
    expect(store.branch('main').headSync()?.hash).toBe(a)
    expect(store.branch('gone').headSync()).toBeUndefined()
    const again = new TagHandle(store.rooms, 'v1')
    expect(await again.annotation()).toEqual({ message: 'm', author: 'x', date: new Date(7) })
    await expect(again.create(a)).rejects.toMatchObject({ code: 'CONFLICT', details: { ref: 'v1' } })
    expect([await again.delete(), await again.delete(), await again.target()]).toEqual([
      true,
      false,
      undefined,
    ])
    await again.create(a)
    expect([(await again.target())?.hash, await again.annotation()]).toEqual([a, undefined])
    await again.delete()
    await again.create(a, { author: 'x' })
    expect(await again.annotation()).toMatchObject({ message: '', author: 'x' })
  })
})
