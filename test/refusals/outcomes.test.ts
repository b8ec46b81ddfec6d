/** What a collection says of itself: while it runs, when it is ready, and at its end. */
import { systemClock } from '@varve/pack/base'
import { InterceptedFileSystem } from '@varve/pack/testing'
import type { Commit, Progress } from '@varve/store'
import { openStore } from '@varve/store/internal'
import { describe, expect, test } from 'vitest'
import { checkpoint, open, sealed, segment } from '../support/file-letters.ts'
import { emptyDisk, expectTidy, memoryFolder } from '../support/memory-store.ts'
import { seededBytes } from '../support/seeded-bytes.ts'
import { collectionSteps, Stepper } from '../support/stepper.ts'
import { firstNow, places, type TempStore, withStore } from '../support/temp-store.ts'

function isNamedByControl(name: string): boolean {
  return name === 'control' || /^(suffix|gen|meta)-/.test(name)
}

function isPack(name: string): boolean {
  return name.endsWith('.pack')
}

function commitTo(temp: TempStore, text: string): Promise<Commit> {
  return temp.store.branch('main').commit((edit) => void edit.set('text', text))
}

async function history(temp: TempStore): Promise<{ first: Commit; second: Commit }> {
  await temp.files.expect(open('A'))
  const first = await commitTo(temp, 'one')
  return { first, second: await commitTo(temp, 'two') }
}

describe.each(places)('on a quiet store, %s', (place) => {
  test('run finishes by itself, and nobody asks for it', () =>
    withStore({ place }, async (temp) => {
      const { first, second } = await history(temp)
      const stats = await temp.store.gc.run(second, { grace: 0 })
      expect(stats.target).toBe(second.hash)
      expect(stats.objectsKept).toBeGreaterThanOrEqual(3)
      expect(stats.bytesKept).toBeGreaterThan(0)
      expect(stats.bytesFreed).toBeGreaterThan(0)
      expect(stats.bytesArchived).toBe(0)
      expect(stats.wallMs).toBeGreaterThan(0)
      expect(stats.longestStallMs).toBeGreaterThanOrEqual(0)
      expect(stats.longestStallMs).toBeLessThanOrEqual(stats.wallMs)
      expect(stats.peakBytes).toBeGreaterThanOrEqual(0)
      expect(await temp.store.getCommit(first.hash)).toBeUndefined()
      await temp.files.expect(segment('A'), checkpoint('A'), open('B'))
    }))

  test('bytes kept and freed are what the retired pack files held', () =>
    withStore({ place }, async (temp) => {
      const { second } = await history(temp)
      const packBytes = (): number =>
        temp.store.stats().files.reduce((sum, { name, bytes }) => sum + (isPack(name) ? bytes : 0), 0)
      const before = packBytes()
      const stats = await temp.store.gc.run(second, { grace: 0 })
      expect(stats.bytesKept + stats.bytesFreed).toBe(before)
      const again = await temp.store.gc.run(second, { grace: 0 })
      expect(again.bytesFreed).toBeLessThan(4096)
    }))

  test('stats list every file of the store', () =>
    withStore({ place }, async (temp) => {
      const { second } = await history(temp)
      await temp.store.gc.run(second, { grace: 0 })
      await temp.store.advanced.split()
      await commitTo(temp, 'three')
      await temp.store.advanced.split()
      // Old files go in the background, and the index of the chunk comes.
      await temp.files.expect(segment('A'), checkpoint('A'), sealed('B'), open('C'))
      while (!temp.store.stats().files.some(({ name }) => /^suffix-\d+\.idx$/.test(name)))
        await systemClock.turn()
      const names = (await temp.disk.list(temp.folder)).filter((name) => isNamedByControl(name))
      const told = temp.store.stats().files.map(({ name }) => name)
      expect(told.sort()).toEqual(names.sort())
      for (const { name, bytes, liveBytes } of temp.store.stats().files) {
        expect([name, bytes]).toEqual([name, (await temp.disk.stat(`${temp.folder}/${name}`))?.size])
        expect(liveBytes).toBe(bytes)
      }
    }))

  test('of nothing at all', () =>
    withStore({ place }, async (temp) => {
      await temp.files.expect(open('A'))
      expect(await temp.store.gc.run()).toMatchObject({ target: undefined, objectsKept: 0 })
      expect(temp.store.gc.latestTarget()).toBeUndefined()
    }))

  test('unlink: false leaves the old files until the next opening', () =>
    withStore({ place }, async (temp) => {
      const { first, second } = await history(temp)
      expect(await temp.store.startGc(second, { grace: 0, unlink: false })).toBe(true)
      // The index of a chunk that has gone already is not made any more.
      const all = [sealed('A'), segment('A'), checkpoint('A'), open('B')]
      await temp.files.expectBetween([sealed('A'), open('B')], all)
      expect(await temp.store.finaliseGc()).toMatchObject({ state: 'finalised' })
      await temp.files.expect(...all)
      expect(await temp.store.getCommit(first.hash)).toBeUndefined()
      await temp.close()
      await temp.files.expect(...all)
      await temp.open()
      await temp.files.expect(segment('A'), checkpoint('A'), open('B'))
      expect(await temp.store.getCommit(first.hash)).toBeUndefined()
    }))
})

