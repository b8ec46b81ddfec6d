/** The sweep at the borders of regions, chunks, and segments, over damage, and along references. */
import { Float64List, loadXxh64 } from '@varve/pack/base'
import { recordKind, sha256 } from '@varve/pack/objects'
import { recordHeaderSize } from '@varve/pack/pack'
import { ManualClock, MemoryFileSystem } from '@varve/pack/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { collect } from '../collector/testing/collect.ts'
import { type KnownRecord, SmallStore, storeId } from '../collector/testing/small-store.ts'
import { regionBytes, SlotTable } from '../marks/index.ts'
import { RegionImage, SourceIndexes, SourceSpace } from '../source/index.ts'
import { Healer } from './healer.ts'
import { Meter, type MeterLimits } from './meter.ts'
import { RegionSweep, type SweepCounts, type SweepSink, sweepAll } from './region-sweep.ts'

beforeAll(loadXxh64)

let store: SmallStore
beforeEach(async () => {
  store = await SmallStore.create(new MemoryFileSystem())
})

function table(): SlotTable {
  const bytesMax = (): number => 1 << 24
  return new SlotTable({ bytesMax, openSpill: () => Promise.reject(new TypeError('nothing is spilled')) })
}

/** Takes runs in, as the segment writer does, and tells them apart again. */
class Runs implements SweepSink {
  /** First and last offset behind it, in the order in which they came. */
  readonly runs: [start: number, end: number][] = []
  readonly #bytes = new Map<number, Buffer>()

