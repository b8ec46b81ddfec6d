import { fileName } from '@varve/pack/layout'
import { readControl } from '@varve/pack/pack'
import { flipBit, type MemoryFileSystem, SeededRandom, truncateTo, zeroRange } from '@varve/pack/testing'
import { type StoreEvent, VarveError } from '@varve/store'
import { beforeAll, describe, expect, test } from 'vitest'
import { expectTidy, memoryFolder, openMemory } from '../support/memory-store.ts'
import { withControlFormat, withVersion } from '../support/newer-format.ts'
import { bytesOf, inspect, makeSpecimen, type Specimen, walkThrough } from '../support/specimen.ts'

const seed = 7_101
const otherSeed = 7_102
/** Bits that are turned over in each file. */
const flipCount = 60
/** Stores with a bit turned over that are collected. */
const collectCount = 30
/** The header of a pack or map file, which is proved at opening. */
const headerBits = 4096 * 8

let specimen: Specimen
let stranger: Specimen
beforeAll(async () => {
  specimen = await makeSpecimen(seed)
  stranger = await makeSpecimen(otherSeed)
})

/** What became of a store of which one file is not what was written. */
interface Outcome {
  /** The store does not open, and says why. */
  readonly refused: VarveError | undefined
  /** What is told to be damaged, of a store that opens. */
  readonly damaged: readonly string[]
  readonly events: readonly StoreEvent[]
}

/**
 * Opens a store after something has happened to a file of it. Whatever comes of it: nothing is wrong without
 * an error that says so, and a refusal leaves the store so that it opens and is whole once the file is.
 */
async function outcomeOf(name: string, change: ((bytes: Buffer) => Buffer) | 'deleted'): Promise<Outcome> {
  const disk = specimen.disk.clone()
  const path = `${memoryFolder}/${name}`
  if (change === 'deleted') await disk.remove(path)
  else disk.damage(path, change)
  const events: StoreEvent[] = []
  const opened = await openMemory(disk, { events }).catch((error: unknown) => error)
  if (opened instanceof Error) {
    expect(VarveError.is(opened), `typed: ${String(opened)}`).toBe(true)
    expect(disk.openHandles()).toEqual([])
    if (change === 'deleted') await (await disk.open(path, 'create')).close()
    disk.damage(path, () => bytesOf(specimen.disk, name))
    const again = await openMemory(disk)
    const { wrong, damaged } = await inspect(again, specimen.holdings)
    expect([...wrong, ...damaged.keys()], 'whole once the file is').toEqual([])
    await again.close()
    return { refused: opened as VarveError, damaged: [], events }
  }
  const store = opened as Awaited<ReturnType<typeof openMemory>>
  const { wrong, damaged } = await inspect(store, specimen.holdings)
  expect(wrong, 'a wrong answer').toEqual([])
  if (damaged.size > 0) await walkThrough(store, specimen.holdings)
  await store.close()
  await expectTidy(disk)
  return { refused: undefined, damaged: [...damaged.keys()], events }
}

const kinds = [
  'control',
  'sealed chunk',
  'chunk index',
  'open chunk',
  'segment',
  'map',
  'segment index',
  'checkpoint',
] as const
type FileKind = (typeof kinds)[number]

/** The file of a specimen that is of this kind; of several the oldest. */
async function nameOf(kind: FileKind, disk: MemoryFileSystem = specimen.disk): Promise<string> {
  const { state } = await readControl(disk, memoryFolder)
  const chunk = state.chunks[0]?.number ?? 0
  const segment = state.segments[0]?.number ?? 0
  const names: Record<FileKind, string> = {
    control: fileName.control,
    'sealed chunk': fileName.chunk(chunk),
    'chunk index': fileName.chunkIndex(chunk),
    'open chunk': fileName.chunk(state.chunks.at(-1)?.number ?? 0),
    segment: fileName.segment(segment),
    map: fileName.segmentMap(segment),
    'segment index': fileName.segmentIndex(segment),
    checkpoint: fileName.checkpoint(state.checkpoint?.number ?? 0),
  }
  return names[kind]
}

/**
 * A flipped bit costs one record at most, where nothing is known of the records after it the rest of its
 * batch.
 */
const damagedMax: Record<FileKind, number> = {
  control: 0,
  'sealed chunk': 12,
  'chunk index': 0,
  'open chunk': 70,
  segment: 1,
  map: 255,
  'segment index': 0,
  checkpoint: 0,
}

/** Kinds of file that are made anew from others when they are damaged. */
const remade: ReadonlySet<FileKind> = new Set(['chunk index', 'segment index'])

function expectNamed(error: VarveError | undefined, name: string): void {
  if (error === undefined) return
  expect(error).toMatchObject({ code: 'CORRUPT', details: { file: name } })
}

/** What cannot be made anew must be put back, and the error says so. */
function expectAdvice(error: VarveError | undefined, name: string): void {
  const isIrreplaceable = /\.(ckpt|map)$/.test(name)
  if (error !== undefined && isIrreplaceable) expect(error.hint).toContain('from a copy of the store')
}

/** Nothing is damaged, and the store says that it has made the file anew. */
function expectRemade({ refused, damaged, events }: Outcome, name: string): void {
  expect(refused).toBeUndefined()
  expect(damaged).toEqual([])
  expect(events).toContainEqual({ type: 'index-rebuilt', file: name, reason: expect.any(String) })
}

