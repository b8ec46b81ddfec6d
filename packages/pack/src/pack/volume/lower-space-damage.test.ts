import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadXxh64 } from '../../base/index.ts'
import { VarveError } from '../../errors/index.ts'
import { flipBit, ManualClock, truncateTo } from '../../testing/index.ts'
import { BlockCache } from '../blocks/index.ts'
import { Location } from '../read/index.ts'
import type { TestRecord } from '../testing/packed-records.ts'
import { departures } from './testing/departures.ts'
import { bodyAt, codeOf, offsetsOf, TestLayers, type TestVolume } from './testing/test-layers.ts'

beforeAll(loadXxh64)

interface Store {
  readonly layers: TestLayers
  readonly volumes: readonly TestVolume[]
  readonly records: readonly TestRecord[]
}

/** Two volumes with all kinds of files, small enough to hit each part of them. */
async function smallStore(): Promise<Store> {
  const layers = await TestLayers.create()
  const one = await layers.write(1, {
    ...{ filters: 30, chunks: [{ number: 1, base: 0, bodyLengths: [0, 10, 200] }] },
    segments: [],
  })
  const chunks = [{ number: 2, base: 4096, bodyLengths: [30, 300] }]
  const segments = [{ number: 5, runs: [layers.run(1, 1, 2)] }]
  const two = await layers.write(2, { chunks, segments, filters: 31 })
  const records = [1, 2].flatMap((number) => layers.records.get(number) ?? [])
  return { layers, volumes: [one, two], records }
}

/** A layer that has read nothing yet. */
function freshView({ layers, volumes }: Store) {
  const clock = new ManualClock()
  const cache = new BlockCache({ bytesMax: 1 << 20 })
  const space = layers.space({ cache, clock })
  return { space, clock, cache, view: space.view(volumes.map(({ named }) => named)) }
}

/** Every read gives the right bytes or a typed error, and no look-up says wrongly that nothing is there. */
function expectNothingWrong(store: Store, what: string): number {
  const { space, view, cache } = freshView(store)
  const at = new Location()
  let failures = 0
  for (const { offset, hash, body } of store.records) {
    try {
      if (!bodyAt({ cache }, view, offset).equals(body)) expect.fail(`${what}: wrong bytes at ${offset}`)
    } catch (error) {
      if (!VarveError.is(error) || error.code === 'COLLECTED') throw error
      failures++
    }
    const { found, failure } = offsetsOf(view, hash)
    const isFound = found.some(({ offsets }) => offsets.includes(offset))
    if (!isFound && failure === undefined) expect.fail(`${what}: the hash at ${offset} is absent`)
    if (failure !== undefined) failures++
  }
  const absence = codeOf(() => {
    if (view.locate(4000, at)) expect.fail(`${what}: found what is not there`)
  })
  space.close()
  return failures + (absence === undefined ? 0 : 1)
}

describe('damage to any file of two layers', () => {
  it('whichever bit is flipped: right bytes or a typed error, and never a wrong absence', async () => {
    const store = await smallStore()
    const { disk } = store.layers
    expect(expectNothingWrong(store, 'nothing')).toBe(0)
    const failed = new Set<string>()
    for (const [path, bytes] of [...disk.files()]) {
      const { length } = bytes
      for (let byte = 0; byte < length; byte += byte < 256 ? 3 : 127) {
        const flip = flipBit(byte * 8 + ((byte * 7) % 8))
        disk.damage(path, flip)
        if (expectNothingWrong(store, `byte ${byte} of ${path}`) > 0) failed.add(path)
        disk.damage(path, flip)
      }
    }
    // What stands twice, or can be done without, is not missed: all that the map finds is in volume 1, too.
    const spared = [...disk.files().keys()].filter((path) => !failed.has(path))
    expect(spared).toEqual([
      ...['/lower/volume-1/manifest-1', '/lower/volume-2/gen-5.map', '/lower/volume-2/manifest-1'],
      ...['/store/filter-30.bloom', '/store/filter-31.bloom'],
    ])
  })

  it('wherever it is cut, or when it is missing: the same', async () => {
    const store = await smallStore()
    const { disk } = store.layers
    for (const [path, bytes] of [...disk.files()]) {
      const whole = Buffer.from(bytes)
      for (let size = 0; size < whole.length; size += size < 200 ? 7 : 509) {
        disk.damage(path, truncateTo(size))
        expectNothingWrong(store, `${path} cut at ${size}`)
        disk.damage(path, () => Buffer.from(whole))
      }
      await disk.rename(path, '/aside')
      const isNeeded = !/filter|gen-5\.(pack|map)/.test(path)
      expect(expectNothingWrong(store, `without ${path}`) > 0).toBe(isNeeded)
      await disk.rename('/aside', path)
    }
    expect(expectNothingWrong(store, 'nothing')).toBe(0)
  })
})

describe('a layer that goes and comes while it is read', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('read' as const), n: fc.nat(4) }),
    fc.record({ kind: fc.constant('look up' as const), n: fc.nat(4) }),
    fc.record({ kind: fc.constant('read and wait' as const), n: fc.nat(4) }),
    fc.record({ kind: fc.constant('leave' as const), n: fc.nat(departures.length - 1) }),
    fc.record({ kind: fc.constant('come back' as const), n: fc.constant(0) }),
    fc.record({ kind: fc.constant('idle' as const), n: fc.nat(3000) }),
  )

  it('gives the right bytes or says that it is away, and all of it again in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const store = await smallStore()
        const { layers, records } = store
        const { space, view, clock, cache } = freshView(store)
        const waiting: Promise<unknown>[] = []
        let back: (() => Promise<void>) | undefined
        const check = (n: number): void => {
          const { offset, body, hash } = records[n] as TestRecord
          const code = codeOf(() => expect(bodyAt({ cache }, view, offset).equals(body)).toBe(true))
          expect([undefined, 'LOWER_UNAVAILABLE']).toContain(code)
          if (back === undefined) expect(code).toBeUndefined()
          const { found, failure } = offsetsOf(view, hash)
          expect(found.length > 0 || failure === 'LOWER_UNAVAILABLE').toBe(true)
          if (back === undefined) expect([found.length > 0, failure]).toEqual([true, undefined])
        }
        for (const { kind, n } of steps) {
          if (kind === 'read' || kind === 'look up') check(n)
          else if (kind === 'read and wait') waiting.push(readLater(view, records[n] as TestRecord))
          else if (kind === 'idle') await clock.advance(n)
          else if (kind === 'leave') back ??= await departures[n]?.[1](layers.disk)
          else {
            await back?.()
            back = undefined
          }
        }
        await Promise.all(waiting)
        await back?.()
        back = undefined
        for (let n = 0; n < records.length; n++) check(n)
        await clock.advance(3000)
        expect(layers.disk.openHandles()).toEqual([])
        space.close()
      }),
      { numRuns: 60 },
    )
  })

  async function readLater(
    view: ReturnType<typeof freshView>['view'],
    { offset, body }: TestRecord,
  ): Promise<void> {
    const at = new Location()
    try {
      if (!view.locate(offset + 48, at)) expect.fail('absent')
      const bytes = Buffer.alloc(body.length)
      await at.file?.handle.read(bytes, 0, bytes.length, at.position)
      expect(bytes.equals(body)).toBe(true)
    } catch (error) {
      expect(VarveError.is(error, 'LOWER_UNAVAILABLE'), String(error)).toBe(true)
    }
  }
})