  addRun(virtualStart: number, source: Buffer, start: number, length: number): void {
    this.runs.push([virtualStart, virtualStart + length])
    for (let at = 0; at < length; ) {
      const size = Math.ceil((recordHeaderSize + source.readUInt32LE(start + at + 12)) / 8) * 8
      expect(this.#bytes.has(virtualStart + at), `once: ${virtualStart + at}`).toBe(false)
      this.#bytes.set(virtualStart + at, Buffer.from(source.subarray(start + at, start + at + size)))
      at += size
    }
  }

  async drain(): Promise<void> {}

  /** Ascending. */
  get offsets(): number[] {
    return [...this.#bytes.keys()].sort((a, b) => a - b)
  }

  bodyOf({ offset }: { readonly offset: number }): Buffer {
    const bytes = this.#bytes.get(offset) as Buffer
    return bytes.subarray(recordHeaderSize, recordHeaderSize + bytes.readUInt32LE(12))
  }
}

/** A sweep over the sealed chunks of the store and its segments, without what a collection has around it. */
class Bench {
  readonly marks = table()
  readonly upward = table()
  readonly kept = table()
  readonly sink = new Runs()
  readonly counts: SweepCounts = { objects: 0, bytes: 0, healed: 0 }
  readonly clock = new ManualClock()
  passes = 0
  readonly #limit: number

  constructor(limit: number = store.openChunk.base) {
    this.#limit = limit
  }

  async run(
    roots: readonly { readonly offset: number }[],
    o: { limits?: MeterLimits; journal?: Float64List } = {},
  ): Promise<Runs> {
    const { marks, upward, kept, sink } = this
    const { retire, chunks, segments } = store
    const previous = { retire, chunks, segments, checkpoint: undefined }
    const source = await SourceSpace.open({ fs: store.fs, dir: store.dir, storeId }, previous)
    const indexes = new SourceIndexes(source, previous)
    const healer = new Healer(source, indexes)
    const image = new RegionImage(source)
    const parts = {
      marks,
      upward,
      kept,
      image,
      limit: this.#limit,
      fetch: async (offset: number) => ({
        bytes: await healer.heal(offset),
        ...{ isHealed: true, isLifted: false },
      }),
    }
    for (const { offset } of roots) marks.add(offset)
    const meter = new Meter(this.clock, o.limits)
    try {
      const sweep = new RegionSweep(parts, this.counts)
      this.passes = await sweepAll(sweep, {
        ...parts,
        sink,
        meter,
        journal: o.journal,
        onRegion: () => undefined,
      })
    } finally {
      indexes.close()
      await source.close()
      expect((store.fs as MemoryFileSystem).openHandles()).toEqual([])
    }
    return sink
  }
}

/** A blob that ends `before` bytes before the next border of a region. */
function fillTo(before: number): KnownRecord {
  const room = regionBytes - (store.next % regionBytes) - before
  return store.blob(Buffer.alloc(room - recordHeaderSize, `fill ${store.next} `))
}

function offsetsOf(...records: readonly KnownRecord[]): number[] {
  return records.map(({ offset }) => offset).sort((a, b) => a - b)
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'no failure',
    (error: unknown) => error,
  )
}

describe('at the border of a region', () => {
  test.each([0, 8, 40, 48, 56])('a record that begins %i bytes before it is taken whole', async (before) => {
    const filler = fillTo(before)
    const child = store.blob('lies at the border or over it')
    const after = store.blob('behind')
    const node = store.node('n', [filler, child])
    await store.seal()
    const runs = await new Bench().run([node])
    expect(runs.offsets).toEqual(offsetsOf(filler, child, node))
    expect(runs.bodyOf(child).toString()).toBe('lies at the border or over it')
    expect(child.offset % regionBytes).toBe(before === 0 ? 0 : regionBytes - before)
    expect(runs.offsets).not.toContain(after.offset)
  })

  test('a record longer than regions is taken once, with what it refers to', async () => {
    const low = store.blob('low')
    const canonical = Buffer.alloc(1_200_000, 'long')
    const long = store.put(recordKind.list, sha256(canonical, 0, canonical.length), canonical, [low], {})
    const beside = store.blob('beside')
    const top = store.node('t', [long, beside])
    await store.seal()
    const bench = new Bench()
    const runs = await bench.run([top])
    expect(runs.offsets).toEqual(offsetsOf(low, long, beside, top))
    expect(runs.bodyOf(long).subarray(0, canonical.length).equals(canonical)).toBe(true)
    expect(bench.counts).toMatchObject({ objects: 4, bytes: low.size + long.size + beside.size + top.size })
  })

  test('neighbours are one run inside a region; runs of a region ascend', async () => {
    const [a, b] = [store.blob('a'), store.blob('b')]
    store.blob('not kept')
    const c = store.blob('c')
    const filler = fillTo(0)
    const d = store.blob('d')
    await store.seal()
    const runs = await new Bench().run([a, b, c, filler, d])
    const end = ({ offset, size }: KnownRecord): number => offset + size
    expect(runs.runs).toEqual([
      [d.offset, end(d)],
      [a.offset, end(b)],
      [c.offset, end(filler)],
    ])
  })
})

describe('at the border of files', () => {
  test('a region takes from all chunks that reach into it', async () => {
    const first = store.blob('in the first chunk')
    await store.seal()
    const second = store.blob('in the second')
    await store.seal()
    const third = store.node('in the third', [first, second])
    await store.seal()
    const runs = await new Bench().run([third])
    expect(runs.offsets).toEqual(offsetsOf(first, second, third))
    expect(third.offset).toBeLessThan(regionBytes)
  })

  test('a region takes from a segment below the boundary and from a chunk above it', async () => {
    const kept = store.blob('kept by a collection')
    const gone = store.blob('not kept')
    const long = store.blob(Buffer.alloc(700_000, 'x'))
    const target = store.commit('c', store.node('t', [kept, long]), [])
    const job = await store.job({ targetRecord: target })
    await store.adopt(job, await collect(store, job))
    const node = store.node('above', [kept, long])
    await store.seal()
    expect(store.retire).toBeGreaterThan(0)
    const bench = new Bench()
    const runs = await bench.run([node])
    expect(runs.offsets).toEqual(offsetsOf(kept, long, node))
    expect(bench.counts.healed, 'all of it is read where it lies').toBe(0)
    expect(runs.bodyOf(long).equals(Buffer.alloc(700_000, 'x'))).toBe(true)
    const failure = await failureOf(new Bench().run([gone]))
    expect(failure, 'a root that no file holds').toMatchObject({ code: 'CORRUPT' })
  })
})

describe('a damaged record', () => {
  // Where a byte of it is changed.
  const places = { kind: 8, referenceCount: 10, length: 12, topOfLength: 15, hash: 20, body: 50 }

  test.each(Object.entries(places))('is CORRUPT at its place without a copy: %s', async (what, at) => {
    const child = store.blob('child')
    const node = store.node('the damaged one', [child])
    await store.seal()
    await store.damage(node, at)
    const position = node.offset - (store.chunks[0]?.base ?? 0)
    const outcome = await failureOf(new Bench().run([node]))
    // Of a hash that is damaged alone the rest of the record tells what it was.
    if (what === 'hash') expect(outcome).toBe('no failure')
    else
      expect(outcome).toMatchObject({ code: 'CORRUPT', details: { file: 'suffix-1.pack', offset: position } })
  })

  test.each(Object.entries(places))('is replaced by a copy, for its own place: %s', async (_, at) => {
    const child = store.blob('child')
    store.node('the damaged one', [child])
    const node = store.node('the damaged one', [child])
    const below = store.blob('below it')
    const top = store.node('top', [node, below])
    await store.seal()
    await store.damage(node, at)
    const bench = new Bench()
    const runs = await bench.run([top])
    expect(runs.offsets).toEqual(offsetsOf(child, node, below, top))
    expect(bench.counts).toMatchObject({ objects: 4, healed: 1 })
  })

  test('over the border of a region is healed as well', async () => {
    const content = Buffer.alloc(3_000, 'over the border')
    store.blob(content)
    fillTo(1_000)
    const long = store.blob(content)
    await store.seal()
    await store.damage(long, 2_500)
    const bench = new Bench()
    const runs = await bench.run([long])
    expect(runs.bodyOf(long).equals(content)).toBe(true)
    expect(bench.counts.healed).toBe(1)
  })
})

describe('a reference', () => {
  const put = (children: readonly { readonly offset: number }[], isHealed: boolean): KnownRecord => {
    const canonical = Buffer.from(`node at ${store.next}`)
    const hash = sha256(canonical, 0, canonical.length)
    return store.put(recordKind.node, hash, canonical, children, { healed: isHealed })
  }

  test('that points up is refused but of a healed node, whose target another pass takes', async () => {
    const above = { offset: store.next + 3 * regionBytes }
    const strict = put([above], false)
    const healed = put([above], true)
    while (store.next < above.offset - 1_000_000) store.blob(Buffer.alloc(500_000, `${store.next}`))
    store.blob(Buffer.alloc(above.offset - store.next - recordHeaderSize))
    const low = store.blob('low')
    expect(low.offset).toBe(above.offset)
    await store.seal()
    const failure = await failureOf(new Bench().run([strict]))
    expect(failure).toMatchObject({ code: 'CORRUPT', details: { offset: strict.offset } })
    const bench = new Bench()
    expect((await bench.run([healed])).offsets).toEqual(offsetsOf(healed, low))
    expect(bench.passes).toBe(2)
    const limited = new Bench(above.offset)
    expect((await limited.run([healed])).offsets, 'what lies above the limit stays').toEqual(
      offsetsOf(healed),
    )
    expect(limited.passes).toBe(1)
  })

  test('to a record of an earlier pass copies nothing twice', async () => {
    const shared = store.blob('shared')
    const first = put([shared, { offset: store.next + recordSizeOf(`node at ${store.next}`, 2) }], true)
    const second = put([shared], false)
    expect(first.references[1]).toBe(second.offset)
    await store.seal()
    const bench = new Bench()
    expect((await bench.run([first])).offsets).toEqual(offsetsOf(shared, first, second))
    expect([bench.passes, bench.counts.objects]).toEqual([2, 3])
    const both = new Bench()
    expect((await both.run([first, second])).offsets).toEqual(offsetsOf(shared, first, second))
    expect([both.passes, both.counts.objects]).toEqual([2, 3])
  })

  test.each(['to itself', 'between records'])('that points %s is CORRUPT, healed or not', async (what) => {
    const inner = store.blob('inner')
    const target = what === 'to itself' ? store.next : inner.offset + 4
    const node = put([{ offset: target }], true)
    await store.seal()
    const failure = await failureOf(new Bench().run([node]))
    expect(failure).toMatchObject({ code: 'CORRUPT', details: { offset: node.offset } })
  })

  test('that is zero stands for nothing', async () => {
    const node = put([{ offset: 0 }], false)
    await store.seal()
    expect((await new Bench().run([node])).offsets).toEqual(offsetsOf(node))
  })
})

/** Of a node with that canonical part and so many children. */
function recordSizeOf(canonical: string, children: number): number {
  return Math.ceil((recordHeaderSize + canonical.length + 8 * children) / 8) * 8
}

describe('a budget', () => {
  const limits = { recordsMax: 100, copiedBytesMax: 1 << 20, ms: 5 }

  test('ends a sweep that outgrows it', async () => {
    const blobs = Array.from({ length: 101 }, (_, at) => store.blob(`${at}`))
    await store.seal()
    const isOver = { name: 'OverBudget' }
    expect(await failureOf(new Bench().run(blobs, { limits }))).toMatchObject(isOver)
    expect(await failureOf(new Bench().run(blobs.slice(1), { limits }))).toBe('no failure')
    const few = { ...limits, copiedBytesMax: 55 }
    expect(await failureOf(new Bench().run(blobs.slice(0, 1), { limits: few }))).toMatchObject(isOver)
  })

  test('with a journal takes one pass, and notes nothing as kept', async () => {
    const [a, b] = [store.blob('a'), store.blob('b')]
    const healed = store.nodeBelowItsBlob('h')
    await store.seal()
    const bench = new Bench()
    const journal = new Float64List()
    await bench.run([a, b], { journal })
    expect([...journal.view()].sort((x, y) => x - y)).toEqual(offsetsOf(a, b))
    expect(bench.kept.isEmpty).toBe(true)
    const second = new Bench().run([healed], { journal: new Float64List() })
    expect(await failureOf(second)).toMatchObject({ name: 'OverBudget' })
  })

  test('of time is over when its clock says so', async () => {
    const clock = new ManualClock()
    const meter = new Meter(clock, limits)
    await clock.advance(5)
    meter.checkTime()
    await clock.advance(1)
    expect(() => meter.checkTime()).toThrow(expect.objectContaining({ name: 'OverBudget' }))
    // In between it is asked for once in so many records.
    const counting = new Meter(clock, limits)
    counting.count(1)
    await clock.advance(6)
    counting.count(1)
    expect(() => counting.count(64)).toThrow(expect.objectContaining({ name: 'OverBudget' }))
    expect(counting.records).toBe(66)
  })
})
