/**
 * Reads that are under way while the lower layer goes away and comes back, and the handles that they hold.
 */
import { ManualClock } from '@varve/pack/testing'
import { type Commit, type Hash, type Store, VarveError } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { describe, expect, test } from 'vitest'
import { emptyDisk, memoryFolder } from '../support/memory-store.ts'
import { type LayerPlace, lowerFolder, MovableLayer } from '../support/movable-layer.ts'
import { sha256 } from '../support/read-whole.ts'
import { seededBytes } from '../support/seeded-bytes.ts'

const bigBytes = 3 * 1024 * 1024
const commitCount = 60
/** More than the caches hold, so that the end is read from the files. */
const entryCount = 100
const messageLength = 10_000
/** As handle-pool.ts has them. */
const handlesMax = 24
const idleMs = 1_000
const ways: readonly LayerPlace[] = ['renamed', 'emptied', 'unreadable', 'other']

interface Archived {
  readonly layer: MovableLayer
  readonly clock: ManualClock
  readonly store: Store
  readonly commits: readonly Hash<'commit'>[]
  readonly big: Hash<'blob'>
}

/** A store whose older commits rest in a volume of many files, just opened: no block of them is in memory. */
async function archived(chunks = 3): Promise<Archived> {
  const disk = await emptyDisk()
  await disk.mkdir('/disk/empty')
  await disk.mkdir('/disk/other/volume-1')
  const layer = new MovableLayer(disk)
  const clock = new ManualClock()
  const open = (): Promise<Store> =>
    openStore(
      memoryFolder,
      { lower: lowerFolder, cacheBytes: 1 << 14 },
      { fileSystem: layer.through, memoryKey: disk, collectorWhere: 'inline', clock },
    )
  const store = await open()
  const commits: Hash<'commit'>[] = []
  for (let at = 0; at < commitCount; at++) {
    const content = at === 0 ? seededBytes(1, bigBytes) : `content ${at}`
    const made = await store.branch('main').commit(
      (edit) => {
        edit.set(at === 0 ? 'big' : `dir/file-${at}`, content)
        for (let i = 0; i < entryCount; i++) edit.set(`many/${at}-${i}`, `${at} ${i}`)
      },
      { message: `${at} `.repeat(messageLength) },
    )
    commits.push(made.hash)
    if (at % Math.ceil(commitCount / chunks) === 0) await store.advanced.split()
  }
  const big = sha256(seededBytes(1, bigBytes)) as Hash<'blob'>
  await store.branch('main').commit(() => store.emptyTree())
  const last = await store.branch('main').commit((edit) => void edit.set('small', 'x'))
  await store.gc.run(last, { grace: 0 })
  await store.close()
  return { layer, clock, store: await open(), commits, big }
}

/** Paths below the lower layer's folder that are open. */
function openBelow({ layer }: Archived): string[] {
  return layer.disk.openHandles().filter((path) => path.startsWith(lowerFolder))
}

async function commitAt({ store, commits }: Archived, at: number): Promise<Commit> {
  return (await store.getCommit(commits[at] as Hash<'commit'>)) as Commit
}

async function expectAway(work: Promise<unknown>): Promise<void> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!VarveError.is(failure, 'LOWER_UNAVAILABLE')) throw failure ?? new Error('it did not fail')
  expect(failure.details).toEqual({ path: lowerFolder })
}

describe.each(ways)('while the layer is %s', (way) => {
  test('a stream of a blob fails as such, and another one gives every byte when it is back', async () => {
    const life = await archived()
    const { store, layer, clock, big } = life
    const blob = await store.openBlob(big)
    const reader = blob?.stream().getReader()
    const first = await reader?.read()
    expect(first?.value?.length).toBeGreaterThan(0)
    layer.place = way
    await clock.advance(idleMs * 4)
    await expectAway(drain(reader))
    await expectAway(store.getBlob(big))
    layer.place = 'there'
    const whole = await new Response(blob?.stream()).arrayBuffer()
    expect(Buffer.compare(Buffer.from(whole), seededBytes(1, bigBytes))).toBe(0)
    expect(Buffer.compare((await store.getBlob(big)) as Buffer, seededBytes(1, bigBytes))).toBe(0)
    await store.close()
    expect(layer.disk.openHandles()).toEqual([])
  })

  test('the log and a walk fail where they are, and go to their end when it is back', async () => {
    const life = await archived()
    const { store, layer, clock } = life
    const last = (await store.branch('main').head()) as Commit
    const log = store.log(last)[Symbol.asyncIterator]()
    for (let at = 0; at < 5; at++) expect((await log.next()).done).toBe(false)
    const tree = (await commitAt(life, commitCount - 1)).tree()
    const walk = tree.entries('', { recursive: true })[Symbol.asyncIterator]()
    expect((await walk.next()).done).toBe(false)
    layer.place = way
    await clock.advance(idleMs * 4)
    await expectAway(toEnd(log))
    await expectAway(toEnd(walk))
    layer.place = 'there'
    expect(await store.log(last).toArray()).toHaveLength(commitCount + 2)
    const names: string[] = []
    for await (const entry of tree.entries('', { recursive: true })) names.push(entry.path.join('/'))
    expect(names).toHaveLength(1 + 1 + commitCount - 1 + 1 + entryCount * commitCount)
    await store.close()
    expect(layer.disk.openHandles()).toEqual([])
  })
})

describe('handles below the lower folder', () => {
  test('are closed when nothing is read for a while, and after closing', async () => {
    const life = await archived()
    const { store, clock } = life
    // The projections of a store in memory are made anew at each opening.
    await clock.advance(idleMs * 4)
    expect(openBelow(life)).toEqual([])
    expect(await (await commitAt(life, 3)).tree().get('dir/file-3')).toBeDefined()
    expect(openBelow(life).length).toBeGreaterThan(0)
    await clock.advance(idleMs * 4)
    expect(openBelow(life)).toEqual([])
    await commitAt(life, 40)
    expect(openBelow(life).length).toBeGreaterThan(0)
    await store.close()
    expect(openBelow(life)).toEqual([])
    expect(life.layer.disk.openHandles()).toEqual([])
  })

  test('are never more than the bound, however many files are read at a time', async () => {
    const life = await archived(commitCount)
    const { store, commits } = life
    const files = (await life.layer.disk.list(`${lowerFolder}/volume-1`)).length
    expect(files).toBeGreaterThan(4 * handlesMax)
    let most = 0
    const readAll = async (from: readonly Hash<'commit'>[]): Promise<void> => {
      for (const hash of from) {
        const commit = await store.getCommit(hash)
        for await (const entry of commit?.tree().entries('', { recursive: true }) ?? []) {
          if (entry.kind === 'blob' && entry.size < 1_000) await commit?.tree().get(entry.path)
          most = Math.max(most, openBelow(life).length)
        }
      }
    }
    await Promise.all([readAll(commits.slice(0, 20)), readAll(commits.slice(20, 30).toReversed())])
    expect(most).toBeGreaterThan(handlesMax / 2)
    expect(most).toBeLessThanOrEqual(handlesMax)
    await store.close()
    expect(openBelow(life)).toEqual([])
  })
})

async function drain(reader: { read(): Promise<{ readonly done: boolean }> } | undefined): Promise<void> {
  while ((await reader?.read())?.done === false);
}

async function toEnd(steps: AsyncIterator<unknown>): Promise<void> {
  while ((await steps.next()).done !== true);
}