describe.each(kinds)('%s', (kind) => {
  test(`with a bit turned over (seed ${seed})`, async () => {
    const name = await nameOf(kind)
    const random = new SeededRandom(seed)
    const bits = bytesOf(specimen.disk, name).length * 8
    let noticed = 0
    for (let i = 0; i < flipCount; i++) {
      const bit = i < 8 ? i * 64 + random.below(64) : random.below(bits)
      const { refused, damaged, events } = await outcomeOf(name, flipBit(bit))
      expectNamed(refused, name)
      expectAdvice(refused, name)
      expect(damaged.length, `bit ${bit}`).toBeLessThanOrEqual(damagedMax[kind])
      // Projections in memory are made anew each time.
      if (refused !== undefined || damaged.length > 0 || events.length > 1) noticed++
    }
    expect(noticed).toBeGreaterThan(flipCount / 8)
  })

  test('cut off', async () => {
    const name = await nameOf(kind)
    const { length } = bytesOf(specimen.disk, name)
    const lengths = [0, 1, 63, 64, 65, length >> 1, length - 4096, length - 1]
    for (const end of lengths.filter((one) => one >= 0 && one < length)) {
      // The log does not know of what is gone at its end: see the test of recovery.
      if (kind === 'open chunk' && end >= 64) continue
      const outcome = await outcomeOf(name, truncateTo(end))
      if (remade.has(kind)) expectRemade(outcome, name)
      // One of the two copies of control is enough.
      else if (kind !== 'control' || end < 100) expect(outcome.refused).toBeDefined()
      expectNamed(outcome.refused, name)
      expectAdvice(outcome.refused, name)
    }
  })

  test('deleted', async () => {
    const name = await nameOf(kind)
    const outcome = await outcomeOf(name, 'deleted')
    expectNamed(outcome.refused, name)
    expect(outcome.damaged).toEqual([])
    expect(outcome.refused === undefined).toBe(remade.has(kind))
  })

  test('with a sector of zeros, and one of something else', async () => {
    const name = await nameOf(kind)
    const { length } = bytesOf(specimen.disk, name)
    const starts = [0, 512, Math.floor(length / 1024) * 512].filter((start) => start + 512 <= length)
    for (const start of starts) {
      const zeroed = await outcomeOf(name, zeroRange(start, start + 512))
      expectNamed(zeroed.refused, name)
      const garbage = await outcomeOf(name, (bytes) => bytes.fill(0xaa, start, start + 512))
      expectNamed(garbage.refused, name)
    }
  })

  test('in the place of which is that of another store', async () => {
    const name = await nameOf(kind)
    const foreign = bytesOf(stranger.disk, await nameOf(kind, stranger.disk))
    const outcome = await outcomeOf(name, () => foreign)
    if (remade.has(kind)) return expectRemade(outcome, name)
    expect(outcome.refused).toMatchObject({ code: 'CORRUPT' })
    if (kind !== 'control') expectNamed(outcome.refused, name)
  })

  test.each(kinds.filter((other) => other !== kind))('in the place of which is the %s', async (other) => {
    const name = await nameOf(kind)
    const wrong = bytesOf(specimen.disk, await nameOf(other))
    const outcome = await outcomeOf(name, () => wrong)
    if (remade.has(kind)) expectRemade(outcome, name)
    else expectNamed(outcome.refused, name)
  })
})

describe('a collection of a store with a bit turned over', () => {
  test.each(['sealed chunk', 'open chunk', 'segment', 'map'] as const)(
    'in its %s drops nothing that was whole',
    async (kind) => {
      const name = await nameOf(kind)
      const random = new SeededRandom(seed)
      const bits = bytesOf(specimen.disk, name).length * 8
      const results = new Set<string>()
      for (let i = 0; i < collectCount; i++) {
        const disk = specimen.disk.clone()
        disk.damage(`${memoryFolder}/${name}`, flipBit(headerBits + random.below(bits - headerBits)))
        results.add(await collectDamaged(disk))
      }
      // Without a page of its map nobody knows what a segment holds.
      expect([...results].sort()).toEqual(kind === 'map' ? ['refused'] : ['done', 'refused'])
    },
  )
})

/** Says what became of the collection. */
async function collectDamaged(disk: MemoryFileSystem): Promise<string> {
  const store = await openMemory(disk)
  const before = await inspect(store, specimen.holdings)
  const failure = await store.gc.run(undefined, { grace: 0 }).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (failure !== undefined) expect(failure).toMatchObject({ code: 'CORRUPT' })
  const expectNoLoss = async (): Promise<void> => {
    const after = await inspect(store, specimen.holdings)
    expect(after.wrong).toEqual([])
    expect([...before.damaged.keys()]).toEqual(expect.arrayContaining([...after.damaged.keys()]))
  }
  await expectNoLoss()
  await store.close()
  await expectTidy(disk)
  return failure === undefined ? 'done' : 'refused'
}

describe('an older state', () => {
  test('of control is refused, or whatever it says is still so', async () => {
    let refusedCount = 0
    for (const past of specimen.past) {
      const older = past.get(fileName.control) as Buffer
      const { refused, damaged } = await outcomeOf(fileName.control, () => older)
      expect(damaged).toEqual([])
      if (refused === undefined) continue
      refusedCount++
      expect(refused.code).toBe('CORRUPT')
    }
    expect(refusedCount).toBeGreaterThan(specimen.past.length / 2)
  })
})

describe('a newer format', () => {
  test('of control', async () => {
    const { refused } = await outcomeOf(fileName.control, (bytes) => withControlFormat(bytes, 3))
    expect(refused).toMatchObject({ code: 'NEWER_FORMAT', details: { found: 3, supported: 2 } })
  })

  test.each([
    'sealed chunk',
    'open chunk',
    'segment',
    'map',
    'checkpoint',
    'chunk index',
    'segment index',
  ] as const)('of the %s', async (kind) => {
    const name = await nameOf(kind)
    const { refused } = await outcomeOf(name, (bytes) => withVersion(bytes, 2))
    expect(refused).toMatchObject({ code: 'NEWER_FORMAT', details: { found: 2, supported: 1 } })
  })
})
