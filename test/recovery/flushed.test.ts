/**
 * A store that syncs nothing for a commit, and a power cut at any moment: it may take the newest commits, and
 * then what is left is whole. It takes nothing from before a flush, a new chunk, or the switch of a
 * collection; and nothing that is left refers to what a collection has dropped.
 */
import type { MemoryFileSystem } from '@varve/pack/testing'
import type { Commit, Hash, Store, StoreEvent } from '@varve/store'
import { expect, test } from 'vitest'
import { type CrashPoint, CrashPoints } from '../support/crash-points.ts'
import { emptyDisk, expectTidy, openMemory } from '../support/memory-store.ts'
import { describe, readRefs, readTree } from '../support/read-whole.ts'

const seed = 77_003

/** Small, so that chunks are sealed by themselves on the way. */
const chunkBytes = 16 * 1024

interface Made {
  readonly hash: Hash<'commit'>
  /** Path → `describe(content)`. */
  readonly content: ReadonlyMap<string, string>
}

/** A line of commits, and how much of it must outlive a power cut. */
class Line {
  readonly made: Made[] = []
  /** Index of the newest commit that no power cut takes; -1: none. */
  durable = -1
  /** Index of the oldest commit that every collection so far keeps for its place in the log. */
  keptFrom = 0

  async commit(store: Store, changes: Readonly<Record<string, string | undefined>>): Promise<void> {
    const content = new Map(this.made.at(-1)?.content)
    const { hash } = await store.branch('main').commit(
      (edit) => {
        for (const [path, text] of Object.entries(changes)) {
          if (text === undefined) {
            edit.delete(path)
            for (const below of [...content.keys()])
              if (`${below}/`.startsWith(`${path}/`)) content.delete(below)
          } else {
            edit.set(path, text)
            content.set(path, describe(text))
          }
        }
      },
      { message: `${this.made.length}` },
    )
    this.made.push({ hash, content })
  }

  /** Everything that has been committed so far is durable once the call has resolved. */
  async durably(call: Promise<unknown>): Promise<void> {
    const last = this.made.length - 1
    await call
    this.durable = Math.max(this.durable, last)
  }

  /** Starts a collection, commits on, and ends it. */
  async collect(
    store: Store,
    o: { readonly target?: number; readonly meanwhile: () => Promise<unknown> },
  ): Promise<void> {
    if (o.target !== undefined) this.keptFrom = o.target
    const target = o.target === undefined ? undefined : this.made[o.target]?.hash
    await this.durably(store.startGc(target, { grace: 0 }).then((isNew) => expect(isNew).toBe(true)))
    await o.meanwhile()
    const finished = store.finaliseGc({ wait: true })
    await this.durably(finished.then(({ state }) => expect(state).toBe('finalised')))
  }

  /** What is left of the line after a power cut at a time when so many were durable. */
  async verify(store: Store, durable: number): Promise<void> {
    const head = await store.branch('main').head()
    const reached = head === undefined ? -1 : Number(head.message)
    expect(reached, 'what was durable is there').toBeGreaterThanOrEqual(durable)
    expect(head?.hash).toBe(this.made[reached]?.hash)
    for (let index = Math.min(this.keptFrom, reached); index <= reached; index++) {
      if (index < 0) continue
      const { hash, content } = this.made[index] as Made
      const found = await readTree(((await store.getCommit(hash)) as Commit).tree())
      expect([...found].filter(([, what]) => !what.startsWith('tree '))).toEqual(
        [...content].sort(([a], [b]) => (a < b ? -1 : 1)),
      )
    }
    await readRefs(store)
  }
}

const text = (n: number, length = 900): string => `${n}:`.repeat(length)
/** What only commits have that are dropped. */
const old = (n: number): string => `old ${text(n, 300)}`

/** Written to, collected three times, closed, opened again, written to. */
async function* live(openIt: () => Promise<Store>, line: Line): AsyncGenerator<void, void, undefined> {
  let store = await openIt()
  yield void (await line.commit(store, { a: old(0), b: old(1), 'd/a': old(2) }))
  yield void (await line.commit(store, { a: text(1), 'd/b': old(3) }))
  yield await line.durably(store.flush())
  yield void (await store.branch('side').commit((edit) => void edit.set('s', old(4)).set('t', old(5))))
  yield void (await line.commit(store, { b: undefined, d: undefined, c: text(2) }))
  yield void (await line.commit(store, { 'e/a': text(3), 'e/b': text(4, 3_000) }))
  yield await line.collect(store, {
    target: 2,
    // What is met again is kept, what is not is dropped, and the cut may take whatever tells them apart.
    meanwhile: async () => {
      await line.commit(store, { 'f/a': old(0), 'f/b': old(1) })
      await store.branch('side').delete()
      await line.commit(store, { 'f/c': old(2), 'g/a': text(5) })
    },
  })
  yield void (await line.commit(store, { 'f/a': undefined, 'h/a': text(6, 3_000) }))
  yield await line.durably(store.advanced.split())
  yield void (await line.commit(store, { 'h/b': text(7, 3_000) }))
  yield void (await line.commit(store, { 'h/c': text(8, 3_000) }))
  yield await line.collect(store, {
    meanwhile: () => line.commit(store, { 'i/a': old(4), 'i/b': old(5) }),
  })
  yield await line.durably(store.close())
  store = await openIt()
  yield void (await line.commit(store, { 'i/a': undefined, c: undefined }))
  yield await line.collect(store, {
    target: line.made.length - 1,
    meanwhile: () => line.commit(store, { 'i/a': old(4), c: text(2), 'j/a': old(5) }),
  })
  yield void (await line.commit(store, { a: text(9) }))
  yield await line.durably(store.close())
}

function open(disk: MemoryFileSystem, through = disk, events: StoreEvent[] = []): Promise<Store> {
  return openMemory(disk, { through, events, chunkBytes, durability: 'flush' })
}

/** What was left is whole, now, after another commit, after a collection, and after an opening. */
async function survive({ image, mark }: CrashPoint, line: Line): Promise<void> {
  const events: StoreEvent[] = []
  const store = await open(image, image, events)
  await line.verify(store, mark)
  const texts = { after: 'the power cut', again: old(0), 'and/again': old(4) }
  await store.branch('after').commit((edit) => {
    for (const [path, content] of Object.entries(texts)) edit.set(path, content)
  })
  await store.gc.run(undefined, { grace: 0 })
  await line.verify(store, mark)
  await store.close()
  await expectTidy(image)
  const again = await open(image, image, events)
  await line.verify(again, mark)
  for (const [path, content] of Object.entries(texts)) {
    expect(Buffer.from(again.branch('after').getSync(path) ?? []).toString()).toBe(content)
  }
  await again.close()
  const damage = events.filter(({ type }) => type === 'damaged' || type === 'healed')
  expect(damage, 'a power cut damages nothing').toEqual([])
}

test(`a power cut at any moment of a life without syncs leaves what is whole (seed ${seed})`, async () => {
  const disk = await emptyDisk()
  const line = new Line()
  const points = new CrashPoints(disk, { mark: () => line.durable, seed })
  const through = points.watched()
  let count = 0
  const check = async (): Promise<void> => {
    for (const point of points.drain()) {
      count++
      await survive(point, line).catch((error: unknown) => {
        throw new Error(`seed ${seed}: after a power cut before ${point.label}`, { cause: error })
      })
    }
  }
  for await (const _ of live(() => openMemory(disk, { through, chunkBytes, durability: 'flush' }), line)) {
    points.take('the next call')
    await check()
  }
  expect(count).toBeGreaterThan(300)
})
