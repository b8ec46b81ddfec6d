import { loadXxh64 } from '@varve/pack/base'
import { rawToHex } from '@varve/pack/objects'
import { MemoryFileSystem } from '@varve/pack/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { collect, newCollector, roundTo } from './testing/collect.ts'
import { readGeneration } from './testing/generation-contents.ts'
import { type KnownRecord, objectList, SmallStore } from './testing/small-store.ts'

beforeAll(loadXxh64)

let store: SmallStore

beforeEach(async () => {
  store = await SmallStore.create(new MemoryFileSystem())
})

async function keptBy(job: Parameters<typeof collect>[1]): Promise<readonly number[]> {
  const result = await collect(store, job)
  return (await readGeneration(store, result.segments)).offsets
}

const offsets = (...records: KnownRecord[]): number[] => records.map((r) => r.offset).sort((a, b) => a - b)

describe('what a collection keeps', () => {
  test('a target, its tree, and nothing before it', async () => {
    const a = store.blob('a')
    const old = store.commit('old', store.node('t1', [a]), [])
    await store.seal()
    const b = store.blob('b')
    const tree = store.node('t2', [a, b])
    const target = store.commit('new', tree, [old.hash])
    store.setRef('main', target)
    const job = await store.job({ targetRecord: target })
    const result = await collect(store, job)
    const generation = await readGeneration(store, result.segments)
    expect(generation.offsets).toEqual(offsets(a, b, tree, target))
    expect(result.stats.objectsKept).toBe(4)
    expect(result.checkpoint.position).toBe(job.start)
    expect(generation.touched).toEqual([])
  })

  test('every object after the target, up to the end of its chunk; above it nothing is copied', async () => {
    const old = store.blob('old')
    const tree = store.node('t', [])
    const target = store.commit('c', tree, [])
    const later = store.blob('later, and nobody refers to it')
    await store.seal()
    const above = store.node('above', [old])
    const job = await store.job({ targetRecord: target })
    expect(await keptBy(job)).toEqual(offsets(old, tree, target, later))
    expect(job.newRetire).toBeLessThan(above.offset)
  })

  test('a chunk that has its index is read from the target on', async () => {
    const old = store.blob('old '.repeat(1_000))
    await store.endBatch()
    const kept = store.blob('kept')
    store.setRef('side', store.commit('side', store.node('s', [kept]), []))
    await store.endBatch()
    const tree = store.node('t', [])
    const target = store.commit('c', tree, [])
    await store.endBatch()
    const later = store.blob('later')
    await store.seal()
    const result = await collect(store, await store.job({ targetRecord: target }))
    const generation = await readGeneration(store, result.segments)
    expect(generation.offsets).toEqual(expect.arrayContaining(offsets(kept, tree, target, later)))
    expect(generation.offsets).not.toContain(old.offset)
    expect(result.stats.bytesScanned).toBeLessThan(4_000)
  })

  test('without a target: all history of refs, and nothing else', async () => {
    const first = store.commit('1', store.node('t1', [store.blob('a')]), [])
    const side = store.commit('side', store.node('s', [store.blob('side')]), [first.hash])
    const second = store.commit('2', store.node('t2', [store.blob('b')]), [first.hash])
    const merge = store.commit('3', store.node('t3', []), [second.hash, 'x'.repeat(32)])
    store.setRef('main', merge)
    const dropped = store.setRef('side', side)
    store.setRef('side', undefined)
    const kept = await keptBy(await store.job({}))
    const gone = [side.offset, ...side.references, dropped.offset]
    for (const offset of gone) expect(kept).not.toContain(offset)
    expect(kept.length).toBe(8)
    for (const c of [first, second, merge]) expect(kept).toContain(c.offset)
  })

  test('pins, keep, and a place from which everything is pinned', async () => {
    const [pinned, kept, gone] = [store.blob('pinned'), store.blob('kept'), store.blob('gone')]
    const target = store.commit('c', store.node('t', []), [])
    await store.seal()
    const more = store.commit('d', store.node('u', [gone]), [])
    await store.seal()
    const keep = objectList([kept])
    const pins = Float64Array.of(pinned.offset)
    const one = await keptBy(await store.job({ targetRecord: target, keep, pins }))
    expect(one).toEqual(
      offsets(pinned, kept, gone, store.records.get(target.references[0] as number)!, target),
    )
    expect(more.offset).toBeGreaterThan(target.offset)
    const two = await keptBy(await store.job({ keep, pinFrom: gone.offset }))
    expect(two).toContain(target.offset)
    expect(two).not.toContain(pinned.offset)
  })

  test('a listed object that is damaged is kept by its copy; without one nothing is collected', async () => {
    const [kept, copy] = [store.blob('kept, twice'), store.blob('kept, twice')]
    const target = store.commit('c', store.node('t', []), [])
    await store.seal()
    await store.damage(kept, 50)
    const job = await store.job({ targetRecord: target, keep: objectList([kept]) })
    const result = await keptBy(job)
    expect(result).toContain(copy.offset)
    await store.damage(copy, 50)
    const again = await store.job({ targetRecord: target, keep: objectList([kept]) })
    await expect(collect(store, again)).rejects.toMatchObject({
      code: 'CORRUPT',
      details: { hash: rawToHex(kept.hash) },
    })
  })

  test('bare puts and touches for their age, also in the next collection', async () => {
    store.time = 100
    const [young, old, touched, plain] = [
      store.blob('young', { bare: true }),
      store.blob('old'),
      store.blob('touched'),
      store.blob('plain'),
    ]
    await store.endBatch()
    const target = store.commit('c', store.node('t', []), [])
    await store.endBatch()
    store.time = 200
    await store.seal()
    store.touch(touched)
    const target2 = store.commit('d', store.node('u', []), [])
    await store.seal()
    const job = await store.job({ targetRecord: target2, youngAfterMs: 99 })
    const result = await collect(store, job)
    const generation = await readGeneration(store, result.segments)
    expect(generation.offsets).toContain(young.offset)
    expect(generation.offsets).toContain(touched.offset)
    for (const gone of [old, plain, target]) expect(generation.offsets).not.toContain(gone.offset)
    expect(generation.touched).toEqual([
      [young.offset, 100],
      [touched.offset, 200],
    ])
    await store.adopt(job, result)
    const next = store.commit('e', store.node('v', []), [])
    const second = await collect(store, await store.job({ targetRecord: next, youngAfterMs: 150 }))
    const after = await readGeneration(store, second.segments)
    expect(after.offsets).toContain(touched.offset)
    expect(after.offsets).not.toContain(young.offset)
    expect(after.touched).toEqual([[touched.offset, 200]])
  })

  test('a touch above the target keeps its place: the same target again keeps the same', async () => {
    const held = store.blob('held')
    const target = store.commit('c', store.node('t', []), [])
    const touch = store.touch(held)
    const job = await store.job({ targetRecord: target })
    const result = await collect(store, job)
    const first = (await readGeneration(store, result.segments)).offsets
    expect(first).toContain(touch.offset)
    expect(first).toContain(held.offset)
    await store.adopt(job, result)
    store.blob('something')
    const again = await collect(store, await store.job({ targetRecord: target }))
    expect((await readGeneration(store, again.segments)).offsets).toEqual(first)
    const newer = store.commit('d', store.node('u', []), [])
    const gone = await keptBy(await store.job({ targetRecord: newer }))
    expect(gone).not.toContain(held.offset)
    expect(gone).not.toContain(touch.offset)
  })

  test('refs of the last checkpoint, unless they have moved', async () => {
    const a = store.commit('a', store.node('a', []), [])
    const b = store.commit('b', store.node('b', []), [])
    store.setRef('a', a)
    store.setRef('b', b)
    const target = store.commit('c', store.node('c', []), [])
    let job = await store.job({ targetRecord: target })
    await store.adopt(job, await collect(store, job))
    const next = store.commit('d', store.node('d', []), [])
    store.setRef('b', next)
    job = await store.job({ targetRecord: next })
    const kept = await keptBy(job)
    expect(kept).toContain(a.offset)
    expect(kept).not.toContain(b.offset)
    expect(kept).not.toContain(target.offset)
  })
})

