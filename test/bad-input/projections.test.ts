/**
 * LevelDB files that were damaged, emptied, swapped, or deleted while the store was closed: made anew from
 * the log.
 */
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '@varve/pack/testing'
import { Store, type StoreEvent } from '@varve/store'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const seed = 4_711
const commitCount = 40

let parent: string
let original: string
let hashes: Map<string, string>
let copies = 0

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'varve-projections-'))
  original = join(parent, 'original')
  hashes = await makeStore(original)
})
afterAll(() => rm(parent, { recursive: true, force: true }))

/** A store whose commits say from which Git commits they came; opened twice, so that LevelDB has tables. */
async function makeStore(path: string): Promise<Map<string, string>> {
  const made = new Map<string, string>()
  const random = new SeededRandom(seed)
  for (let round = 0; round < 2; round++) {
    const store = await Store.open(path)
    for (let at = 0; at < commitCount; at++) {
      const id = random.bytes(20).toString('hex')
      const info = { extra: { 'git:id': id }, date: at, durability: 'flush' } as const
      const commit = await store.branch('main').commit((edit) => void edit.set('file', id), info)
      made.set(id, commit.hash)
    }
    await store.close()
  }
  return made
}

/** Does something to `db` of a copy of the store, opens it, and looks every commit up by its Git id. */
async function reasonsAfter(change: (db: string) => Promise<void>): Promise<string[]> {
  const path = join(parent, `copy-${copies++}`)
  await cp(original, path, { recursive: true })
  await change(join(path, 'db'))
  const events: StoreEvent[] = []
  const reasons = await lookEverythingUp(path, events)
  expect(await lookEverythingUp(path, []), 'what was made anew stays').toEqual([])
  await rm(path, { recursive: true })
  return reasons
}

async function lookEverythingUp(path: string, events: StoreEvent[]): Promise<string[]> {
  const store = await Store.open(path, { onEvent: (event) => void events.push(event) })
  try {
    for (const [id, hash] of hashes) expect((await store.resolve(`git:${id}`))?.hash, id).toBe(hash)
    expect(await store.resolve(`git:${'0'.repeat(40)}`)).toBeUndefined()
    for await (const branch of store.branches()) expect(branch.name).toBe('main')
  } finally {
    await store.close()
  }
  return events.flatMap((event) => (event.type === 'projections-rebuilt' ? [event.reason] : []))
}

async function filesIn(db: string): Promise<string[]> {
  return (await readdir(db)).filter((name) => name !== 'LOCK').map((name) => join(db, name))
}

describe('the folder of the projections', () => {
  test('untouched', async () => {
    expect(await reasonsAfter(async () => undefined)).toEqual([])
  })

  test('deleted', async () => {
    expect(await reasonsAfter((db) => rm(db, { recursive: true }))).toHaveLength(1)
  })

  test('empty', async () => {
    const empty = async (db: string): Promise<void> => {
      for (const file of await filesIn(db)) await rm(file)
    }
    expect(await reasonsAfter(empty)).toHaveLength(1)
  })

  test('of another store', async () => {
    const other = join(parent, 'other')
    const store = await Store.open(other)
    await store
      .branch('main')
      .commit((edit) => void edit.set('a', 'b'), { extra: { 'git:id': 'a'.repeat(40) } })
    await store.close()
    const swap = async (db: string): Promise<void> => {
      await rm(db, { recursive: true })
      await cp(join(other, 'db'), db, { recursive: true })
    }
    expect(await reasonsAfter(swap)).toHaveLength(1)
  })

  test('a file: then they live in memory, and each opening says so', async () => {
    const path = join(parent, 'with-a-file')
    await cp(original, path, { recursive: true })
    await rm(join(path, 'db'), { recursive: true })
    await writeFile(join(path, 'db'), 'not a folder')
    for (let i = 0; i < 2; i++) expect(await lookEverythingUp(path, [])).toEqual([expect.any(String)])
  })

  test('with files of somebody', async () => {
    expect(await reasonsAfter((db) => writeFile(join(db, 'notes.txt'), 'hello'))).toEqual([])
  })
})

describe('each file of the projections', () => {
  test('deleted, emptied, cut in half, or filled with zeros', async () => {
    for (const name of await readdir(join(original, 'db'))) {
      await reasonsAfter((db) => rm(join(db, name)))
      for (const keep of [0, 0.5]) {
        await reasonsAfter(async (db) => {
          const { length } = await readFile(join(db, name))
          await truncate(join(db, name), Math.floor(length * keep))
        })
      }
      await reasonsAfter(async (db) => {
        const bytes = await readFile(join(db, name))
        await writeFile(join(db, name), bytes.fill(0))
      })
    }
  })

  test(`with a bit turned over (seed ${seed})`, async () => {
    const random = new SeededRandom(seed)
    for (const name of await readdir(join(original, 'db'))) {
      for (let i = 0; i < 12; i++) {
        let isChanged = false
        const reasons = await reasonsAfter(async (db) => {
          const bytes = await readFile(join(db, name))
          if (bytes.length === 0) return
          const bit = random.below(bytes.length * 8)
          bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
          isChanged = true
          await writeFile(join(db, name), bytes)
        })
        // LevelDB ends the process over some tables, so none that was changed is given to it.
        if (!name.startsWith('LOG')) expect(reasons, name).toHaveLength(isChanged ? 1 : 0)
      }
    }
  })
})
