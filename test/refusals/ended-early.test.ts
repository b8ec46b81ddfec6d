/** Collections that begin and do not come to their end: the store is as it was, and the next one works. */
import { assert, systemClock } from '@varve/pack/base'
import type { FileSystem } from '@varve/pack/fs'
import { NodeFileSystem } from '@varve/pack/fs'
import { FaultFileSystem, type FaultPlan } from '@varve/pack/testing'
import type { Commit, VarveError } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { checkpoint, open, sealed, segment } from '../support/file-letters.ts'
import { readTree } from '../support/read-whole.ts'
import { collectionSteps, Stepper, settled } from '../support/stepper.ts'
import { type TempStore, withStore } from '../support/temp-store.ts'

function commitTo(temp: TempStore, text: string): Promise<Commit> {
  return temp.store.branch('main').commit((edit) => void edit.set('text', text))
}

/** Two commits, the first of which only a collection that happens drops. */
async function history(temp: TempStore): Promise<{ first: Commit; second: Commit }> {
  await temp.files.expect(open('A'))
  const first = await commitTo(temp, 'one')
  return { first, second: await commitTo(temp, 'two') }
}

/** Asserts that no collection has happened, and that the store goes on. */
async function expectNothingHappened(temp: TempStore, first: Commit, chunk = sealed('A')): Promise<void> {
  const { store } = temp
  expect(store.gc.status).toEqual({ state: 'idle' })
  expect(store.gc.isFinished()).toBe(true)
  expect(store.gc.latestTarget()).toBeUndefined()
  await temp.files.expect(chunk, open('B'))
  const found = await store.getCommit(first.hash)
  expect([...(await readTree((found as Commit).tree())).keys()]).toEqual(['text'])
}

/** Asserts that the store is written to, and that the next collection drops what is to go. */
async function expectNextWorks(temp: TempStore, first: Commit): Promise<void> {
  const third = await commitTo(temp, 'three')
  expect(await temp.store.gc.run(third, { grace: 0 })).toMatchObject({ target: third.hash })
  expect(await temp.store.getCommit(first.hash)).toBeUndefined()
  expect((await temp.store.branch('main').head())?.hash).toBe(third.hash)
}

/** A store over a file system in which a test sets what fails. */
function withFaults(use: (temp: TempStore, faults: FaultFileSystem) => Promise<void>): Promise<void> {
  const made: FaultFileSystem[] = []
  const wrap = (inner: FileSystem): FileSystem => {
    const faults = new FaultFileSystem(inner)
    made.push(faults)
    return faults
  }
  return withStore({ wrap }, async (temp) => {
    const [faults] = made
    assert(faults !== undefined, 'the file system is made with the store')
    await use(temp, faults)
  })
}