describe('what can be asked', () => {
  test('in each state: idle, running, ready, and idle again', () => {
    const stepper = new Stepper()
    return withStore({ wrap: stepper.wrap }, async (temp) => {
      const { second } = await history(temp)
      const { store } = temp
      const { gc } = store
      expect(gc.behaviour()).toBe('delete')
      expect(gc.status).toEqual({ state: 'idle' })
      expect(gc.isFinished()).toBe(true)
      expect(await gc.isAllowed()).toBe(true)
      expect(await gc.isAllowed(second)).toBe(true)
      expect(await gc.wait()).toEqual({ state: 'idle' })
      expect(await store.finaliseGc({ wait: false })).toEqual({ state: 'idle' })
      expect(await gc.cancel()).toBe(false)
      const hold = stepper.hold(collectionSteps.segment)
      expect(await store.startGc(second, { grace: 0 })).toBe(true)
      await hold.reached()
      const about = { target: second.hash, startedAt: new Date(firstNow) }
      expect(gc.status).toMatchObject({ state: 'running', ...about })
      expect(gc.isFinished()).toBe(false)
      expect(gc.latestTarget()).toBeUndefined()
      expect(gc.behaviour()).toBe('delete')
      expect(await gc.isAllowed(second)).toMatchObject({ code: 'GC_RUNNING' })
      const early = await store.finaliseGc({ wait: false })
      expect(early).toMatchObject({ state: 'running', progress: { phase: expect.any(String) } })
      hold.release()
      while (gc.status.state === 'running') await systemClock.turn()
      expect(gc.status).toMatchObject({ state: 'ready', ...about })
      expect(gc.isFinished()).toBe(false)
      expect(gc.latestTarget()).toBeUndefined()
      expect(await store.finaliseGc({ wait: false })).toMatchObject({ state: 'finalised' })
      expect(gc.status).toEqual({ state: 'idle' })
      expect(gc.isFinished()).toBe(true)
      expect(gc.latestTarget()).toBe(second.hash)
      expect(await gc.isAllowed(second)).toBe(true)
      const told = temp.events.flatMap((event) => (event.type === 'gc' ? [event.status.state] : []))
      expect(told).toEqual(['running', 'ready', 'idle'])
    })
  })

  test('all who wait for one collection get the same outcome', () =>
    withStore({}, async (temp) => {
      const { second } = await history(temp)
      const { store } = temp
      expect(await store.startGc(second, { grace: 0 })).toBe(true)
      const [one, two, three] = await Promise.all([store.gc.wait(), store.finaliseGc(), store.gc.run(second)])
      expect(one).toMatchObject({ state: 'finalised', stats: { target: second.hash } })
      expect(two).toEqual(one)
      expect(one).toMatchObject({ stats: three })
    }))
})

describe('progress', () => {
  test('has counts that make sense, and an estimate', async () => {
    const disk = await emptyDisk()
    // Time passes with every look at the clock, so that there is something to tell however fast it goes.
    let ms = 0
    const monotonic = (): number => {
      ms += 30
      return ms
    }
    const platform = { fileSystem: disk, memoryKey: disk, collectorWhere: 'inline' } as const
    const store = await openStore(memoryFolder, {}, { ...platform, clock: { ...systemClock, monotonic } })
    for (let part = 0; part < 4; part++) {
      const large = seededBytes(part, 700_000)
      await store.branch('main').commit((edit) => {
        for (let i = 0; i < 200; i++) edit.set(`${part}/${i}`, `${part} ${i}`)
        edit.set(`${part}/large`, large)
      })
    }
    const told: Progress[] = []
    const stats = await store.gc.run(undefined, { onProgress: (progress) => void told.push(progress) })
    const count = told.length
    expect(count).toBeGreaterThan(0)
    for (const { phase, done, total, bytesDone } of told) {
      expect(phase).toMatch(/^[a-z-]+$/)
      expect(done).toBeGreaterThanOrEqual(0)
      if (total !== undefined) expect(done).toBeLessThanOrEqual(total)
      expect(bytesDone).toBeGreaterThanOrEqual(0)
      expect(bytesDone).toBeLessThanOrEqual(2 * stats.bytesKept + 1_000_000)
    }
    const estimates = told.flatMap(({ etaMs }) => (etaMs === undefined ? [] : [etaMs]))
    expect(estimates.length).toBeGreaterThan(0)
    expect(estimates.every((etaMs) => etaMs >= 0)).toBe(true)
    await systemClock.turn()
    expect(told).toHaveLength(count)
    await store.close()
    await expectTidy(disk)
  })

  test.each(['map', 'idx'])('the longest stall counts the opening of a %s at the switch', async (ending) => {
    const disk = await emptyDisk()
    let ms = 0
    const slow = new InterceptedFileSystem(disk, {
      before: ({ kind, path }) => {
        if (kind === 'read' && /\/gen-\d+\./.test(path) && path.endsWith(ending)) ms += 500
        return undefined
      },
    })
    const clock = { ...systemClock, monotonic: () => ms }
    const platform = { fileSystem: slow, memoryKey: disk, collectorWhere: 'inline', clock } as const
    const store = await openStore(memoryFolder, {}, platform)
    await store.branch('main').commit((edit) => void edit.set('text', 'one'))
    const stats = await store.gc.run()
    expect(stats.longestStallMs).toBeGreaterThanOrEqual(500)
    await store.close()
  })

  test('a listener that throws does not end the collection', () =>
    withStore({}, async (temp) => {
      const { second } = await history(temp)
      const onProgress = (): never => {
        throw new Error('the listener is broken')
      }
      expect(await temp.store.gc.run(second, { onProgress })).toMatchObject({ target: second.hash })
    }))
})
