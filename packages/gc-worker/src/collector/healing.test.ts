import { loadXxh64 } from '@varve/pack/base'
import { rawToHex } from '@varve/pack/objects'
import { MemoryFileSystem } from '@varve/pack/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { removeJobFiles } from '../job/index.ts'
import { collect, newCollector, roundTo } from './testing/collect.ts'
import { readGeneration } from './testing/generation-contents.ts'
import { type KnownRecord, SmallStore } from './testing/small-store.ts'

/** Where in a record a byte is changed. */
const at = { checksum: 3, kind: 8, count: 10, hash: 20, body: 50 } as const

beforeAll(loadXxh64)

let store: SmallStore

beforeEach(async () => {
  store = await SmallStore.create(new MemoryFileSystem())
})

/** Collects with that target and gives what the generation holds. */
async function generationFor(target: KnownRecord | undefined): ReturnType<typeof readGeneration> {
  const job = await store.job({ targetRecord: target })
  const result = await collect(store, job)
  const generation = await readGeneration(store, result.segments)
  await store.adopt(job, result)
  return generation
}

async function failureFor(target: KnownRecord | undefined): Promise<unknown> {
  const job = await store.job({ targetRecord: target })
  const names = await store.fs.list(store.dir)
  const error = await collect(store, job).catch((e: unknown) => e)
  await removeJobFiles(store.fs, job)
  expect(await store.fs.list(store.dir)).toEqual(names)
  return error
}

describe('a damaged live record', () => {
  test.each(Object.entries(at))('is replaced by a copy below it: %s', async (_, where) => {
    const copy = store.blob('same content, long enough to be damaged')
    const blob = store.blob('same content, long enough to be damaged')
    const target = store.commit('c', store.node('t', [blob]), [])
    store.setRef('main', target)
    await store.seal()
    await store.damage(blob, where)
    const generation = await generationFor(target)
    const bytes = generation.bytesOf(blob.offset)
    expect(bytes.subarray(48, 48 + 39).toString()).toBe('same content, long enough to be damaged')
    expect(bytes.toString('latin1', 16, 48)).toBe(blob.hash)
    expect(generation.offsets).not.toContain(copy.offset)
    expect(generation.healed).toEqual([])
  })

  test('is replaced by a copy above it; references go to lower copies of the children', async () => {
    const child = store.blob('child')
    const node = store.node('n', [child])
    const target = store.commit('c', store.node('t', [node]), [])
    await store.seal()
    const child2 = store.blob('child')
    store.node('n', [child2])
    await store.damage(node, at.body)
    const generation = await generationFor(target)
    expect(generation.healed).toEqual([])
    expect(generation.offsets).toContain(child.offset)
    expect(generation.offsets).not.toContain(child2.offset)
    expect(generation.bytesOf(node.offset).readUInt32LE(48 + 33)).toBe(child.offset)
  })

  test('whose children have no whole copy below it points up, and says so, also later', async () => {
    const child = store.blob('child')
    const node = store.node('n', [child])
    const filler = store.blob('filler')
    await store.seal()
    const child2 = store.blob('child')
    const grandchild = store.blob('grand')
    const node2 = store.node('n', [child2])
    const target = store.commit('c', store.node('t', [node, grandchild]), [])
    await store.damage(node, at.body)
    await store.damage(child, at.body)
    const first = await generationFor(target)
    expect(first.healed).toEqual([node.offset])
    expect(first.offsets).toContain(child2.offset)
    for (const gone of [child, filler, node2]) expect(first.offsets).not.toContain(gone.offset)
    const next = store.commit('d', store.node('u', [node]), [])
    const second = await generationFor(next)
    expect(second.healed).toEqual([node.offset])
    expect(second.offsets).toContain(child2.offset)
    expect(second.bytesOf(node.offset).equals(first.bytesOf(node.offset))).toBe(true)
  })

  test('with nothing but its hash damaged is repaired from itself, references and all', async () => {
    const child = store.blob('child')
    const node = store.node('n', [child])
    const target = store.commit('c', store.node('t', [node]), [])
    await store.seal()
    await store.damage(node, at.hash)
    const generation = await generationFor(target)
    expect(generation.bytesOf(node.offset).toString('latin1', 16, 48)).toBe(node.hash)
    expect(generation.offsets).toContain(child.offset)
  })

  test('in the generation, and one that is longer than its region', async () => {
    const content = Buffer.alloc(700_000, 'long')
    const long = store.blob(content)
    const small = store.blob('small')
    const target = store.commit('c', store.node('t', [long, small]), [])
    await generationFor(target)
    await store.damage(long, 600_000)
    await store.damage(small, at.body)
    const copies = store.node('u', [store.blob(content), store.blob('small')])
    const later = store.commit('d', copies, [])
    const job = await store.job({ targetRecord: target })
    const result = await collect(store, job)
    const generation = await readGeneration(store, result.segments)
    expect(result.stats.objectsHealed).toBe(2)
    expect(generation.bytesOf(long.offset).subarray(48, 700_048).equals(content)).toBe(true)
    expect(generation.bytesOf(small.offset).toString('latin1', 48, 53)).toBe('small')
    expect(later.offset).toBeGreaterThan(job.newRetire)
  })

  test('without a copy fails the collection and nothing has changed', async () => {
    const node = store.node('n', [store.blob('x')])
    const target = store.commit('c', node, [])
    await store.seal()
    await store.damage(node, at.body)
    const details = { file: 'suffix-1.pack', offset: node.offset, hash: rawToHex(node.hash) }
    expect(await failureFor(target)).toMatchObject({ code: 'CORRUPT', details })
  })

  test('that is no copy of another kind: kinds and hashes both count', async () => {
    const blob = store.put(1, 'h'.repeat(32), Buffer.from('some content'), [], {})
    store.put(4, 'h'.repeat(32), Buffer.from('some content'), [], {})
    const target = store.commit('c', store.node('t', [blob]), [])
    await store.seal()
    await store.damage(blob, at.body)
    expect(await failureFor(target)).toMatchObject({ code: 'CORRUPT' })
  })

  test('whose copies are damaged as well', async () => {
    const copies = [1, 2, 3].map(() => store.blob('content, three times'))
    const target = store.commit('c', store.node('t', [copies[1] as KnownRecord]), [])
    await store.seal()
    for (const copy of copies) await store.damage(copy, at.body)
    expect(await failureFor(target)).toMatchObject({ code: 'CORRUPT' })
  })
})