/** The disk that a collector's thread builds by the program of failures, as long as `how` is set. */
function failingDisk(inner: FileSystem, how: () => string | undefined): FileSystem {
  const module = new URL('../dist/failing-origin.js', import.meta.url).href
  return new Proxy(inner, {
    get(target, key) {
      const said = how()
      if (key === 'origin') {
        return said === undefined ? new NodeFileSystem().origin : { module, options: { how: said } }
      }
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

describe('a worker that ends too early', () => {
  test.each([
    ['exit', 'worker'],
    ['memory', 'memory'],
    ['throw', 'other'],
    ['disk', 'disk'],
    ['nothing', 'other'],
  ])('%s: GC_FAILED for reason %s', (how, reason) => {
    let said: string | undefined = how
    return withStore({ place: 'disk', wrap: (inner) => failingDisk(inner, () => said) }, async (temp) => {
      const { first, second } = await history(temp)
      const { store } = temp
      expect(await store.startGc(second, { grace: 0 })).toBe(true)
      const during = await commitTo(temp, 'meanwhile')
      const failure = await store.finaliseGc().catch((e: unknown) => e)
      expect(failure).toMatchObject({ code: 'GC_FAILED', details: { reason } })
      expect(await store.finaliseGc()).toEqual({ state: 'idle' })
      expect((await store.branch('main').head())?.hash).toBe(during.hash)
      said = undefined
      // Where no thread gets a disk, none has made the index of the chunk either.
      await expectNothingHappened(temp, first, how === 'nothing' ? open('A') : sealed('A'))
      await expectNextWorks(temp, first)
    })
  })
})

describe('a disk that fails', () => {
  const full = { kind: 'error', code: 'ENOSPC' } as const
  const places: [string, FaultPlan][] = [
    ['as a segment is made', [{ fault: full, kinds: ['create'], path: /gen-\d+\.pack$/ }]],
    ['as a segment is written', [{ fault: full, kinds: ['write'], path: /gen-\d+\.pack$/ }]],
    ['as a map is written', [{ fault: full, kinds: ['write'], path: /gen-\d+\.map$/ }]],
    ['as an index is written', [{ fault: full, kinds: ['write'], path: /gen-\d+\.idx$/ }]],
    ['as the checkpoint is written', [{ fault: full, kinds: ['write'], path: /\.ckpt$/ }]],
  ]

  test.each(places)('full %s: GC_FAILED for reason disk', (_, plan) => {
    return withFaults(async (temp, faults) => {
      const { first, second } = await history(temp)
      faults.setPlan(plan)
      const failure = await temp.store.gc.run(second, { grace: 0 }).catch((e: unknown) => e)
      expect(failure).toMatchObject({ code: 'GC_FAILED', details: { reason: 'disk' } })
      expect(failure).toHaveProperty('message', expect.stringContaining('ENOSPC'))
      expect(faults.struck).toHaveLength(1)
      faults.setPlan([])
      await expectNothingHappened(temp, first)
      await expectNextWorks(temp, first)
    })
  })
})

describe('a failed sweep that nobody has asked about', () => {
  const broken = { kind: 'error', code: 'EIO' } as const

  async function failSweep(temp: TempStore, faults: FaultFileSystem): Promise<void> {
    faults.setPlan([{ fault: broken, kinds: ['create'], path: /gen-\d+\.pack$/ }])
    const { second } = await history(temp)
    expect(await temp.store.startGc(second, { grace: 0 })).toBe(true)
    while (temp.store.gc.status.state === 'running') await systemClock.turn()
    expect(temp.store.gc.status.state).toBe('ready')
    expect(temp.store.gc.isFinished()).toBe(false)
  }

  test.each(['startGc', 'run'] as const)('gives way to the next collection: %s', (how) => {
    return withFaults(async (temp, faults) => {
      await failSweep(temp, faults)
      const { store } = temp
      const head = (await store.branch('main').head()) as Commit
      expect(await store.gc.isAllowed(head)).toBe(true)
      if (how === 'run') await store.gc.run(head, { grace: 0 })
      else {
        const both = await Promise.all([store.startGc(head, { grace: 0 }), store.startGc(head, { grace: 0 })])
        expect(both).toEqual([true, false])
        expect(await store.finaliseGc()).toMatchObject({ state: 'finalised' })
      }
      expect(store.gc.latestTarget()).toBe(head.hash)
      expect(await store.finaliseGc()).toEqual({ state: 'idle' })
    })
  })

  test('is in the status, and told as an event, until the next collection starts', () => {
    return withFaults(async (temp, faults) => {
      await failSweep(temp, faults)
      const { store, events } = temp
      const why = { code: 'GC_FAILED', details: { reason: 'disk' } }
      const told = (): unknown[] => events.flatMap((event) => (event.type === 'gc' ? [event.status] : []))
      expect(store.gc.status).toMatchObject({ state: 'ready', error: why })
      expect(told()).toEqual([expect.not.objectContaining({ error: why }), store.gc.status])
      expect(await store.startGc(undefined, { grace: 0 })).toBe(true)
      expect(store.gc.status).not.toHaveProperty('error')
      expect(await store.finaliseGc()).toMatchObject({ state: 'finalised' })
      expect(store.gc.status).toEqual({ state: 'idle' })
    })
  })

  test('was told before another collection took its place', () => {
    return withFaults(async (temp, faults) => {
      await failSweep(temp, faults)
      const { store, events } = temp
      await store.gc.run(undefined, { grace: 0 })
      const told = events.flatMap((event) => (event.type === 'gc' ? [event.status] : []))
      const states = told.map((status) => ('error' in status ? status.error?.code : status.state))
      expect(states).toEqual(['running', 'GC_FAILED', 'idle', 'running', 'ready', 'idle'])
      expect(store.gc.status).toEqual({ state: 'idle' })
    })
  })

  test('is told once to whoever asks first', () => {
    return withFaults(async (temp, faults) => {
      await failSweep(temp, faults)
      const failure = await temp.store.finaliseGc({ wait: false }).catch((e: unknown) => e)
      expect(failure).toMatchObject({ code: 'GC_FAILED', details: { reason: 'disk' } })
      expect(await temp.store.finaliseGc()).toEqual({ state: 'idle' })
    })
  })
})

test('a disk too full for another chunk: NO_SPACE before anything is written', () => {
  return withFaults(async (temp, faults) => {
    const { first, second } = await history(temp)
    const { store } = temp
    const full = { kind: 'error', code: 'ENOSPC' } as const
    faults.setPlan([{ fault: full, kinds: ['create'], path: /suffix-\d+\.pack$/, times: 'always' }])
    for (const start of [() => store.startGc(second), () => store.gc.run(second)]) {
      const failure = await start().catch((e: unknown) => e)
      expect(failure).toMatchObject({ code: 'NO_SPACE', details: { needed: expect.any(Number) } })
      expect((failure as VarveError<'NO_SPACE'>).details.needed).toBeGreaterThan(0)
      expect(store.gc.status).toEqual({ state: 'idle' })
      await temp.files.expect(open('A'))
    }
    faults.setPlan([])
    await expectNextWorks(temp, first)
  })
})

/** Where a collection is stopped to be given up. */
const moments = ['started', 'sweeping', 'swept'] as const

/** Takes a collection to a moment. What it gives lets go of it. */
async function goTo(
  temp: TempStore,
  o: { stepper: Stepper; moment: (typeof moments)[number]; target: Commit; signal?: AbortSignal },
): Promise<() => void> {
  const { store } = temp
  const start = (): Promise<boolean> => store.startGc(o.target, { grace: 0, signal: o.signal })
  if (o.moment === 'started' || o.moment === 'swept') {
    expect(await start()).toBe(true)
    while (o.moment === 'swept' && store.gc.status.state === 'running') await systemClock.turn()
    return () => undefined
  }
  const hold = o.stepper.hold(collectionSteps.segment)
  expect(await start()).toBe(true)
  await hold.reached()
  return () => hold.release()
}

describe('a collection that is given up', () => {
  test.each(moments)('by cancel, when it is %s', (moment) => {
    const stepper = new Stepper()
    return withStore({ wrap: stepper.wrap }, async (temp) => {
      const { first, second } = await history(temp)
      const release = await goTo(temp, { stepper, moment, target: second })
      const waiting = moment === 'swept' ? undefined : temp.store.gc.wait()
      const cancelled = temp.store.gc.cancel()
      release()
      expect(await cancelled).toBe(true)
      if (waiting !== undefined) expect(await waiting).toEqual({ state: 'cancelled' })
      expect(await temp.store.gc.cancel()).toBe(false)
      expect(await temp.store.gc.wait()).toEqual({ state: 'idle' })
      await expectNothingHappened(temp, first)
      await expectNextWorks(temp, first)
    })
  })

  test('by cancel, when control is about to be replaced: it is too late', () => {
    const stepper = new Stepper()
    return withStore({ wrap: stepper.wrap }, async (temp) => {
      const { first, second } = await history(temp)
      const release = await goTo(temp, { stepper, moment: 'sweeping', target: second })
      const hold = stepper.hold(collectionSteps.controlDraft)
      const finished = temp.store.finaliseGc()
      release()
      await hold.reached()
      const cancelled = temp.store.gc.cancel()
      hold.release()
      expect(await cancelled).toBe(false)
      expect(await finished).toMatchObject({ state: 'finalised' })
      expect(await temp.store.getCommit(first.hash)).toBeUndefined()
      await temp.files.expect(segment('A'), checkpoint('A'), open('B'))
    })
  })

  test.each(moments)('by its signal, when it is %s', (moment) => {
    const stepper = new Stepper()
    return withStore({ wrap: stepper.wrap }, async (temp) => {
      const { first, second } = await history(temp)
      const abort = new AbortController()
      const release = await goTo(temp, { stepper, moment, target: second, signal: abort.signal })
      abort.abort()
      release()
      while (!temp.store.gc.isFinished()) await settled()
      await expectNothingHappened(temp, first)
      await expectNextWorks(temp, first)
    })
  })

  test('by the signal of run: ABORTED with the reason; aborted afterwards, nothing changes', () => {
    const stepper = new Stepper()
    return withStore({ wrap: stepper.wrap }, async (temp) => {
      const { first, second } = await history(temp)
      const abort = new AbortController()
      const reason = new Error('enough')
      const hold = stepper.hold(collectionSteps.segment)
      const running = temp.store.gc.run(second, { grace: 0, signal: abort.signal })
      running.catch(() => undefined)
      await hold.reached()
      abort.abort(reason)
      hold.release()
      expect(await running.catch((e: unknown) => e)).toMatchObject({ code: 'ABORTED', cause: reason })
      await expectNothingHappened(temp, first)
      const late = new AbortController()
      await temp.store.gc.run(second, { grace: 0, signal: late.signal })
      late.abort()
      await settled()
      expect(temp.store.gc.latestTarget()).toBe(second.hash)
      expect(await temp.store.startGc(undefined, { grace: 0 })).toBe(true)
      expect(await temp.store.gc.wait()).toMatchObject({ state: 'finalised' })
    })
  })

  test.each(moments)('by closing the store, when it is %s', (moment) => {
    const stepper = new Stepper()
    return withStore({ wrap: stepper.wrap }, async (temp) => {
      const { first, second } = await history(temp)
      const release = await goTo(temp, { stepper, moment, target: second })
      const { store } = temp
      const waiting = moment === 'swept' ? undefined : store.gc.wait()
      const closed = temp.close()
      release()
      await closed
      if (waiting !== undefined) expect(await waiting).toEqual({ state: 'cancelled' })
      expect(store.gc.isFinished()).toBe(true)
      await temp.checkLeftovers()
      temp.checkHandles()
      await temp.open()
      await expectNothingHappened(temp, first)
      await expectNextWorks(temp, first)
    })
  })
})