describe('catch-up', () => {
  test('copies what new records, refs, and pins hold, once, to a segment of its own', async () => {
    const [a, b, c, d] = [store.blob('a'), store.blob('b'), store.blob('c'), store.blob('d')]
    const inner = store.node('inner', [b])
    const target = store.commit('t', store.node('t', []), [])
    const job = await store.job({ targetRecord: target })
    const collector = newCollector(store.fs, job)
    await collector.sweep()
    store.node('new', [a, inner])
    await store.endBatch()
    const first = await collector.catchUp(roundTo(store, job.start))
    expect(first).toMatchObject({ state: 'done', objectsCopied: 3, recordsScanned: 1 })
    const from = store.end
    store.node('again', [b])
    await store.endBatch()
    expect(await collector.catchUp(roundTo(store, from))).toMatchObject({ state: 'done', objectsCopied: 0 })
    const round = roundTo(store, store.end, { pins: Float64Array.of(c.offset) })
    expect(await collector.catchUp(round)).toMatchObject({ state: 'done', objectsCopied: 1 })
    const result = await collector.finish()
    await collector.close()
    expect(result.segments.length).toBe(3)
    const { offsets: kept } = await readGeneration(store, result.segments)
    expect(kept).toEqual(offsets(a, b, c, inner, target, store.records.get(target.references[0] as number)!))
    expect(kept).not.toContain(d.offset)
  })

  test('over its budget a round changes nothing, in records, bytes, and time', async () => {
    const blobs = Array.from({ length: 50 }, (_, i) => store.blob(`blob ${i}`))
    const target = store.commit('t', store.node('t', []), [])
    const job = await store.job({ targetRecord: target })
    const collector = newCollector(store.fs, job)
    await collector.sweep()
    store.node('all', blobs)
    await store.endBatch()
    const names = await store.fs.list(store.dir)
    const wide = { logBytesMax: 1 << 20, recordsMax: 1000, copiedBytesMax: 1 << 20, ms: 1000 }
    for (const budget of [
      { ...wide, recordsMax: 50 },
      { ...wide, logBytesMax: 100 },
      { ...wide, copiedBytesMax: 2_700 },
      { ...wide, ms: -1 },
    ]) {
      expect(await collector.catchUp(roundTo(store, job.start, { budget }))).toMatchObject({
        state: 'over-budget',
      })
      expect(await store.fs.list(store.dir)).toEqual(names)
    }
    const fitting = await collector.catchUp(
      roundTo(store, job.start, { budget: { ...wide, recordsMax: 51 } }),
    )
    expect(fitting).toMatchObject({ state: 'done', objectsCopied: 50 })
    const again = await collector.catchUp(roundTo(store, job.start, { budget: wide }))
    expect(again).toMatchObject({ state: 'done', objectsCopied: 0 })
    const result = await collector.finish()
    await collector.close()
    expect(result.stats.rounds).toBe(2)
    expect((await readGeneration(store, result.segments)).offsets.length).toBe(52)
  })

  test('without a target a ref that moves to an old commit brings its history', async () => {
    const first = store.commit('1', store.node('a', []), [])
    const second = store.commit('2', store.node('b', []), [first.hash])
    const other = store.commit('other', store.node('c', []), [])
    store.setRef('main', other)
    const job = await store.job({})
    const collector = newCollector(store.fs, job)
    expect(await collector.sweep()).toMatchObject({ objectsKept: 2 })
    store.setRef('back', second)
    await store.endBatch()
    const budget = { logBytesMax: 1 << 20, recordsMax: 1000, copiedBytesMax: 1 << 20, ms: 1000 }
    expect(await collector.catchUp(roundTo(store, job.start, { budget }))).toMatchObject({ objectsCopied: 4 })
    const from = store.end
    store.commit('child', store.node('d', []), [second.hash])
    await store.endBatch()
    expect(await collector.catchUp(roundTo(store, from, { budget }))).toMatchObject({ objectsCopied: 0 })
    await collector.close()
  })
})

