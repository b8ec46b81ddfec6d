/**
 * Whether there is room for a collection is known before it writes anything, and only what is sure is
 * refused.
 */
import type { Commit, Store } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { emptyDisk, memoryFolder, openMemory } from '../support/memory-store.ts'
import { expectCode } from '../support/scenario.ts'
import { seededBytes } from '../support/seeded-bytes.ts'

const mib = 1 << 20

interface Content {
  readonly name: string
  /** Bytes that a collection copies at least. */
  readonly keptBytes: number
  readonly at: (n: number) => Uint8Array
}

const contents: readonly Content[] = [
  { name: 'many blobs', keptBytes: 4 * mib, at: (n) => seededBytes(n, 100_000) },
  { name: 'large blobs', keptBytes: 4 * mib, at: (n) => seededBytes(n % 4, 1_200_000) },
  { name: 'many blobs with one content', keptBytes: 0, at: () => seededBytes(1, 100_000) },
  { name: 'a large blob of equal chunks', keptBytes: 0, at: () => new Uint8Array(6 * mib) },
]

describe.each(['with a target', 'without a target'])('%s', (how) => {
  test.each(contents)('$name', async ({ at, keptBytes }) => {
    const disk = await emptyDisk()
    const store = await openMemory(disk)
    const head = await layOut(store, at)
    const target = how === 'with a target' ? head : undefined
    const names = await disk.list(memoryFolder)
    disk.setQuota((await usedBytes(disk)) + 2 * mib)
    const free = await disk.freeBytes(memoryFolder)
    if (keptBytes > free) {
      const answer = await store.gc.isAllowed(target)
      expect(answer).toMatchObject({ code: 'NO_SPACE', details: { free } })
      expect((answer as { details: { needed: number } }).details.needed).toBeGreaterThan(free)
      await expectCode(store.startGc(target, { grace: 0 }), 'NO_SPACE')
      await expectCode(store.gc.run(target, { grace: 0 }), 'NO_SPACE')
      expect(await disk.list(memoryFolder)).toEqual(names)
    } else {
      expect(await store.gc.isAllowed(target)).toBe(true)
      expect((await store.gc.run(target, { grace: 0 })).objectsKept).toBeGreaterThan(0)
    }
    await store.close()
  })
})

/** A head whose tree has the contents, and garbage before it. */
async function layOut(store: Store, at: (n: number) => Uint8Array): Promise<Commit> {
  for (let n = 0; n < 4; n++) await store.putBlob(seededBytes(1_000 + n, mib))
  return store.branch('main').commit((edit) => {
    for (let n = 0; n < 50; n++) edit.set(`d/${n}`, at(n))
  })
}

async function usedBytes(disk: Awaited<ReturnType<typeof emptyDisk>>): Promise<number> {
  let bytes = 0
  for (const name of await disk.list(memoryFolder)) {
    bytes += (await disk.stat(`${memoryFolder}/${name}`))?.size ?? 0
  }
  return bytes
}