describe('damage elsewhere', () => {
  test('in what is not kept is nobody’s business', async () => {
    const old = store.node('old', [store.blob('x')])
    await store.seal()
    const target = store.commit('c', store.node('t', []), [])
    await store.damage(old, at.body)
    expect((await generationFor(target)).offsets.length).toBe(2)
  })

  test('above the boundary: the copy that may heal it is kept', async () => {
    const child = store.blob('child')
    const copy = store.node('n', [child])
    const gone = store.blob('gone')
    const target = store.commit('c', store.node('t', []), [])
    await store.seal()
    const node = store.node('n', [store.blob('child')])
    await store.seal()
    await store.damage(node, at.body)
    const { offsets } = await generationFor(target)
    expect(offsets).toContain(copy.offset)
    expect(offsets).toContain(child.offset)
    expect(offsets).not.toContain(gone.offset)
  })

  test('above the boundary, without a copy: a blob refers to nothing, a node might', async () => {
    const target = store.commit('c', store.node('t', []), [])
    await store.seal()
    const [blob, node] = [store.blob('a blob of its own'), store.node('n', [target])]
    await store.seal()
    await store.damage(blob, at.body)
    await generationFor(target)
    await store.damage(node, at.body)
    expect(await failureFor(target)).toMatchObject({ code: 'CORRUPT' })
  })

  test('above the boundary, in nothing but the hash: the references are known', async () => {
    const held = store.blob('held')
    const target = store.commit('c', store.node('t', []), [])
    await store.seal()
    const node = store.node('n', [held])
    await store.seal()
    await store.damage(node, at.hash)
    expect((await generationFor(target)).offsets).toContain(held.offset)
  })

  test('in metadata: nobody knows what it held', async () => {
    const target = store.commit('c', store.node('t', []), [])
    const ref = store.setRef('main', target)
    await store.seal()
    await store.damage(ref, at.body)
    expect(await failureFor(target)).toMatchObject({ code: 'CORRUPT' })
  })

  test('in a batch below the boundary, where the index tells what is needed', async () => {
    const first = store.blob('first')
    await store.endBatch()
    const kept = store.blob('kept')
    await store.seal()
    const target = store.commit('c', store.node('t', [kept]), [])
    const handle = await store.fs.open('/store/suffix-1.pack', 'write')
    handle.writeSync(Buffer.from('XXXX'), 0, 4, 64)
    await handle.close()
    const { offsets } = await generationFor(target)
    expect(offsets).toContain(kept.offset)
    expect(offsets).not.toContain(first.offset)
  })

  test.each([
    ['a copy', true],
    ['no copy', false],
  ])(
    'in the length of a record above the boundary: the index finds the others; with %s',
    async (_, hasCopy) => {
      const [held, child] = [store.blob('held'), store.blob('child')]
      const copy = hasCopy ? store.node('n', [child]) : undefined
      const target = store.commit('c', store.node('t', []), [])
      await store.seal()
      const node = store.node('n', [child])
      store.node('after', [held])
      const ref = store.commit('r', store.node('r', [store.blob('r')]), [])
      store.setRef('main', ref)
      await store.seal()
      await store.damage(node, 12)
      if (!hasCopy) return expect(await failureFor(target)).toMatchObject({ code: 'CORRUPT' })
      const { offsets } = await generationFor(target)
      expect(offsets).toContain(held.offset)
      expect(offsets).toContain(copy?.offset)
    },
  )

  test('in a batch whose records an index built later cannot know', async () => {
    const target = store.commit('c', store.node('t', []), [])
    await store.seal()
    const lost = store.node('n', [target])
    store.blob('more')
    await store.seal({ index: false })
    await store.damage(lost, 12)
    await store.buildIndex(store.chunks.at(-1)!)
    expect(await failureFor(target)).toMatchObject({ code: 'CORRUPT' })
  })

  test('in a commit on the way back through history', async () => {
    const first = store.commit('1', store.node('a', []), [])
    const second = store.commit('2', store.node('b', []), [first.hash])
    const copy = store.commit('2', store.node('b', []), [first.hash])
    const third = store.commit('3', store.node('c', []), [second.hash])
    store.setRef('main', third)
    await store.seal()
    await store.damage(second, at.body)
    const { offsets } = await generationFor(undefined)
    // The copy is whole, so it is the one that a look-up by hash finds.
    for (const r of [first, copy, third]) expect(offsets).toContain(r.offset)
  })

  test('an index that is missing or damaged is no obstacle', async () => {
    const copy = store.blob('content, twice')
    const blob = store.blob('content, twice')
    const first = store.commit('1', store.node('t', [blob]), [])
    store.setRef('main', first)
    await store.seal({ index: false })
    await store.damage(blob, at.body)
    const { offsets } = await generationFor(undefined)
    expect(offsets).toContain(blob.offset)
    expect(offsets).not.toContain(copy.offset)
    const index = (await store.fs.list(store.dir)).find((name) => /^gen-.*idx$/.test(name)) as string
    await store.fs.remove(`/store/${index}`)
    const second = store.commit('2', store.node('u', []), [first.hash])
    store.setRef('main', second)
    expect((await generationFor(undefined)).offsets).toContain(first.offset)
  })

  test('found in a round: healed there, or the round fails', async () => {
    const [a, b] = [store.blob('twice, twice, twice'), store.blob('twice, twice, twice')]
    const only = store.blob('there is only one of it')
    const target = store.commit('c', store.node('t', []), [])
    await store.seal()
    const job = await store.job({ targetRecord: target })
    await store.damage(b, at.body)
    await store.damage(only, at.body)
    const collector = newCollector(store.fs, job)
    await collector.sweep()
    const pins = Float64Array.of(b.offset)
    expect(await collector.catchUp(roundTo(store, job.start, { pins }))).toMatchObject({ objectsCopied: 1 })
    const round = roundTo(store, job.start, { pins: Float64Array.of(only.offset) })
    await expect(collector.catchUp(round)).rejects.toMatchObject({ code: 'CORRUPT' })
    await collector.close()
    expect(a.offset).toBeLessThan(b.offset)
  })
})