describe('bytes', () => {
  test('records are copied as they are, also across regions and files', async () => {
    const large = Buffer.alloc(200_000)
    const blobs: KnownRecord[] = []
    for (let i = 0; i < 40; i++) {
      large.writeUInt32LE(i, 0)
      blobs.push(store.blob(Buffer.from(large)))
      blobs.push(store.blob(`small ${i}`))
      await store.endBatch()
      if (i % 9 === 8) await store.seal()
    }
    const tree = store.node(
      'all',
      blobs.filter((_, i) => i % 3 !== 0),
    )
    const target = store.commit('c', tree, [])
    const job = await store.job({ targetRecord: target })
    const result = await collect(store, job)
    const generation = await readGeneration(store, result.segments)
    expect(generation.offsets).toEqual(offsets(tree, target, ...blobs.filter((_, i) => i % 3 !== 0)))
    await store.adopt(job, result)
    // The second generation is read from the first one's segments.
    const tree2 = store.node(
      'some',
      blobs.filter((_, i) => i % 3 === 1),
    )
    const target2 = store.commit('d', tree2, [])
    const again = await collect(store, await store.job({ targetRecord: target2 }))
    const second = await readGeneration(store, again.segments)
    expect(second.offsets).toEqual(offsets(tree2, target2, ...blobs.filter((_, i) => i % 3 === 1)))
    for (const offset of second.offsets) {
      if (offset < job.newRetire) expect(second.bytesOf(offset).equals(generation.bytesOf(offset))).toBe(true)
    }
  })

  test('a reference that does not point lower is corruption', async () => {
    const bad = store.put(2, 'h'.repeat(32), Buffer.from('x'), [{ offset: store.next + 8 }], {})
    const target = store.commit('c', bad, [])
    const job = await store.job({ targetRecord: target })
    const error = await collect(store, job).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'CORRUPT', details: { file: 'suffix-1.pack', offset: bad.offset } })
  })

  test('a root where no record is', async () => {
    const blob = store.blob('x')
    const job = await store.job({ pins: Float64Array.of(blob.offset + 8) })
    await expect(collect(store, job)).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  test('an unknown hash is told where it is known', async () => {
    const blob = store.blob('only copy')
    const job = await store.job({ pins: Float64Array.of(blob.offset) })
    const handle = await store.fs.open('/store/suffix-1.pack', 'write')
    handle.writeSync(Buffer.from('O'), 0, 1, blob.offset + 48)
    const error = await collect(store, job).catch((e: unknown) => e)
    const details = { file: 'suffix-1.pack', offset: blob.offset, hash: rawToHex(blob.hash) }
    expect(error).toMatchObject({ code: 'CORRUPT', details })
  })
})
